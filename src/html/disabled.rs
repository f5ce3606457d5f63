//! Stands in for the pages where the feature `html` is off: there are none.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::call::{Answer, Wish};
use crate::config::Config;

/// Nothing to choose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages;

/// Which of the pages are the library's own: none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own;

/// Pages that are never built.
#[derive(Debug)]
pub(crate) struct Site;

/// What nobody can ask for, as there is no site.
#[derive(Debug)]
pub(crate) enum Asked {
    Later,
}

/// Somebody who sees no page.
#[derive(Debug)]
pub(crate) struct Visitor;

impl Pages {
    pub(crate) fn new() -> Self {
        Self
    }
}

impl Own {
    pub(crate) fn take(_: &mut Config) -> Self {
        Self
    }
}

impl Site {
    #[allow(clippy::unnecessary_wraps, reason = "the twin can fail")]
    pub(crate) fn build(_: &Pages, _: Own, _: &Config, _: &[String]) -> Result<Option<Self>, String> {
        Ok(None)
    }

    pub(crate) fn find(&self, _: &http::Method, _: &str, _: &str) -> Option<Asked> {
        None
    }

    pub(crate) fn visitor<B>(&self, _: &http::Request<B>) -> Visitor {
        Visitor
    }

    pub(crate) fn respond(&self, _: Asked, _: Option<Answer>, _: &Visitor, _: &Config) -> Response<Full<Bytes>> {
        Response::new(Full::default())
    }
}

impl Asked {
    pub(crate) fn wish(&self) -> Option<Wish> {
        None
    }
}
