//! What the duties write, and how they race and give up.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Fault, Subject};
use crate::host::{CreateError, HostError, HostErrorKind, Kind, Outgoing, Record, RecordId, Storage, Version};
use crate::identity::{
    Address, Channel, Credential, Draft, Identifier, Identity, IdentityId, MethodId, Traits, Unique, UniqueKind,
};

pub(super) const PASSWORD: MethodId = MethodId::new("password");

/// An instant with microseconds: databases keep no more.
pub(super) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(now.microsecond() * 1_000).unwrap_or(now)
}

pub(super) fn in_an_hour() -> OffsetDateTime {
    now() + Duration::HOUR
}

pub(super) fn new_id() -> RecordId {
    RecordId::new(Uuid::new_v4())
}

pub(super) fn somebody() -> IdentityId {
    IdentityId::new(Uuid::new_v4())
}

pub(super) fn flow(id: RecordId, version: Version, body: &[u8]) -> Record {
    Record::new(Kind::Flow, id, version, in_an_hour(), body.to_vec())
}

/// A flow that this identity used up, over the version that it had.
pub(super) fn used_up(id: RecordId, was: Version, by: IdentityId) -> Record {
    flow(id, was + 1, b"used up").with_spent(Some(by))
}

/// A row that is due now, alone in its lane.
pub(super) fn row() -> Outgoing {
    in_lane(Uuid::new_v4(), now())
}

pub(super) fn in_lane(lane: Uuid, due_at: OffsetDateTime) -> Outgoing {
    Outgoing::new(Uuid::new_v4(), lane, due_at, in_an_hour(), b"a letter".to_vec())
}

/// Writes rows of the outbox, each in a unit of its own so that their order is certain.
pub(super) async fn post(storage: &dyn Storage, rows: impl IntoIterator<Item = Outgoing>) -> Result<(), HostError> {
    for row in rows {
        let mut unit = storage.begin().await?;
        unit.post(row).await?;
        unit.commit().await?;
    }
    Ok(())
}

/// Somebody with this e-mail address, which names them and can be verified and recover the account.
pub(super) fn person(subject: &Subject, email: &str) -> Draft {
    named(subject, email, &[email])
}

/// Somebody with these identifiers, besides.
pub(super) fn named(subject: &Subject, email: &str, identifiers: &[&str]) -> Draft {
    let address = Address::new(Channel::Email, email);
    let named = |value: &&str| Identifier { credential: PASSWORD, value: (*value).to_owned(), via: None };
    drafted(Traits {
        value: (subject.traits)(email),
        identifiers: identifiers.iter().map(named).collect(),
        verifiable: vec![address.clone()],
        recovery: vec![address],
        display_name: None,
    })
}

/// What the service makes of traits before it hands them to the host.
pub(super) fn drafted(traits: Traits) -> Draft {
    let credential = Credential::new(PASSWORD, serde_json::json!({}));
    let mut draft = Draft::new(traits.clone()).credential(credential);
    draft.complete(traits);
    draft.set_password_hash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g");
    draft.id = somebody();
    "person".clone_into(&mut draft.schema_id);
    draft.method = PASSWORD;
    draft.created_at = now();
    draft
}

pub(super) fn identifier(value: &str) -> Unique {
    Unique::new(UniqueKind::Identifier, value)
}

/// Creates somebody in a unit of their own.
pub(super) async fn register(subject: &Subject, turn: usize, draft: &Draft) -> Result<Identity, CreateError> {
    let mut unit = subject.way(turn).begin().await?;
    let identity = identities(subject)?.create(unit.as_mut(), draft).await?;
    unit.commit().await?;
    Ok(identity)
}

pub(super) fn identities(subject: &Subject) -> Result<&dyn crate::host::Identities, HostError> {
    subject.identities.as_deref().ok_or_else(|| HostError::other("the subject has no identities"))
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Taken => Self("a value that nobody has is taken".to_owned()),
            CreateError::Host(error) => error.into(),
            CreateError::Stop(_) => Self("the identities refuse a person".to_owned()),
        }
    }
}

/// Nothing happened, because somebody else was faster.
pub(super) fn lost(error: &HostError) -> bool {
    error.kind() == HostErrorKind::Conflict
}

/// Does the same so many times at once, and gives what came of each.
pub(super) async fn at_once<T, F>(times: usize, run: impl Fn(usize) -> F) -> Result<Vec<T>, Fault>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut racing = JoinSet::new();
    (0..times).for_each(|turn| drop(racing.spawn(run(turn))));
    let mut all = Vec::with_capacity(times);
    while let Some(one) = racing.join_next().await {
        all.push(one.map_err(|error| Fault(format!("a task ended badly: {error}")))?);
    }
    Ok(all)
}

/// Where a future is given up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// At the await it comes to after so many others, at once.
    Waiting(usize),
    /// When the await it comes to after so many others is about to end.
    Waited(usize),
}

/// Drops a future at one of its awaits; gives its answer when it came before that.
pub(super) async fn give_up<T>(patience: Patience, future: impl Future<Output = T> + Send) -> Option<T> {
    let mut future: Pin<Box<dyn Future<Output = T> + Send + '_>> = Box::pin(future);
    let mut polls = 0;
    std::future::poll_fn(move |cx| {
        if matches!(patience, Patience::Waited(most) if polls > most) {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if matches!(patience, Patience::Waiting(most) if polls > most) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
