//! A part of the host that panics costs its own request an answer, and nobody else anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// A part of the host panicked.
#[derive(Debug, thiserror::Error)]
#[error("a part of the host panicked")]
pub(crate) struct Panicked;

/// Polls a future to its end; a panic becomes an error. What the future held is dropped by then: an open unit is rolled
/// back. What the panic says stays with the host's own panic hook, since it may say anything.
///
/// Where a host builds with `panic = "abort"` there is nothing to catch.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        // Nothing that lives on is left half-way: shared state is written under locks that nothing panics under.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}
