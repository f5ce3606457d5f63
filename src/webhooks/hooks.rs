//! All web hooks of a service, as one hook.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, StatusCode};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::{Change, messages};
use super::call::{Call, Cookies, Shared, drafted, existing};
use super::send::{refused, unreadable, without_page};
use super::webhook::{Says, Webhook};
use crate::host::{Errand, Fetched, Hook, HookContext, Undone};
use crate::identity::{Draft, Identity};
use crate::seal::{sha256, to_hex};
use crate::stop::{Failure, Stop};

/// How long a call of the dispatcher may take, with its pauses.
const PATIENCE: Duration = Duration::from_secs(55);

/// The web hooks of a service, to be given to [`Builder::hook`](crate::Builder::hook). The [module](super) says when each
/// is called.
#[derive(Clone, Debug)]
#[must_use]
pub struct Webhooks {
    name: String,
    before: Vec<Webhook>,
    after: Vec<Webhook>,
    /// By the word of the method.
    after_method: BTreeMap<String, Vec<Webhook>>,
    shared: Shared,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self::new()
    }
}

impl Webhooks {
    /// No web hooks.
    pub fn new() -> Self {
        Self {
            name: "webhooks".to_owned(),
            before: Vec::new(),
            after: Vec::new(),
            after_method: BTreeMap::new(),
            shared: Shared::default(),
        }
    }

    /// Sets the name under which calls are found again after a restart, for a service that is given several; `webhooks`
    /// otherwise.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a hook that is called when a flow is about to be begun.
    pub fn before(mut self, hook: Webhook) -> Self {
        self.before.push(hook);
        self
    }

    /// Adds a hook to the list for all methods that have no list of their own. One that can refuse or change is not called
    /// there.
    pub fn after(mut self, hook: Webhook) -> Self {
        self.after.push(hook);
        self
    }

    /// Adds a hook to the list of the method with this word.
    pub fn after_method(mut self, method: impl Into<String>, hook: Webhook) -> Self {
        self.after_method.entry(method.into()).or_default().push(hook);
        self
    }

    /// Gives a method a list of its own, even if it stays empty: the list for all does not count for it.
    pub fn own_list(mut self, method: impl Into<String>) -> Self {
        self.after_method.entry(method.into()).or_default();
        self
    }

    /// Sets which headers of the client's request are handed on, in place of the harmless ones.
    ///
    /// # Weakens
    ///
    /// `Cookie`, `Authorization` and `X-Session-Token` sign people in, wherever they are read.
    pub fn share_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.shared.headers = names.into_iter().collect();
        self
    }

    /// Sets which cookies of the client's request are handed on; otherwise none.
    pub fn share_cookies(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.shared.cookies = Cookies::Named(names.into_iter().map(Into::into).collect());
        self
    }

    /// Hands on all cookies of the client's request.
    ///
    /// # Weakens
    ///
    /// Among them are those that sign people in to other parts of the host.
    pub fn share_all_cookies(mut self) -> Self {
        self.shared.cookies = Cookies::All;
        self
    }

    /// Hooks by the method that has its own list; the list for all otherwise. With a name of the list.
    fn after_of(&self, cx: &HookContext<'_>) -> (String, &[Webhook]) {
        let method = cx.method.map(|method| method.as_str()).unwrap_or_default();
        match self.after_method.get(method) {
            Some(own) => (format!("after.{method}"), own),
            None => ("after".to_owned(), &self.after),
        }
    }

    /// Every hook by its key.
    fn keyed(&self) -> impl Iterator<Item = (String, &Webhook)> {
        let own = self.after_method.iter().map(|(method, hooks)| (format!("after.{method}"), hooks));
        let lists = [("before".to_owned(), &self.before), ("after".to_owned(), &self.after)];
        lists
            .into_iter()
            .chain(own)
            .flat_map(|(list, hooks)| hooks.iter().enumerate().map(move |(at, hook)| (key(&list, at, hook), hook)))
    }

    fn errand(&self, list: &str, at: usize, hook: &Webhook, call: &Call) -> Errand {
        let errand = Errand::new(json!({ "hook": key(list, at, hook), "call": call.as_json() }));
        if hook.says == Says::Nothing { errand.in_background() } else { errand }
    }
}

