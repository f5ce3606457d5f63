//! What a web hook may be told.

use std::fmt;

use http::HeaderName;
use serde_json::{Map, Value, json};

use crate::caller::{Caller, HARMLESS};
use crate::host::HookContext;
use crate::identity::{Draft, Identity};
use crate::wire::{flow_json, identity_json};

/// Everything that the body of a web hook may be made of: the `ctx` of templates made for Kratos.
#[derive(Clone, PartialEq)]
pub struct Call(Value);

const NOTHING: Value = Value::Null;

impl Call {
    pub(super) fn new(cx: &HookContext<'_>, identity: Option<Value>, shared: &Shared) -> Self {
        let config = cx.around.config;
        let mut call = json!({
            "flow": flow_json(&cx.page(), config),
            "request_headers": cx.caller.told(&shared.headers),
            "request_method": cx.caller.method().as_str(),
            "request_url": cx.request_url(),
            "request_cookies": shared.cookies_of(cx.caller),
        });
        if let (Some(identity), Some(members)) = (identity, call.as_object_mut()) {
            members.insert("identity".to_owned(), identity);
        }
        Self(call)
    }

    /// A call that was kept as JSON.
    pub(super) fn kept(json: Value) -> Self {
        Self(json)
    }

    /// Everything, as JSON: `flow`, `identity`, `request_headers`, `request_method`, `request_url`, `request_cookies`.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// The flow as its client sees it, with what the client wants hooks to see as `transient_payload`.
    #[must_use]
    pub fn flow(&self) -> &Value {
        self.member("flow")
    }

    /// The identity as its client sees it; nothing when a flow is begun. One that is not created yet has the nil id, and
    /// times of the year 1.
    #[must_use]
    pub fn identity(&self) -> &Value {
        self.member("identity")
    }

    /// The headers of the client's request that are handed on: for each name a list of values.
    #[must_use]
    pub fn request_headers(&self) -> &Value {
        self.member("request_headers")
    }

    /// The verb of the client's request.
    #[must_use]
    pub fn request_method(&self) -> &str {
        self.member("request_method").as_str().unwrap_or_default()
    }

    /// The URL of the client's request.
    #[must_use]
    pub fn request_url(&self) -> &str {
        self.member("request_url").as_str().unwrap_or_default()
    }

    /// The cookies of the client's request that are handed on, by their names.
    #[must_use]
    pub fn request_cookies(&self) -> &Value {
        self.member("request_cookies")
    }

    fn member(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&NOTHING)
    }
}

/// Without anything: it belongs to a person.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// The identity that exists.
pub(super) fn existing(cx: &HookContext<'_>, identity: &Identity) -> Value {
    identity_json(identity, cx.around.config)
}

/// The identity that is about to be made. Nothing of it is stored: so it has no id, no times and no schema's URL yet.
pub(super) fn drafted(cx: &HookContext<'_>, draft: &Draft) -> Value {
    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    const NEVER: &str = "0001-01-01T00:00:00Z";
    let mut identity = identity_json(&draft.identity(), cx.around.config);
    let unmade = |row: &mut Value| {
        for (name, value) in [("id", NIL), ("created_at", NEVER), ("updated_at", NEVER)] {
            row[name] = value.into();
        }
    };
    unmade(&mut identity);
    identity["schema_url"] = "".into();
    for list in ["verifiable_addresses", "recovery_addresses"] {
        identity.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(unmade);
    }
    identity
}

/// What of a client's request is handed on.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) headers: Vec<HeaderName>,
    pub(super) cookies: Cookies,
}

/// Which cookies are handed on.
#[derive(Clone, Debug)]
pub(super) enum Cookies {
    All,
    Named(Vec<String>),
}

impl Default for Shared {
    fn default() -> Self {
        Self { headers: HARMLESS.to_vec(), cookies: Cookies::Named(Vec::new()) }
    }
}

impl Shared {
    fn cookies_of(&self, caller: &Caller) -> Value {
        let shares = |name: &str| match &self.cookies {
            Cookies::All => true,
            Cookies::Named(names) => names.iter().any(|own| own == name),
        };
        let cookies = caller.all_cookies().filter(|(name, _)| shares(name));
        cookies.map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>().into()
    }
}
