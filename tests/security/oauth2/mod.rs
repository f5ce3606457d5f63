//! Login challenges under attack: a server that is away or lies, other people's challenges, and who is signed in by a proof.
// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod closed;
#[cfg(feature = "hydra")]
mod fixation;
mod proofs;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Value, json};
use tower_registration::Builder;
use tower_registration::host::{AcceptedLogin, LoginRequest, OAuth2Error, OAuth2Server};
use tower_registration::methods::Password;
use tower_registration::testing::App;
use url::Url;

/// How the server behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Willing,
    /// It knows the browser.
    Knows,
    Refuses,
    Away,
    /// It never answers.
    Hangs,
}

/// A server in-process that remembers whom it was told about.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Script>>);

struct Script {
    mood: Mood,
    leads_to: String,
    accepted: Vec<(String, AcceptedLogin)>,
}

impl Scripted {
    fn new() -> Self {
        let leads_to = "https://id.example.org/oauth2/auth?login_verifier=v".to_owned();
        Self(Arc::new(Mutex::new(Script { mood: Mood::Willing, leads_to, accepted: Vec::new() })))
    }

    fn is(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    fn leads_to(&self, url: &str) {
        url.clone_into(&mut self.0.lock().unwrap().leads_to);
    }

    fn accepted(&self) -> Vec<(String, AcceptedLogin)> {
        self.0.lock().unwrap().accepted.clone()
    }

    fn trouble(&self) -> Option<OAuth2Error> {
        match self.0.lock().unwrap().mood {
            Mood::Willing | Mood::Knows | Mood::Hangs => None,
            Mood::Refuses => Some(OAuth2Error::refused(StatusCode::NOT_FOUND).with_hint("no")),
            Mood::Away => Some(OAuth2Error::unusable("canary: http://hydra.internal:4445 is away")),
        }
    }
}

#[async_trait]
impl OAuth2Server for Scripted {
    async fn login_request(&self, challenge: &str) -> Result<LoginRequest, OAuth2Error> {
        let skip = self.0.lock().unwrap().mood == Mood::Knows;
        let request = json!({ "challenge": challenge, "skip": skip, "client": { "client_id": "shop" } });
        self.trouble().map_or_else(|| Ok(LoginRequest::read(request).unwrap()), Err)
    }

    async fn accept(&self, challenge: &str, login: &AcceptedLogin) -> Result<Url, OAuth2Error> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        if self.0.lock().unwrap().mood == Mood::Hangs {
            std::future::pending::<()>().await;
        }
        let mut script = self.0.lock().unwrap();
        script.accepted.push((challenge.to_owned(), login.clone()));
        Url::parse(&script.leads_to).map_err(OAuth2Error::unusable)
    }
}

fn app(server: &Scripted, choose: impl FnOnce(Builder) -> Builder) -> App {
    App::with(|builder| choose(builder.method(Password::new()).oauth2_server(server.clone()))).unwrap()
}

fn sign_up(email: &str) -> Value {
    json!({ "method": "password", "password": "correct horse", "traits": { "email": email } })
}
