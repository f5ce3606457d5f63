//! Duties about identities.

use std::collections::BTreeSet;

use serde_json::json;
use time::Duration;

use super::samples::{
    PASSWORD, at_once, drafted, identifier, identities, lost, named, now, person, register, somebody,
};
use super::{Duty, Fault, Part, Subject, Subjects, ensure, fresh};
use crate::host::CreateError;
use crate::identity::{
    Address, AddressState, Channel, Credential, Draft, Identifier, IdentityId, IdentityState, MethodId, Traits, Unique,
    UniqueKind,
};

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        name: "an identity comes back as it was created",
        because: "what the person was shown at sign-up must be what the application reads later",
        part: Part::Identities,
        run: |subjects| Box::pin(comes_back(subjects)),
    },
    Duty {
        name: "an identity exists when its unit is committed, and not before",
        because: "an identity without its used-up flow can be made twice, and one without its letter is lost",
        part: Part::Identities,
        run: |subjects| Box::pin(with_the_unit(subjects)),
    },
    Duty {
        name: "every unique value has one owner, which can be asked for",
        because: "a person who is known must be told so, whatever kind of value gives them away",
        part: Part::Identities,
        run: |subjects| Box::pin(owners(subjects)),
    },
    Duty {
        name: "a value that is taken creates nothing",
        because: "the other values of the refused person must stay free for them",
        part: Part::Identities,
        run: |subjects| Box::pin(taken(subjects)),
    },
    Duty {
        name: "of many that claim one value one gets it",
        because: "looking first and inserting then makes two accounts for one address",
        part: Part::Identities,
        run: |subjects| Box::pin(one_claims(subjects)),
    },
    Duty {
        name: "values are the same when their bytes are",
        because: "the service makes them canonical; a collation of its own locks people out or lets them in twice",
        part: Part::Identities,
        run: |subjects| Box::pin(byte_by_byte(subjects)),
    },
    Duty {
        name: "an address changes its state with its unit",
        because: "an address that counts as proved without its proof being used up is proved by nobody",
        part: Part::Identities,
        run: |subjects| Box::pin(addresses(subjects)),
    },
];

async fn owner(subject: &Subject, of: &[Unique]) -> Result<Option<IdentityId>, Fault> {
    Ok(identities(subject)?.owner(of).await?.map(|owner| owner.identity()))
}

async fn comes_back(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let email = "zoë@example.org";
    let mut traits = (subject.traits)(email);
    if let Some(members) = traits.as_object_mut() {
        let odd = json!({ "text": "naïve ☃ 日本 𝒳 \u{0} \" \\ \u{7f}", "numbers": [1.5, 2.638344616030823e-256, f64::MAX, 5e-324, 9_007_199_254_740_993_i64, -0.0, u64::MAX],
            "nothing": null, "empty": {}, "list": [[], [1, "1", true]], "": "an empty name" });
        members.insert("odd".to_owned(), odd);
    }
    let two = [Address::new(Channel::Email, email), Address::new(Channel::Sms, "+4915155501234")];
    let named = |value: &str| Identifier { credential: PASSWORD, value: value.to_owned(), via: None };
    let mut draft = drafted(Traits {
        value: traits,
        identifiers: vec![named(email), named("zoë")],
        verifiable: two.to_vec(),
        recovery: vec![two[1].clone(), two[0].clone()],
        display_name: None,
    });
    draft.set_external_id(Some("customer 7".to_owned()));
    draft.set_state(IdentityState::Inactive);
    draft.set_metadata_public(Some(json!({ "plan": "é", "seats": 3 })));
    draft.set_metadata_admin(Some(json!({ "note": "\u{0}" })));
    let created = register(&subject, 0, &draft).await?;
    ensure(created.id() == draft.id(), || "the identity has another id than its draft".to_owned())?;
    let read = identities(&subject)?.identity(draft.id()).await?;
    let read = read.ok_or_else(|| Fault("it is not there".to_owned()))?;
    ensure(read.traits() == created.traits(), || "the traits are others".to_owned())?;
    let addresses = read.verifiable == created.verifiable && read.recovery == created.recovery;
    ensure(addresses, || "the addresses are others, or in another order".to_owned())?;
    ensure(read == created, || "something beside traits and addresses is different".to_owned())?;
    let plain = register(&subject, 1, &person(&subject, "plain@example.org")).await?;
    let read = identities(&subject)?.identity(plain.id()).await?;
    ensure(read.as_ref() == Some(&plain), || "an identity without extras came back changed".to_owned())?;
    let nobody = identities(&subject)?.identity(somebody()).await?;
    ensure(nobody.is_none(), || "an identity is found that nobody created".to_owned())
}

