//! `web_hook`: services that hear of a registration, their bodies made by Jsonnet templates; and `clients.web_hook`.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::Value;

use super::clients::Clients;
use super::section::Section;
use super::{LoadError, endpoint, source};
use crate::builder::Builder;
use crate::host::Fetch;
use crate::jsonnet::{JsonnetError, Program, Sandbox};
use crate::trace;
use crate::webhooks::{Body, BodyError, Call, Webhook, Webhooks};

/// Collects the hooks of a file: their templates share their threads.
pub(super) struct WebHooks {
    client: Arc<dyn Fetch>,
    sandbox: Sandbox,
    hooks: Webhooks,
    any: bool,
}

/// One hook, and whether it is called while a registration can still be refused.
pub(super) struct WebHook {
    hook: Webhook,
    decides: bool,
}

impl WebHooks {
    pub(super) fn new(clients: &Clients) -> Result<Self, LoadError> {
        // As in Kratos: all cookies are handed on.
        let hooks = Webhooks::new().share_all_cookies().share_headers(clients.headers().iter().cloned());
        Ok(Self { client: clients.client(), sandbox: Sandbox::new(), hooks, any: false })
    }

    /// Reads the configuration of a hook.
    pub(super) fn read(&self, mut section: Section) -> Result<WebHook, LoadError> {
        let endpoint = endpoint::read(&mut section)?;
        let is_trace = *endpoint.method() == Method::TRACE;
        let mut hook = Webhook::builder_at(Arc::clone(&self.client), endpoint);
        if let Some(id) = section.text("id")? {
            hook = hook.name(id);
        }
        hook = match section.text("body")? {
            Some(address) => {
                let address = if address.contains("://") { address } else { format!("file://{address}") };
                let program = Program::load(&source::read(&section, "body", &address)?, &self.sandbox);
                hook.body_by(Template(program.map_err(|error| section.fault("body", error.to_string()))?))
            }
            None if is_trace => hook.without_body(),
            None => return Err(section.fault("body", "is missing: every call would fail")),
        };
        if !section.flag("emit_analytics_event")?.unwrap_or(true) {
            hook = hook.without_ids();
        }
        let refuses = section.flag("can_interrupt")?.unwrap_or(false);
        let mut response = section.section("response")?;
        let changes = response.flag("parse")?.unwrap_or(false);
        hook = match (response.flag("ignore")?.unwrap_or(false), changes, refuses) {
            (false, false, false) => hook,
            (false, true, _) => hook.can_change(),
            (false, false, true) => hook.can_refuse(),
            (true, false, false) => hook.in_background(),
            (true, ..) => return Err(response.fault("ignore", "cannot go with `parse` or `can_interrupt`")),
        };
        response.end()?;
        let hook = hook.build().map_err(|error| section.fault(endpoint::key_of(&error), error.to_string()))?;
        section.end()?;
        Ok(WebHook { hook, decides: changes || refuses })
    }

    pub(super) fn before(&mut self, hooks: Vec<WebHook>) {
        self.add(hooks, Webhooks::before);
    }

    /// The list for all methods that have none.
    pub(super) fn after(&mut self, hooks: Vec<WebHook>) {
        if hooks.iter().any(|hook| hook.decides) {
            trace::warning("a web hook in the list for all methods that can interrupt or parse is never called");
        }
        self.add(hooks, Webhooks::after);
    }

    /// The list of a method: it takes the place of that for all methods where it names any hook that Kratos knows.
    pub(super) fn after_method(&mut self, method: &str, hooks: Vec<WebHook>, counts: bool) {
        if counts {
            self.hooks = std::mem::take(&mut self.hooks).own_list(method);
        }
        self.add(hooks, |all, hook| all.after_method(method, hook));
    }

    fn add(&mut self, hooks: Vec<WebHook>, to: impl Fn(Webhooks, Webhook) -> Webhooks) {
        for hook in hooks {
            self.hooks = to(std::mem::take(&mut self.hooks), hook.hook);
            self.any = true;
        }
    }

    pub(super) fn give(self, builder: Builder) -> Builder {
        if self.any { builder.hook(self.hooks) } else { builder }
    }
}

/// A body that a template makes: a function of `ctx`.
struct Template(Program);

#[async_trait]
impl Body for Template {
    async fn write(&self, call: &Call) -> Result<Option<Value>, BodyError> {
        match self.0.run(vec![("ctx", call.as_json().clone())], Vec::new()).await {
            Ok(body) => Ok(Some(body)),
            Err(JsonnetError::Cancelled) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
