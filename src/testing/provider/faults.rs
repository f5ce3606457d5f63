//! What can go wrong at a provider.

use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, LOCATION};

use crate::host::{FetchRequest, Fetched, Unfetched, UnfetchedKind};

/// What a provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// What it says about itself.
    Discovery,
    /// Tokens for a code.
    Token,
    /// Who the person is.
    UserInfo,
    /// Its keys.
    Keys,
}

impl Endpoint {
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            path if path.ends_with("/.well-known/openid-configuration") => Self::Discovery,
            path if path.ends_with("/token") => Self::Token,
            path if path.ends_with("/userinfo") => Self::UserInfo,
            path if path.ends_with("/jwks") => Self::Keys,
            _ => return None,
        })
    }
}

/// How an endpoint fails.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProviderFault {
    /// There is no connection.
    Away,
    /// It takes this long; the client gives up before, at the limit of its request.
    Slow(Duration),
    /// It answers with this status, and nothing else.
    Status(u16),
    /// It answers 200 with a page for people.
    Page,
    /// It answers with more than the request allows.
    TooLarge,
    /// It answers with a redirect to there.
    Redirect(String),
    /// It answers 200 with this.
    Says(String),
}

impl ProviderFault {
    pub(super) async fn happen(&self, request: &FetchRequest) -> Result<Fetched, Unfetched> {
        let status = |code: u16| Fetched::new(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        Ok(match self {
            Self::Away => return Err(Unfetched::new(UnfetchedKind::Unreachable, "away")),
            Self::Slow(pause) => {
                tokio::time::sleep((*pause).min(request.time_limit())).await;
                return Err(Unfetched::new(UnfetchedKind::TimedOut, "slow"));
            }
            Self::TooLarge => return Err(Unfetched::new(UnfetchedKind::TooLarge, "large")),
            Self::Status(code) => status(*code),
            Self::Page => status(200).with_body("<!doctype html><title>Down for maintenance</title>"),
            Self::Redirect(to) => {
                let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
                status(302).with_headers(HeaderMap::from_iter([(LOCATION, to)]))
            }
            Self::Says(body) => status(200).with_body(body.clone()),
        })
    }
}
