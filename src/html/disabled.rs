//! Stands in for the pages where the feature `html` is off: there are none.

use std::convert::Infallible;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::call::{Answer, Wish};
use crate::config::Config;

/// Nothing to choose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages;

/// Pages that are not there.
#[derive(Debug)]
pub(crate) struct Site(Infallible);

/// Which of the pages are the library's own: none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own;

/// What nobody can ask for.
#[derive(Debug)]
pub(crate) enum Asked {}

impl Own {
    pub(crate) fn take(_: &mut Config) -> Self {
        Self
    }
}

impl Pages {
    pub(crate) fn new() -> Self {
        Self
    }
}

impl Site {
    pub(crate) fn build(_: &Pages, _: Own, _: &Config) -> Result<Option<Self>, String> {
        Ok(None)
    }

    pub(crate) fn find(&self, _: &http::Method, _: &str, _: &str) -> Option<Asked> {
        match self.0 {}
    }

    pub(crate) fn respond(&self, _: Asked, _: Option<Answer>, _: &Visitor, _: &Config) -> Response<Full<Bytes>> {
        match self.0 {}
    }

    pub(crate) fn visitor(&self, _: &http::request::Parts) -> Visitor {
        match self.0 {}
    }
}

impl Asked {
    pub(crate) fn wish(&self) -> Option<Wish> {
        match *self {}
    }
}

/// Somebody who cannot be there.
#[derive(Debug)]
pub(crate) enum Visitor {}
