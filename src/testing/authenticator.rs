//! A software authenticator: passkeys and security keys without a device.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Reply;
use crate::seal::sha256;

/// Makes keys on P-256, as a phone or a stick does when a page asks the browser for one.
///
/// ```
/// use serde_json::json;
/// use tower_registration::methods::{Passkey, RelyingParty};
/// use tower_registration::testing::{App, Authenticator, UI};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let party = RelyingParty::new("app.example.org", "Example").origin(UI);
/// let app = App::with(|builder| builder.method(Passkey::new(party)))?;
/// let mut ada = app.browser();
/// let mut phone = Authenticator::new();
///
/// let page = ada.open().await;
/// let made = phone.passkey(&page, UI)?;
/// let answer = ada.submit(&page, json!({ "passkey_register": made, "traits": { "email": "ada@example.org" } })).await;
///
/// assert_eq!(answer.status(), 303);
/// assert_eq!(app.identities().len(), 1);
/// # Ok(()) }
/// ```
///
/// What is made can be wrong on purpose: [`flaw`](Self::flaw) for a mistake of one kind, [`ceremony`](Self::ceremony) for
/// full control over every part.
#[derive(Clone, Debug)]
#[must_use]
pub struct Authenticator {
    aaguid: Uuid,
    transports: Vec<String>,
    verifies: bool,
    backs_up: bool,
    attests: bool,
    flaw: Option<Flaw>,
    credential_id: Option<Vec<u8>>,
}

/// A mistake that an authenticator, or somebody between it and the service, makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The client data is about signing in.
    Type,
    /// The challenge is another one.
    Challenge,
    /// The page is another one.
    Origin,
    /// The key is made for another relying party.
    RelyingParty,
    /// Nobody was there.
    Presence,
    /// The attestation says something where it must be empty, or is signed by another key.
    Attestation,
    /// The attestation object is no CBOR.
    Garbage,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self {
            aaguid: Uuid::nil(),
            transports: vec!["internal".to_owned()],
            verifies: true,
            backs_up: false,
            attests: false,
            flaw: None,
            credential_id: None,
        }
    }
}

impl Authenticator {
    /// An authenticator that verifies the person when it is asked to, and tells nothing about its make.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of its make, which it tells.
    pub fn aaguid(mut self, aaguid: Uuid) -> Self {
        self.aaguid = aaguid;
        self
    }

    /// Sets the ways to reach it, such as `usb` and `nfc`.
    pub fn transports(mut self, transports: &[&str]) -> Self {
        self.transports = transports.iter().map(|way| (*way).to_owned()).collect();
        self
    }

    /// Sets whether it can verify the person.
    pub fn verifies_user(mut self, verifies: bool) -> Self {
        self.verifies = verifies;
        self
    }

    /// Keeps copies of its keys, as phones do.
    pub fn backs_up(mut self) -> Self {
        self.backs_up = true;
        self
    }

    /// Signs each attestation with the new key itself, in the format `packed`; otherwise the format is `none`.
    pub fn attests_itself(mut self) -> Self {
        self.attests = true;
        self
    }

    /// Makes this mistake from now on.
    pub fn flaw(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self
    }

    /// Gives every key this id; otherwise each has a random one.
    pub fn credential_id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.credential_id = Some(id.into());
        self
    }

    /// Makes a passkey for a page that is shown at this origin: the text for the field `passkey_register`.
    ///
    /// # Errors
    ///
    /// When the page asks for no passkey, or there is no randomness.
    pub fn passkey(&self, page: &Reply, origin: &str) -> io::Result<String> {
        self.create(&page.value_of("passkey_create_data"), origin)
    }

    /// Makes a security key for a page that is shown at this origin: the text for the field `webauthn_register`.
    ///
    /// # Errors
    ///
    /// When the page asks for no security key, or there is no randomness.
    pub fn security_key(&self, page: &Reply, origin: &str) -> io::Result<String> {
        self.create(&page.value_of("webauthn_register_trigger"), origin)
    }

    /// Makes a key by these options, on a page at this origin: the text that a page's script would send.
    ///
    /// # Errors
    ///
    /// When the options ask for no key, or there is no randomness.
    pub fn create(&self, options: &Value, origin: &str) -> io::Result<String> {
        Ok(self.ceremony(options, origin)?.answer().to_string())
    }

    /// The parts of the answer to these options: the options themselves, the value of a field that holds them, or a text
    /// of either.
    ///
    /// # Errors
    ///
    /// When the options ask for no key, or there is no randomness.
    pub fn ceremony(&self, options: &Value, origin: &str) -> io::Result<Ceremony> {
        let read: Value = options.as_str().map(serde_json::from_str).transpose()?.unwrap_or_else(|| options.clone());
        let wanted = read.get("credentialOptions").unwrap_or(&read).get("publicKey");
        let wanted = wanted.ok_or_else(|| io::Error::other(format!("these options ask for no key: {read}")))?;
        let text = |pointer: &str| wanted.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let verifies = self.verifies && text("/authenticatorSelection/userVerification") != "discouraged";
        let key = new_key()?;
        let mut ceremony = Ceremony {
            client_data: json!({
                "type": "webauthn.create", "challenge": text("/challenge"), "origin": origin, "crossOrigin": false
            })
            .to_string()
            .into_bytes(),
            rp_id_hash: sha256(text("/rp/id").as_bytes()),
            flags: flags(verifies, self.backs_up),
            sign_count: 0,
            aaguid: self.aaguid,
            credential_id: self.credential_id.clone().map_or_else(random_id, Ok)?,
            public_key: cose(&key),
            extensions: Vec::new(),
            format: if self.attests { "packed" } else { "none" }.to_owned(),
            statement: None,
            attestation_object: None,
            transports: self.transports.clone(),
            key,
        };
        ceremony.spoil(self.flaw);
        Ok(ceremony)
    }
}

