//! What is known of a person before the identity exists.

mod changes;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Address, AddressState, AuthenticationMethod, Channel, Identity, IdentityId, IdentityState, MethodId,
    RecoveryAddress, Traits, Unique, UniqueKind, VerifiableAddress,
};

const PASSWORD: MethodId = MethodId::new("password");
const CODE: MethodId = MethodId::new("code");
const OIDC: MethodId = MethodId::new("oidc");

/// An identity that is about to be made.
///
/// A method gives the traits and what the person proved; hooks may change the rest; the host's
/// [`Identities`](crate::host::Identities) stores it. The password is never visible here: when `create` sees the
/// draft, it stands as a hash in the [credential](Draft::credentials).
#[derive(Clone)]
#[must_use]
pub struct Draft {
    pub(crate) id: IdentityId,
    pub(crate) schema_id: String,
    pub(crate) method: MethodId,
    pub(crate) created_at: OffsetDateTime,
    traits: Traits,
    credentials: Vec<Credential>,
    /// With the time of the proof, where it is not that of the registration.
    proved: Vec<(Address, Option<OffsetDateTime>)>,
    sent: Vec<Address>,
    external_id: Option<String>,
    state: IdentityState,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    pub(crate) password: Option<SecretString>,
    pub(crate) authentication: Option<AuthenticationMethod>,
}

impl Draft {
    /// A draft with these traits and no credential yet.
    pub fn new(traits: Traits) -> Self {
        Self {
            id: IdentityId::new(Uuid::nil()),
            schema_id: String::new(),
            method: MethodId::new(""),
            created_at: OffsetDateTime::UNIX_EPOCH,
            traits,
            credentials: Vec::new(),
            proved: Vec::new(),
            sent: Vec::new(),
            external_id: None,
            state: IdentityState::Active,
            metadata_public: None,
            metadata_admin: None,
            password: None,
            authentication: None,
        }
    }

    /// Sets the password, which is hashed last.
    pub fn password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Adds a credential that was proved.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Marks an address as proved by this registration.
    pub fn proves(mut self, address: Address) -> Self {
        self.proved.push((address, None));
        self
    }

    /// Sets how the person was proved, where there is more to say than the method and the time.
    pub fn authenticated(mut self, how: AuthenticationMethod) -> Self {
        self.authentication = Some(how);
        self
    }

    /// The id that the identity will have. It is made from the flow's: creating the same draft twice is recognisable.
    #[must_use]
    pub fn id(&self) -> IdentityId {
        self.id
    }

    /// The schema that the traits follow.
    #[must_use]
    pub fn schema_id(&self) -> &str {
        &self.schema_id
    }

    /// The method by which the person registers.
    #[must_use]
    pub fn method(&self) -> &MethodId {
        &self.method
    }

