//! Social sign-up meets an account that is there already.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{HookContext, HostError};
use crate::identity::{Credential, Owner};

/// Decides what happens to somebody who comes from a social provider while an identifier or address they bring, such as
/// the e-mail address, belongs to another identity. Nothing is ever merged: a provider's word about an address is no
/// proof of the account that has it.
///
/// Without this part the person is told so on the form, with 4000027, or with 4000028 where hints are on.
#[async_trait]
pub trait Linking: Send + Sync + 'static {
    /// What the person is told. `credential` is what they would sign in with from now on; a host that leads them to its
    /// sign-in keeps it, and adds it to `owner` once the person has proved to be the owner.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be said.
    async fn taken(&self, cx: &HookContext<'_>, owner: &Owner, credential: &Credential) -> Result<Linked, HostError>;
}

/// What happens to somebody whose address is taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Linked {
    /// The browser is led there: to the host's sign-in.
    Redirect(Url),
    /// The form says that the account exists.
    Refuse,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Linking + ?Sized> Linking for Arc<L> {
    async fn taken(&self, cx: &HookContext<'_>, owner: &Owner, credential: &Credential) -> Result<Linked, HostError> {
        (**self).taken(cx, owner, credential).await
    }
}