async fn with_the_unit(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let draft = person(&subject, "ada@example.org");
    for commits in [false, true] {
        let mut unit = subject.storage.begin().await?;
        let _ = identities(&subject)?.create(unit.as_mut(), &draft).await?;
        let early = identities(&subject)?.identity(draft.id()).await?;
        ensure(early.is_none(), || "an identity can be read before the commit".to_owned())?;
        let early = owner(&subject, &draft.unique()).await?;
        ensure(early.is_none(), || "an identifier has an owner before the commit".to_owned())?;
        if commits {
            unit.commit().await?;
        } else {
            drop(unit);
        }
        let there = identities(&subject)?.identity(draft.id()).await?.is_some();
        let owned = owner(&subject, &draft.unique()).await?.is_some();
        let expected = [commits; 2];
        ensure([there, owned] == expected, || format!("committed: {commits}; [identity, owner] is {there}, {owned}"))?;
    }
    Ok(())
}

async fn owners(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let mut draft = person(&subject, "ada@example.org");
    draft.set_external_id(Some("ada-7".to_owned()));
    let account = json!({ "providers": [{ "provider": "p", "issuer": "https://id.example.org", "subject": "7" }] });
    draft = draft.credential(Credential::new(MethodId::new("oidc"), account));
    let _ = register(&subject, 0, &draft).await?;
    for unique in draft.unique() {
        let found = owner(&subject, std::slice::from_ref(&unique)).await?;
        ensure(found == Some(draft.id()), || format!("the owner of {unique:?} is {found:?}"))?;
    }
    let kinds: BTreeSet<&str> = draft.unique().iter().map(|unique| unique.kind().as_str()).collect();
    ensure(kinds.len() == 5, || "the sample lacks a kind".to_owned())?;
    // The same text as another kind of value is another value.
    let sms = UniqueKind::Verifiable(Channel::Sms);
    let free = [
        Unique::new(UniqueKind::ExternalId, "ada@example.org"),
        identifier("ada-7"),
        Unique::new(sms, "ada@example.org"),
    ];
    let found = owner(&subject, &free).await?;
    ensure(found.is_none(), || "values of different kinds collide".to_owned())?;
    ensure(owner(&subject, &[]).await?.is_none(), || "nothing at all has an owner".to_owned())?;

    let second = person(&subject, "bob@example.org");
    let _ = register(&subject, 1, &second).await?;
    let both = [identifier("nobody"), identifier("bob@example.org"), identifier("ada@example.org")];
    let found = identities(&subject)?.owner(&both).await?;
    let found = found.map(|owner| (owner.identity(), owner.matched));
    ensure(found == Some((second.id(), both[1].clone())), || "the owner is not that of the first value".to_owned())
}

async fn taken(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let mut first = named(&subject, "ada@example.org", &["ada"]);
    first.set_external_id(Some("7".to_owned()));
    let _ = register(&subject, 0, &first).await?;
    let mut same_external_id = named(&subject, "d@example.org", &["d"]);
    same_external_id.set_external_id(Some("7".to_owned()));
    let late =
        [named(&subject, "b@example.org", &["b", "ada"]), named(&subject, "ada@example.org", &["c"]), same_external_id];
    for draft in &late {
        match register(&subject, 1, draft).await {
            Err(CreateError::Taken) => {}
            Err(CreateError::Host(error)) if lost(&error) => {}
            Ok(_) => return Err(Fault("somebody gets a value that is taken".to_owned())),
            Err(error) => return Err(error.into()),
        }
        let there = identities(&subject)?.identity(draft.id()).await?;
        ensure(there.is_none(), || "somebody who was refused is there".to_owned())?;
    }
    let free = ["b", "c", "d"].map(identifier);
    let found = owner(&subject, &free).await?;
    ensure(found.is_none(), || "a value of somebody who was refused is taken".to_owned())?;
    let found = owner(&subject, &[identifier("ada")]).await?;
    ensure(found == Some(first.id()), || "a taken value changed its owner".to_owned())?;
    let _ = register(&subject, 0, &named(&subject, "e@example.org", &["b", "c", "d"])).await?;
    Ok(())
}