    /// When the identity is made.
    #[must_use]
    pub fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }

    /// What the person told about themselves.
    #[must_use]
    pub fn traits(&self) -> &Value {
        &self.traits.value
    }

    /// Replaces the traits. They are checked against the schema again before anything is stored.
    pub fn set_traits(&mut self, traits: Value) {
        self.traits.value = traits;
    }

    /// What proves the person at their next sign-in: one entry for each kind of credential that the schema gives an
    /// identifier, and for the one that was used.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Everything that must belong to this identity alone: identifiers, then addresses, then the external id, then
    /// accounts at social providers and the ids of keys.
    #[must_use]
    pub fn unique(&self) -> Vec<Unique> {
        let traits = &self.traits;
        // Those of a social account are no names that a person types: they are unique as subjects.
        let typed = self.credentials.iter().filter(|credential| credential.kind != OIDC);
        let identifiers = typed.flat_map(|credential| &credential.identifiers);
        let identifiers = identifiers.map(|value| Unique::new(UniqueKind::Identifier, value));
        let by = |kind: fn(Channel) -> UniqueKind| move |to: &Address| Unique::new(kind(to.via()), to.value());
        let mut all: Vec<Unique> = Vec::new();
        let verifiable = traits.verifiable.iter().map(by(UniqueKind::Verifiable));
        let recovery = traits.recovery.iter().map(by(UniqueKind::Recovery));
        let external = self.external_id.iter().map(|id| Unique::new(UniqueKind::ExternalId, id));
        let subjects = self.credentials.iter().flat_map(Credential::subjects);
        let keys = self.credentials.iter().flat_map(Credential::key_ids);
        let keys = keys.map(|id| Unique::new(UniqueKind::CredentialId, id));
        for unique in identifiers.chain(verifiable).chain(recovery).chain(external).chain(subjects).chain(keys) {
            if !all.contains(&unique) {
                all.push(unique);
            }
        }
        all
    }

    /// The addresses that can be verified; those that this registration proved are.
    pub fn verifiable_addresses(&self) -> Vec<VerifiableAddress> {
        let state = |address: &Address| match self.proof_of(address) {
            Some(at) => AddressState::Verified(at.unwrap_or(self.created_at)),
            None if self.sent.contains(address) => AddressState::Sent,
            None => AddressState::Pending,
        };
        let row = |to: &Address| VerifiableAddress::new(self.row_id("v", to), to.clone(), state(to), self.created_at);
        self.traits.verifiable.iter().map(row).collect()
    }

    /// The addresses that can recover the account.
    pub fn recovery_addresses(&self) -> Vec<RecoveryAddress> {
        let row = |to: &Address| RecoveryAddress::new(self.row_id("r", to), to.clone(), self.created_at);
        self.traits.recovery.iter().map(row).collect()
    }

    /// The identity as it is when this draft was stored unchanged.
    pub fn identity(&self) -> Identity {
        Identity::new(self.id, &self.schema_id, self.traits.value.clone(), self.created_at)
            .with_external_id(self.external_id.clone())
            .with_state(self.state, self.created_at)
            .with_verifiable_addresses(self.verifiable_addresses())
            .with_recovery_addresses(self.recovery_addresses())
            .with_metadata_public(self.metadata_public.clone())
    }

    /// The traits that the method judged, with their marks.
    pub(crate) fn judged(&self) -> &Traits {
        &self.traits
    }

    /// Takes traits that were checked and gives every credential its identifiers, each as the schema marks it.
    pub(crate) fn complete(&mut self, traits: Traits) {
        let mut kinds: Vec<&MethodId> = traits.identifiers.iter().map(|known| &known.credential).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let mut identifiers: Vec<String> = traits.identifiers_of(kind).map(str::to_owned).collect();
            identifiers.sort_unstable();
            identifiers.dedup();
            self.entry(kind).identifiers = identifiers;
        }
        if traits.identifiers_of(&CODE).next().is_some() {
            let addresses = traits.addresses_of(&CODE);
            let row = |to: &Address| json!({ "channel": to.via().as_str(), "address": to.value() });
            self.entry(&CODE).config = json!({ "addresses": addresses.iter().map(row).collect::<Vec<_>>() });
        }
        self.credentials.sort_by(|a, b| a.kind.cmp(&b.kind));
        self.traits = traits;
    }

    /// The addresses that this registration did not prove, in the order of the schema.
    pub(crate) fn unproved_addresses(&self) -> impl Iterator<Item = Address> + use<'_> {
        self.traits.verifiable.iter().filter(|address| self.proof_of(address).is_none()).cloned()
    }

    /// The proof of an address, with its time where that is another one.
    fn proof_of(&self, address: &Address) -> Option<Option<OffsetDateTime>> {
        self.proved.iter().find(|(proved, _)| proved == address).map(|(_, at)| *at)
    }

    /// Marks an address as one that a proof is on its way to.
    pub(crate) fn set_sent(&mut self, address: Address) {
        self.sent.push(address);
    }

    /// Puts the hash where the password will be looked for.
    pub(crate) fn set_password_hash(&mut self, phc: &str) {
        self.entry(&PASSWORD).config = json!({ "hashed_password": phc });
    }

    fn entry(&mut self, kind: &MethodId) -> &mut Credential {
        let at = self.credentials.iter().position(|known| known.kind == *kind).unwrap_or_else(|| {
            self.credentials.push(Credential::new(kind.clone(), json!({})));
            self.credentials.len() - 1
        });
        &mut self.credentials[at]
    }

    /// An id that is the same whenever the same draft is made again.
    fn row_id(&self, list: &str, address: &Address) -> Uuid {
        let name = [self.id.as_uuid().as_bytes().as_slice(), list.as_bytes(), address.value().as_bytes()].concat();
        crate::seal::shaped_as_v4(&crate::seal::sha256(&name))
    }
}

