//! What authenticators are called.

use std::collections::BTreeMap;

use uuid::Uuid;

/// What authenticators are called, by the number of their make (AAGUID). A person sees the name beside the key in their
/// account.
///
/// The library knows no names by itself. A list is kept by the community of passkey developers; a host reads the part it
/// wants:
///
/// ```
/// use tower_registration::methods::AuthenticatorNames;
///
/// let names: AuthenticatorNames =
///     [("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4".parse()?, "Google Password Manager")].into_iter().collect();
///
/// assert_eq!(names.len(), 1);
/// # Ok::<(), uuid::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AuthenticatorNames(BTreeMap<Uuid, String>);

impl AuthenticatorNames {
    /// How many makes have a name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a make; empty when it has none, or when the authenticator does not tell.
    pub(in crate::methods) fn of(&self, aaguid: Uuid) -> &str {
        match aaguid.is_nil() {
            true => "",
            false => self.0.get(&aaguid).map(String::as_str).unwrap_or_default(),
        }
    }
}

impl<S: Into<String>> FromIterator<(Uuid, S)> for AuthenticatorNames {
    fn from_iter<I: IntoIterator<Item = (Uuid, S)>>(names: I) -> Self {
        Self(names.into_iter().map(|(aaguid, name)| (aaguid, name.into())).collect())
    }
}
