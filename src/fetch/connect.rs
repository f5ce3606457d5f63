//! Connections to addresses that may be called.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::Service;

use super::address::is_public;

/// How many names are looked up at once: each look-up holds a thread until the system answers.
pub(super) const LOOKUPS: usize = 8;

/// The address behind a name may not be called.
#[derive(Debug)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not on the public internet; allow it if it is meant")
    }
}

impl Error for Forbidden {}

type BoxError = Box<dyn Error + Send + Sync>;
type Opening<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Opens connections: to any address, or to public ones only.
#[derive(Clone)]
pub(super) struct Connector {
    public_only: bool,
    inner: HttpConnector<Lookup>,
}

impl Connector {
    pub(super) fn new(public_only: bool, patience: Duration, lookups: &Arc<Semaphore>) -> Self {
        let mut inner = HttpConnector::new_with_resolver(Lookup { public_only, places: Arc::clone(lookups) });
        inner.enforce_http(false);
        inner.set_nodelay(true);
        // Of several addresses, each gets its share of this.
        inner.set_connect_timeout(Some(patience));
        Self { public_only, inner }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let host = to.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // An address needs no look-up: it is judged here.
        if self.public_only && host.parse::<IpAddr>().is_ok_and(|address| !is_public(address)) {
            return Box::pin(async { Err(Forbidden.into()) });
        }
        let opening = self.inner.call(to);
        Box::pin(async move { opening.await.map_err(Into::into) })
    }
}

/// Gives up a connection that takes too long to open, name and handshake included. The limit of a request cannot do
/// that: a connection that is being opened outlives the request when another one becomes free for it.
#[derive(Clone)]
pub(super) struct Patient<C> {
    inner: C,
    patience: Duration,
}

impl<C> Patient<C> {
    pub(super) fn new(inner: C, patience: Duration) -> Self {
        Self { inner, patience }
    }
}

impl<C> Service<Uri> for Patient<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (opening, patience) = (self.inner.call(to), self.patience);
        Box::pin(async move { timeout(patience, opening).await?.map_err(Into::into) })
    }
}

/// Looks names up and keeps the addresses that may be called. The connection goes to one of those: a name cannot mean
/// one thing when it is judged and another when it is called.
#[derive(Clone)]
struct Lookup {
    public_only: bool,
    places: Arc<Semaphore>,
}

impl Service<Name> for Lookup {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            let place = own.places.acquire_owned().await?;
            let asked = tokio::task::spawn_blocking(move || {
                // The place is held until the system has answered, also when nobody waits for it any more.
                let _place = place;
                (name.as_str(), 0).to_socket_addrs()
            });
            admitted(asked.await??, own.public_only)
        })
    }
}

fn admitted(
    addresses: impl Iterator<Item = SocketAddr>,
    public_only: bool,
) -> Result<std::vec::IntoIter<SocketAddr>, BoxError> {
    let all: Vec<SocketAddr> = addresses.collect();
    if all.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
    }
    let admitted: Vec<SocketAddr> = all.into_iter().filter(|address| !public_only || is_public(address.ip())).collect();
    if admitted.is_empty() { Err(Forbidden.into()) } else { Ok(admitted.into_iter()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> std::vec::IntoIter<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn of_several_addresses_the_public_ones_are_called() {
        let mixed = admitted(addresses(&["127.0.0.1", "8.8.8.8", "fd00::1"]), true).unwrap();

        assert_eq!(mixed.map(|address| address.ip().to_string()).collect::<Vec<_>>(), ["8.8.8.8"]);
    }

    #[test]
    fn a_name_with_private_addresses_alone_is_refused() {
        let error = admitted(addresses(&["127.0.0.1", "10.0.0.1"]), true).unwrap_err();

        assert!(error.is::<Forbidden>());
        assert_eq!(admitted(addresses(&["127.0.0.1"]), false).unwrap().count(), 1);
    }
}