/// Without values: traits and metadata belong to a person.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Draft");
        out.field("id", &self.id).field("method", &self.method).field("schema_id", &self.schema_id);
        out.field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// What proves a person: its kind, the identifiers it goes with, and what checking it needs.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Credential {
    pub(crate) kind: MethodId,
    pub(crate) identifiers: Vec<String>,
    pub(crate) config: Value,
}

impl Credential {
    /// A credential without identifiers.
    pub fn new(kind: MethodId, config: Value) -> Self {
        Self { kind, identifiers: Vec::new(), config }
    }

    /// Sets the identifiers that go with it, where no trait gives them.
    pub fn with_identifiers(mut self, identifiers: impl IntoIterator<Item = String>) -> Self {
        self.identifiers = identifiers.into_iter().collect();
        self
    }

    /// The kind: the word of the method that checks it.
    #[must_use]
    pub fn kind(&self) -> &MethodId {
        &self.kind
    }

    /// The identifiers that a person may type together with it, in canonical form.
    #[must_use]
    pub fn identifiers(&self) -> &[String] {
        &self.identifiers
    }

    /// What checking it needs, as the contract lays it out: `{"hashed_password": "$argon2id$…"}` for a password.
    #[must_use]
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The accounts at social providers that it stands for, each unique.
    #[must_use]
    pub fn subjects(&self) -> Vec<Unique> {
        let text = |account: &Value, name: &str| account.get(name).and_then(Value::as_str).map(str::to_owned);
        let unique = |account: &Value| {
            let issuer = text(account, "issuer").unwrap_or_default();
            Some(Unique::subject(&text(account, "provider")?, &issuer, &text(account, "subject")?))
        };
        self.accounts().iter().filter_map(unique).collect()
    }

    /// The social providers that it stands for, by their ids.
    #[must_use]
    pub fn providers(&self) -> Vec<String> {
        let id = |account: &Value| account.get("provider").and_then(Value::as_str).map(str::to_owned);
        self.accounts().iter().filter_map(id).collect()
    }

    fn accounts(&self) -> &[Value] {
        let accounts = self.config.get("providers").and_then(Value::as_array).filter(|_| self.kind == OIDC);
        accounts.map_or(&[], Vec::as_slice)
    }

    /// The ids of the keys of a passkey or security key, in unpadded base64url: how an authenticator names them.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        let keys = match self.kind.as_str() {
            "webauthn" | "passkey" => self.config.get("credentials").and_then(Value::as_array),
            _ => None,
        };
        let ids = keys.into_iter().flatten().filter_map(|key| STANDARD.decode(key.get("id")?.as_str()?).ok());
        ids.map(|id| URL_SAFE_NO_PAD.encode(id)).collect()
    }

    /// Whether a person can sign in with it: a password without a hash and a key without a key cannot.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        match self.kind.as_str() {
            "password" => self.config.get("hashed_password").is_some(),
            "webauthn" | "passkey" => self.config.get("credentials").is_some(),
            _ => true,
        }
    }
}

/// Without identifiers and configuration: they name a person and hold hashes.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("kind", &self.kind).finish_non_exhaustive()
    }
}
