//! The courier for gateways: what it sends, what counts as delivered, what it says of what went wrong.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tower_registration::fetch::Client;
use tower_registration::host::{Courier, Model, Rendered, Templates, Undelivered};
use tower_registration::identity::{Address, Channel};
use tower_registration::mail::LetterKind;
use tower_registration::methods::Code;
use tower_registration::sms::{HttpBuilder, HttpCourier};
use tower_registration::templates::BuiltIn;
use tower_registration::testing::App;
use tower_registration::upkeep::Why;
use tower_registration::{After, Schema};

use crate::server::{Server, answer, drips, nobody, says};

const NUMBER: &str = "+4930123456";
const CODE: &str = "482913";

/// A letter with a code, as the ready-made templates word it.
fn letter(to: &Address, kind: LetterKind) -> Rendered {
    BuiltIn::new().render(&Model::new(uuid::Uuid::nil(), kind, to))
}
