//! What the two databases share: names, times, patience, how trouble is told, and a person as rows. Statements are not
//! here: each database has its own, written out.

mod names;
mod person;
mod setup;
mod trouble;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::host::HostError;
use crate::identity::{IdentityId, Unique};
use crate::seal::{Tag, sha256};

pub use names::NameError;
pub(crate) use names::{Name, Reserved};
pub(crate) use person::{AddressRow, List, PersonRow, json, parsed};
pub use setup::SetupError;
pub(crate) use trouble::{Answers, within};

/// The prefix of all tables where the host chooses none.
pub(crate) const PREFIX: &str = "registration_";

/// Declares the statements of a database, by name, in one place.
macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($(#[$says:meta])* $field:ident = $sql:literal;)+ }) => {
        $(#[$doc])*
        pub(super) struct $name { $($(#[$says])* pub(super) $field: sqlx::SqlStr,)+ }

        impl $name {
            /// The statements with the names of the tables filled in.
            pub(super) fn new(fill: impl Fn(&str) -> sqlx::SqlStr) -> Self {
                Self { $($field: fill($sql),)+ }
            }

            /// All statements by name.
            pub(super) fn all(&self) -> Vec<(&'static str, &str)> {
                vec![$((stringify!($field), self.$field.as_str()),)+]
            }
        }
    };
}
pub(crate) use statements;

/// What the one unique index of all kinds of values holds: 32 bytes, however long the value is.
pub(crate) fn key(unique: &Unique) -> Tag {
    sha256(&[unique.kind().as_str().as_bytes(), &[0], unique.value().as_bytes()].concat())
}

/// The keys of values in the order of the keys: two that claim the same values then wait for each other, and never both.
pub(crate) fn keys(of: &[Unique]) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = of.iter().map(|unique| key(unique).to_vec()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Of these values the first that somebody owns, and who; `found` are the keys that are claimed.
pub(crate) fn first_owned(of: &[Unique], found: &[(Vec<u8>, Uuid)]) -> Option<(IdentityId, Unique)> {
    of.iter().find_map(|value| {
        let own = key(value);
        let (_, id) = found.iter().find(|(key, _)| key.as_slice() == own)?;
        Some((IdentityId::new(*id), value.clone()))
    })
}

/// Unix time in microseconds, which is what databases keep. What is below is cut off, towards the past.
pub(crate) fn microseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

/// The instant of a Unix time in microseconds.
pub(crate) fn instant(microseconds: i64) -> Result<OffsetDateTime, HostError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000).map_err(HostError::other)
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::identity::UniqueKind;

    #[test]
    fn what_is_below_a_microsecond_is_cut_off_towards_the_past() {
        for nanoseconds in [0, 1, 999] {
            for at in [OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH - Duration::DAY] {
                let kept = instant(microseconds(at + Duration::nanoseconds(nanoseconds))).unwrap();

                assert_eq!(kept, at);
            }
        }
    }

    #[test]
    fn values_of_different_kinds_have_different_keys() {
        let value = |kind| Unique::new(kind, "ada");

        assert_ne!(key(&value(UniqueKind::Identifier)), key(&value(UniqueKind::ExternalId)));
        assert_eq!(keys(&[value(UniqueKind::Identifier), value(UniqueKind::Identifier)]).len(), 1);
    }
}
