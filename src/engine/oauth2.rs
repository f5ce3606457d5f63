//! What the OAuth2 server is asked, and what the client hears when it does not go along.

use serde_json::{Value, json};

use super::Engine;
use crate::host::{AcceptedLogin, LoginRequest, OAuth2Error, OAuth2Server};
use crate::identity::Session;
use crate::page::Page;
use crate::stop::Failure;

impl Engine {
    fn oauth2_server(&self) -> Result<&dyn OAuth2Server, Failure> {
        self.oauth2.as_deref().ok_or_else(Failure::no_oauth2_server)
    }

    /// A login challenge has to be one, and somebody has to be there who gave it out.
    pub(crate) fn judge_challenge(&self, challenge: Option<&str>) -> Result<(), Failure> {
        match challenge {
            None => Ok(()),
            Some("") => {
                self.oauth2_server()?;
                Err(Failure::bad_request("the login_challenge parameter is present but empty"))
            }
            Some(_) => self.oauth2_server().map(drop),
        }
    }

    /// What the OAuth2 server wants to know.
    pub(crate) async fn login_request(&self, challenge: &str) -> Result<LoginRequest, Failure> {
        let asked = self.oauth2_server()?.login_request(challenge).await;
        asked.map_err(|error| {
            let reason = "Unable to get OAuth 2.0 Login Challenge.";
            match details(&error) {
                Some(details) => Failure::bad_request(reason).with_details(details).with_source(error),
                None => Failure::oauth2(reason, error),
            }
        })
    }

    /// Shows on a page what the OAuth2 server wants to know.
    pub(crate) async fn with_login_request(&self, mut page: Page) -> Result<Page, Failure> {
        if let Some(challenge) = &page.facts.login_challenge {
            page.login_request = Some(self.login_request(challenge).await?.into_object());
        }
        Ok(page)
    }

    /// Tells the OAuth2 server whose session it is. Where the browser goes on.
    pub(crate) async fn accept_login(&self, challenge: &str, session: &Session) -> Result<String, Failure> {
        let settings = &self.config.session;
        let login = AcceptedLogin {
            subject: session.identity(),
            session: session.id(),
            remember: settings.persistent,
            remember_for: settings.lifespan,
            amr: session.methods().iter().map(|proof| proof.method().to_string()).collect(),
        };
        let accepted = self.oauth2_server()?.accept(challenge, &login).await;
        let accepted = accepted.and_then(|to| match to.scheme() {
            "http" | "https" => Ok(String::from(to)),
            _ => Err(OAuth2Error::unusable("the OAuth2 server leads to something that is no page")),
        });
        accepted.map_err(|error| {
            let details = details(&error);
            let failure = Failure::oauth2("Unable to accept OAuth 2.0 Login Challenge.", error);
            match details {
                Some(details) => failure.with_details(details),
                None => failure,
            }
        })
    }
}

/// What the client is told of an answer that is a no.
fn details(error: &OAuth2Error) -> Option<Value> {
    match error {
        OAuth2Error::Refused { status, hint } if status.as_u16() < 500 => {
            let mut details = json!({ "status_code": status.as_u16() });
            if let (Some(hint), Some(members)) = (hint, details.as_object_mut()) {
                members.insert("oauth2_error_hint".to_owned(), Value::from(hint.as_str()));
            }
            Some(details)
        }
        _ => None,
    }
}
