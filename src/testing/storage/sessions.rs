//! Duties about sessions, for hosts with sessions of their own.

use http::{Extensions, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;

use super::samples::{PASSWORD, identities, now, person, somebody};
use super::{Duty, Fault, Part, Subject, Subjects, ensure, fresh};
use crate::caller::{Caller, Wants};
use crate::host::{HostError, Opened, Sessions, Witness, WitnessKind};
use crate::identity::{AuthenticationMethod, Identity};

pub(super) const DUTIES: &[Duty] = &[Duty {
    name: "a session opens with the commit of its unit, and only its token shows it",
    because: "a session without an identity, or with a token that another one has, is somebody else's",
    part: Part::Sessions,
    run: |subjects| Box::pin(with_the_unit(subjects)),
}];

fn caller(token: Option<&str>) -> Caller {
    let mut headers = HeaderMap::new();
    if let Some(value) = token.and_then(|token| HeaderValue::from_str(token).ok()) {
        headers.insert("x-session-token", value);
    }
    Caller::new(Wants { json: true, json_page: true, browser: false }, headers, Extensions::new(), 0)
}

fn sessions(subject: &Subject) -> Result<&dyn Sessions, HostError> {
    subject.sessions.as_deref().ok_or_else(|| HostError::other("the subject has no sessions"))
}

async fn with_the_unit(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (nobody, forged) = (caller(None), caller(Some(&format!("ory_st_{}", somebody()))));
    for stranger in [&nobody, &forged] {
        let known = sessions(&subject)?.current(stranger).await?;
        ensure(known.is_none(), || "a stranger has a session".to_owned())?;
    }
    let lost = open(&subject, "lost@example.org", false).await?.0;
    let known = sessions(&subject)?.current(&caller(Some(lost.token.expose_secret()))).await?;
    ensure(known.is_none(), || "a session is there whose unit was dropped".to_owned())?;
    let mut tokens = vec![lost.token.expose_secret().to_owned()];
    for email in ["ada@example.org", "bob@example.org"] {
        let (opened, identity) = open(&subject, email, true).await?;
        let token = opened.token.expose_secret().to_owned();
        let known = sessions(&subject)?.current(&caller(Some(&token))).await?;
        let known = known.ok_or_else(|| Fault("a session that was opened is not there".to_owned()))?;
        let same = (known.id(), known.identity()) == (opened.session.id(), identity.id());
        ensure(same, || "a token shows another session than it opened".to_owned())?;
        ensure(!tokens.contains(&token), || "two sessions have one token".to_owned())?;
        tokens.push(token);
    }
    Ok(())
}

/// Signs somebody up and in.
async fn open(subject: &Subject, email: &str, commits: bool) -> Result<(Opened, Identity), Fault> {
    let caller = caller(None);
    let mut unit = subject.storage.begin().await?;
    let identity = identities(subject)?.create(unit.as_mut(), &person(subject, email)).await?;
    let (kind, at) = (WitnessKind::Inserted, now());
    let authentication = &AuthenticationMethod::new(PASSWORD, at);
    let who = Witness { kind, identity: &identity, authentication, caller: &caller, at };
    let opened = sessions(subject)?.open(unit.as_mut(), who).await?;
    if commits {
        unit.commit().await?;
    }
    Ok((opened, identity))
}