/// The parts of an answer, to be changed before it is [put together](Self::answer).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ceremony {
    /// What the browser says: JSON.
    pub client_data: Vec<u8>,
    /// The SHA-256 of the relying party's id.
    pub rp_id_hash: [u8; 32],
    /// What the authenticator says about itself: 0x01 a person was there, 0x04 and was verified, 0x08 the key may be
    /// backed up, 0x10 and is, 0x40 a key follows, 0x80 extensions follow.
    pub flags: u8,
    /// How often it signed.
    pub sign_count: u32,
    /// The number of its make.
    pub aaguid: Uuid,
    /// What it calls the key.
    pub credential_id: Vec<u8>,
    /// The key in COSE.
    pub public_key: Vec<u8>,
    /// What it says beyond that: CBOR.
    pub extensions: Vec<u8>,
    /// The format of the attestation: `none`, or `packed` for one that the new key signs.
    pub format: String,
    /// The statement of the attestation in CBOR; without one it is made by the format.
    pub statement: Option<Vec<u8>>,
    /// The whole attestation object; without one it is made of the parts.
    pub attestation_object: Option<Vec<u8>>,
    /// The ways to reach the authenticator.
    pub transports: Vec<String>,
    key: SigningKey,
}

impl Ceremony {
    /// What the authenticator signs first.
    #[must_use]
    pub fn authenticator_data(&self) -> Vec<u8> {
        let length = u16::try_from(self.credential_id.len()).unwrap_or(u16::MAX);
        let parts: [&[u8]; 8] = [
            &self.rp_id_hash,
            &[self.flags],
            &self.sign_count.to_be_bytes(),
            self.aaguid.as_bytes(),
            &length.to_be_bytes(),
            &self.credential_id,
            &self.public_key,
            &self.extensions,
        ];
        parts.concat()
    }

    /// The attestation object in CBOR.
    #[must_use]
    pub fn attestation(&self) -> Vec<u8> {
        if let Some(whole) = &self.attestation_object {
            return whole.clone();
        }
        let own = || if self.format == "packed" { self.own_statement() } else { encoded(&Cbor::Map(Vec::new())) };
        let statement = self.statement.clone().unwrap_or_else(own);
        let text = |text: &str| encoded(&Cbor::from(text));
        let parts = [
            vec![0xa3],
            text("fmt"),
            text(&self.format),
            text("attStmt"),
            statement,
            text("authData"),
            encoded(&Cbor::from(self.authenticator_data())),
        ];
        parts.concat()
    }

    /// The answer as a page's script sends it.
    #[must_use]
    pub fn answer(&self) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&self.credential_id);
        json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {
                "attestationObject": URL_SAFE_NO_PAD.encode(self.attestation()),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.client_data),
                "transports": self.transports,
            },
        })
    }

    /// The statement that the new key signs about itself.
    fn own_statement(&self) -> Vec<u8> {
        let signed = [self.authenticator_data(), sha256(&self.client_data).to_vec()].concat();
        let signature: DerSignature = self.key.sign(&signed);
        let member = |name: &str, value: Cbor| (Cbor::from(name), value);
        encoded(&Cbor::Map(vec![
            member("alg", Cbor::from(-7)),
            member("sig", Cbor::from(signature.as_bytes().to_vec())),
        ]))
    }

    fn spoil(&mut self, flaw: Option<Flaw>) {
        let mut replace = |member: &str, value: &str| {
            let mut said: Value = serde_json::from_slice(&self.client_data).unwrap_or_default();
            said[member] = value.into();
            self.client_data = said.to_string().into_bytes();
        };
        match flaw {
            None => {}
            Some(Flaw::Type) => replace("type", "webauthn.get"),
            Some(Flaw::Challenge) => replace("challenge", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Some(Flaw::Origin) => replace("origin", "https://elsewhere.example.net"),
            Some(Flaw::RelyingParty) => self.rp_id_hash = sha256(b"elsewhere.example.net"),
            Some(Flaw::Presence) => self.flags &= !0x01,
            Some(Flaw::Attestation) if self.format == "packed" => {
                // The key that signs is not the one that is told.
                if let Ok(other) = new_key() {
                    self.public_key = cose(&other);
                }
            }
            Some(Flaw::Attestation) => {
                self.statement = Some(encoded(&Cbor::Map(vec![(Cbor::from("alg"), Cbor::from(-7))])));
            }
            Some(Flaw::Garbage) => self.attestation_object = Some(b"no attestation at all".to_vec()),
        }
    }
}

fn flags(verified: bool, backed_up: bool) -> u8 {
    0x41 | if verified { 0x04 } else { 0 } | if backed_up { 0x18 } else { 0 }
}

fn new_key() -> io::Result<SigningKey> {
    loop {
        // Nearly every text of 32 bytes is a key.
        if let Ok(key) = SigningKey::from_slice(&random::<32>()?) {
            return Ok(key);
        }
    }
}

fn random_id() -> io::Result<Vec<u8>> {
    Ok(random::<32>()?.to_vec())
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// The public key: on P-256, for ECDSA with SHA-256.
fn cose(key: &SigningKey) -> Vec<u8> {
    let point = key.verifying_key().to_sec1_point(false);
    let half = |from: usize| Cbor::from(point.as_bytes().get(from..from + 32).unwrap_or_default().to_vec());
    let member = |label: i64, value: Cbor| (Cbor::from(label), value);
    encoded(&Cbor::Map(vec![
        member(1, Cbor::from(2)),
        member(3, Cbor::from(-7)),
        member(-1, Cbor::from(1)),
        member(-2, half(1)),
        member(-3, half(33)),
    ]))
}

fn encoded(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes
}