async fn one_claims(subjects: &dyn Subjects) -> Result<(), Fault> {
    const RACERS: usize = 8;
    let subject = fresh(subjects).await?;
    for round in 0..6 {
        let values = [format!("a{round}"), format!("b{round}"), format!("c{round}")];
        // They overlap, and name their values in different orders.
        let outcomes = at_once(RACERS, |racer| {
            let subject = subject.clone();
            let mut own = [values[racer % 3].clone(), values[(racer + 1) % 3].clone()];
            if racer % 2 == 1 {
                own.reverse();
            }
            let draft = named(&subject, &format!("{round}-{racer}@example.org"), &[own[0].as_str(), own[1].as_str()]);
            async move { (register(&subject, racer, &draft).await.map(|_| ()), draft) }
        });
        let mut created: Vec<Draft> = Vec::new();
        for (outcome, draft) in outcomes.await? {
            match outcome {
                Ok(()) => created.push(draft),
                Err(CreateError::Taken) => {}
                Err(CreateError::Host(error)) if lost(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        ensure(created.len() == 1, || format!("{} people got values that only one can have", created.len()))?;
        for value in created[0].unique() {
            let found = owner(&subject, &[value]).await?;
            ensure(found == Some(created[0].id()), || "a value belongs to somebody who lost".to_owned())?;
        }
    }
    Ok(())
}

async fn byte_by_byte(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let long = "x".repeat(4_000);
    let (almost, names) = (format!("{}y", &long[1..]), ["ada", "Ada", "ada ", "e\u{301}", "é", "ａda"]);
    let names: Vec<&str> = names.into_iter().chain([long.as_str(), almost.as_str()]).collect();
    for (at, name) in names.iter().enumerate() {
        let outcome = register(&subject, at, &named(&subject, &format!("{at}@example.org"), &[name])).await;
        let shown = name.chars().take(8).collect::<String>();
        match outcome {
            Ok(_) => {}
            Err(CreateError::Taken) => return Err(Fault(format!("{shown:?} counts as the same as one before it"))),
            Err(error) => return Err(error.into()),
        }
    }
    for name in names {
        let again = register(&subject, 0, &named(&subject, &format!("{}@example.org", somebody()), &[name])).await;
        ensure(matches!(again, Err(CreateError::Taken)), || "one value has two owners".to_owned())?;
    }
    Ok(())
}

async fn addresses(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let draft = person(&subject, "ada@example.org");
    let other = person(&subject, "bob@example.org");
    let _ = register(&subject, 0, &draft).await?;
    let _ = register(&subject, 0, &other).await?;
    let address = Address::new(Channel::Email, "ada@example.org");
    let proved = AddressState::Verified(now() + Duration::microseconds(7));
    let mut expected = AddressState::Pending;
    let steps = [
        (draft.id(), AddressState::Sent, false),
        (draft.id(), AddressState::Sent, true),
        (draft.id(), proved, false),
        // Somebody who does not have the address changes nothing.
        (other.id(), proved, true),
        (somebody(), proved, true),
        (draft.id(), proved, true),
        (draft.id(), AddressState::Pending, true),
    ];
    for (id, to, commits) in steps {
        let mut unit = subject.storage.begin().await?;
        identities(&subject)?.address_changed(unit.as_mut(), id, &address, to).await?;
        if commits {
            unit.commit().await?;
        } else {
            drop(unit);
        }
        expected = if commits && id == draft.id() { to } else { expected };
        let read = identities(&subject)?.address(&address).await?;
        ensure(read == Some((draft.id(), expected)), || format!("the address is {read:?}, not {expected:?}"))?;
        let identity = identities(&subject)?.identity(draft.id()).await?;
        let shown = identity.and_then(|identity| Some(identity.verifiable_addresses().first()?.state()));
        ensure(shown == Some(expected), || format!("the identity shows the address as {shown:?}"))?;
    }
    let bobs = identities(&subject)?.address(&Address::new(Channel::Email, "bob@example.org")).await?;
    ensure(bobs == Some((other.id(), AddressState::Pending)), || format!("somebody else's address is {bobs:?}"))?;
    let unknown = identities(&subject)?.address(&Address::new(Channel::Sms, "ada@example.org")).await?;
    ensure(unknown.is_none(), || "an address is found that nobody has".to_owned())
}