/// What a call is found again by: the place of its hook in the list, and who is called there.
fn key(list: &str, at: usize, hook: &Webhook) -> String {
    let url = sha256(hook.request.url().as_str().as_bytes());
    format!("{list}.{at}.{}", to_hex(&url[..8]))
}

#[async_trait]
impl Hook for Webhooks {
    fn name(&self) -> &str {
        &self.name
    }

    async fn before_open(&self, cx: &HookContext<'_>) -> Result<(), Stop> {
        let waited: Vec<&Webhook> = self.before.iter().filter(|hook| hook.says != Says::Nothing).collect();
        if waited.is_empty() {
            return Ok(());
        }
        let call = Call::new(cx, None, &self.shared);
        for hook in waited {
            // There is no identity yet that an answer could change, and no page that could carry messages.
            match ask(hook, &call, cx.around.until).await {
                Ok(_) => {}
                Err(Stop::Refuse { .. }) => return Err(without_page(hook).into()),
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    async fn before_create(&self, cx: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        let own = cx.method.and_then(|method| self.after_method.get(method.as_str()));
        for hook in own.into_iter().flatten().filter(|hook| hook.says.is_asked_before()) {
            let call = Call::new(cx, Some(drafted(cx, draft)), &self.shared);
            let answer = ask(hook, &call, cx.around.until).await?;
            if let Some(answer) = answer.filter(|_| hook.says == Says::Change) {
                let change = Change::read(answer.body(), draft.created_at());
                change.ok_or_else(|| unreadable(hook))?.apply(draft)?;
            }
        }
        Ok(())
    }

    async fn errands(&self, cx: &HookContext<'_>, identity: Option<&Identity>) -> Result<Vec<Errand>, Stop> {
        let (list, hooks) = match identity {
            Some(_) => self.after_of(cx),
            None => ("before".to_owned(), self.before.as_slice()),
        };
        let is_errand = |hook: &Webhook| match identity {
            Some(_) => !hook.says.is_asked_before(),
            None => hook.says == Says::Nothing,
        };
        if !hooks.iter().any(is_errand) {
            return Ok(Vec::new());
        }
        let call = Call::new(cx, identity.map(|identity| existing(cx, identity)), &self.shared);
        let errands = hooks.iter().enumerate().filter(|(_, hook)| is_errand(hook));
        Ok(errands.map(|(at, hook)| self.errand(&list, at, hook, &call)).collect())
    }

    async fn perform(&self, errand: &Errand) -> Result<(), Undone> {
        let body = errand.body();
        let hook = self.keyed().find(|(key, _)| body["hook"] == **key).map(|(_, hook)| hook);
        // Another process may have another configuration.
        let hook = hook.ok_or_else(|| Undone::new(Failure::internal("a web hook is not configured any more")))?;
        let call = Call::kept(body["call"].clone());
        let answer = hook.call(&call, errand.id(), Instant::now() + PATIENCE).await;
        let answer = answer.map_err(|trouble| Undone::new(trouble.into()))?;
        match answer.map(|answer| answer.status()).filter(|status| is_refusal(*status)) {
            Some(status) => Err(Undone::for_good(refused(hook, status))),
            None => Ok(()),
        }
    }
}

/// Calls a hook while something can still be refused. What it answers with 200 comes back.
async fn ask(hook: &Webhook, call: &Call, until: Instant) -> Result<Option<Fetched>, Stop> {
    let answer = hook.call(call, Uuid::new_v4(), until).await.map_err(Failure::from)?;
    let Some(answer) = answer else { return Ok(None) };
    match answer.status() {
        status if !is_refusal(status) => Ok((status == StatusCode::OK).then_some(answer)),
        status if !hook.says.is_asked_before() => Err(refused(hook, status).into()),
        _ => {
            let messages = messages(answer.body()).ok_or_else(|| unreadable(hook))?;
            Err(Stop::refuse(messages))
        }
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.as_u16() >= 400
}
