//! G1, for social sign-up: nothing that passes between the service and a provider stands in a log line or an error body.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched};
use tower_registration::methods::Oidc;
use tower_registration::testing::{ClientKind, Endpoint, IdentityProvider, ProviderFault};

use super::{ISSUER, app, begin, entry, error_of, parameter, provider};
use crate::codes::silence::{heard, holds, listen};

const CLIENT_SECRET: &str = "canary-client-s3cret-heron";

/// The client, and everybody's secrets that went through it.
#[derive(Clone)]
struct Tap {
    provider: IdentityProvider,
    secrets: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Fetch for Tap {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        for (name, value) in form_urlencoded::parse(request.body()).into_owned() {
            if ["code", "code_verifier", "client_secret"].contains(&name.as_str()) {
                self.secrets.lock().unwrap().push(value);
            }
        }
        let answer = self.provider.fetch(request).await?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        for name in ["access_token", "refresh_token", "id_token"] {
            self.secrets.lock().unwrap().extend(body[name].as_str().map(str::to_owned));
        }
        Ok(answer)
    }
}

#[tokio::test]
async fn g1_no_secret_of_a_journey_is_written_down() {
    listen();
    let secrets = Arc::new(Mutex::new(vec![CLIENT_SECRET.to_owned()]));
    let mut errors = String::new();
    let broken = [
        None,
        Some((Endpoint::Token, ProviderFault::Status(400))),
        Some((
            Endpoint::Token,
            ProviderFault::Says("{\"access_token\":\"x\",\"id_token\":\"no.token.at-all\"}".to_owned()),
        )),
        Some((Endpoint::Keys, ProviderFault::Page)),
        Some((Endpoint::Token, ProviderFault::Away)),
    ];
    for kind in [ClientKind::Browser, ClientKind::Spa] {
        for fault in &broken {
            let provider = provider();
            let tap = Tap { provider: provider.clone(), secrets: Arc::clone(&secrets) };
            let app = app(Oidc::new(tap).provider(entry("local", ISSUER).client_secret(CLIENT_SECRET)));
            let mut client = app.client(kind);
            let back = begin(&mut client, &provider, "local").await;
            if let Some((at, fault)) = fault {
                provider.fail(*at, fault.clone());
            }
            secrets.lock().unwrap().extend([parameter(&back, "state"), parameter(&back, "code")]);
            secrets.lock().unwrap().extend(client.cookies().values().cloned());
            let done = client.follow(&back).await;
            errors.push_str(&String::from_utf8_lossy(done.body()));
            if done.location().contains("/sorry") {
                errors.push_str(&error_of(&app, &done).await.to_string());
            }
            assert_eq!(app.identities().len(), usize::from(fault.is_none()), "{fault:?}");
        }
    }

    let log = heard();
    let secrets: Vec<String> = secrets.lock().unwrap().iter().filter(|secret| secret.len() > 8).cloned().collect();
    for secret in &secrets {
        assert!(!holds(&log, secret), "{secret} is in the log");
        assert!(!holds(&errors, secret), "{secret} is in an error");
    }
    assert!(log.contains("the answer to a code has the status 400"), "the log is heard: {log}");
    assert!(secrets.len() > 30 && secrets.iter().any(|secret| secret.matches('.').count() == 2), "{}", secrets.len());
}
