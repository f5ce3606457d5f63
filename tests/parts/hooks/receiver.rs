//! A service on this machine that hears of sign-ups and takes its time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::StatusCode;
use tokio::net::TcpListener;
use url::Url;

/// A slow service. Clones share what was heard.
#[derive(Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<State>>);

#[derive(Clone, Default)]
pub(crate) struct State {
    /// Calls that are being answered.
    pub(crate) going: usize,
    /// How many there were at once, at most.
    pub(crate) most: usize,
    /// How many were answered.
    pub(crate) answered: usize,
    hurries: bool,
    /// What told the calls apart.
    pub(crate) triggers: BTreeSet<String>,
}

impl Receiver {
    /// Starts a service that answers each call after this pause.
    pub(crate) async fn start(pause: Duration) -> (Self, Url) {
        let (receiver, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let own = receiver.clone();
        let app = Router::new().fallback(move |request: Request| {
            let own = own.clone();
            async move {
                own.begin(&request);
                if !own.state().hurries {
                    tokio::time::sleep(pause).await;
                }
                own.end();
                StatusCode::NO_CONTENT
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, url)
    }

    fn begin(&self, request: &Request) {
        let trigger = request.headers()["ory-webhook-trigger-id"].to_str().unwrap().to_owned();
        let mut state = self.0.lock().unwrap();
        state.going += 1;
        state.most = state.most.max(state.going);
        state.triggers.insert(trigger);
    }

    fn end(&self) {
        let mut state = self.0.lock().unwrap();
        state.going -= 1;
        state.answered += 1;
    }

    /// Answers at once from now on.
    pub(crate) fn hurry(&self) {
        self.0.lock().unwrap().hurries = true;
    }

    pub(crate) fn state(&self) -> State {
        self.0.lock().unwrap().clone()
    }
}
