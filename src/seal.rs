//! Keys by purpose: sign, seal and derive. The only place that holds key bytes.
//!
//! 1. Every purpose has a key of its own, derived from the host's secret by HMAC-SHA-256, so a value made for one
//!    purpose is nothing for another.
//! 2. A purpose has a list of keys, newest first: the first signs and seals, all of them verify and open.
//! 3. Everything made from secrets is compared in constant time.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The shortest secret that a host may give, in bytes.
pub const SHORTEST_SECRET: usize = 32;

const NONCE: usize = 24;

/// Key material of the host: at least [`SHORTEST_SECRET`] bytes that nobody else knows.
///
/// Make one with `openssl rand -base64 48`, and keep it for as long as flows and sessions are to survive a restart.
pub struct Secret {
    bytes: SecretSlice<u8>,
    random: bool,
}

impl Secret {
    /// Takes the bytes of a secret.
    ///
    /// # Errors
    ///
    /// [`WeakSecret`] when there are fewer than [`SHORTEST_SECRET`] bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, WeakSecret> {
        let bytes = bytes.as_ref();
        if bytes.len() < SHORTEST_SECRET {
            return Err(WeakSecret { length: bytes.len() });
        }
        Ok(Self { bytes: bytes.to_vec().into(), random: false })
    }

    /// A secret that nobody knows and that is gone when the process ends: flows and sessions end with it.
    ///
    /// For trying out and for tests. [`build`](crate::Builder::build) warns about it.
    ///
    /// # Errors
    ///
    /// Fails when the system gives no random bytes.
    pub fn random_until_restart() -> Result<Self, std::io::Error> {
        let mut bytes = [0_u8; SHORTEST_SECRET];
        getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
        Ok(Self { bytes: bytes.to_vec().into(), random: true })
    }

    /// Whether the secret ends with the process.
    pub(crate) fn is_random(&self) -> bool {
        self.random
    }

    /// Whether it is one that everybody knows from examples.
    pub(crate) fn is_well_known(&self) -> bool {
        let text = String::from_utf8_lossy(self.bytes.expose_secret()).to_ascii_lowercase();
        let telling = [
            "test",
            "changeme",
            "change-me",
            "not-secure",
            "insecure",
            "please-change",
            "secret-secret",
            "keep me for as long as",
        ];
        let first = self.bytes.expose_secret().first();
        telling.iter().any(|word| text.contains(word)) || self.bytes.expose_secret().iter().all(|b| Some(b) == first)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.expose_secret().ct_eq(other.bytes.expose_secret()).into()
    }
}

/// A secret is too short to be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret needs at least {SHORTEST_SECRET} bytes, but got {length}; make one with `openssl rand -base64 48`")]
#[non_exhaustive]
pub struct WeakSecret {
    /// How many bytes were given.
    pub length: usize,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The token in a browser's form.
    Csrf,
    /// The id of an identity, made from its flow's.
    Identity,
    /// The cookie that carries a session token.
    SessionCookie,
    /// The second half of a pair that a native client exchanges for a session.
    Exchange,
    /// A code that proves an address to a registration.
    RegistrationCode,
    /// A code that proves an address by itself.
    VerificationCode,
    /// A link that proves an address by itself.
    VerificationLink,
    /// What a letter will say, while it waits.
    Letter,
    /// What an opened link said, until a button proves it.
    OpenedLink,
    /// The name of a counter, made from an address.
    Counter,
    /// What a browser takes along to somebody else's page, and brings back as `state`.
    State,
    /// What a method keeps in a flow, and nobody else may read.
    Drawer,
    /// Tokens of social providers, in credentials.
    ProviderToken,
    /// What is to be done after a commit, while it waits.
    Errand,
}

impl Purpose {
    #[cfg(test)]
    const ALL: [Self; 14] = [
        Self::Csrf,
        Self::Identity,
        Self::SessionCookie,
        Self::Exchange,
        Self::RegistrationCode,
        Self::VerificationCode,
        Self::VerificationLink,
        Self::Letter,
        Self::OpenedLink,
        Self::Counter,
        Self::State,
        Self::Drawer,
        Self::ProviderToken,
        Self::Errand,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Csrf => b"tower-registration/1/csrf",
            Self::Identity => b"tower-registration/1/identity",
            Self::SessionCookie => b"tower-registration/1/session-cookie",
            Self::Exchange => b"tower-registration/1/exchange",
            Self::RegistrationCode => b"tower-registration/1/registration-code",
            Self::VerificationCode => b"tower-registration/1/verification-code",
            Self::VerificationLink => b"tower-registration/1/verification-link",
            Self::Letter => b"tower-registration/1/letter",
            Self::OpenedLink => b"tower-registration/1/opened-link",
            Self::Counter => b"tower-registration/1/counter",
            Self::State => b"tower-registration/1/state",
            Self::Drawer => b"tower-registration/1/drawer",
            Self::ProviderToken => b"tower-registration/1/provider-token",
            Self::Errand => b"tower-registration/1/errand",
        }
    }
}

/// A message authentication code.
pub(crate) type Tag = [u8; 32];

/// The host's secrets, newest first.
#[derive(Debug)]
pub(crate) struct Seal {
    secrets: Vec<Secret>,
}

impl Seal {
    /// Takes the secrets, newest first; there is at least one.
    pub(crate) fn new(secrets: Vec<Secret>) -> Option<Self> {
        (!secrets.is_empty()).then_some(Self { secrets })
    }

    /// Signs the parts for a purpose. Parts are told apart: `["ab", "c"]` and `["a", "bc"]` differ.
    pub(crate) fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> Tag {
        tag(&self.newest(purpose), parts)
    }

    /// Whether one of the keys of a purpose signed the parts.
    pub(crate) fn verify(&self, purpose: Purpose, parts: &[&[u8]], signed: &[u8]) -> bool {
        let hit = |key: &Zeroizing<Tag>| tag(key, parts).ct_eq(signed);
        self.keys(purpose).map(|key| hit(&key)).fold(subtle::Choice::from(0), |any, one| any | one).into()
    }

    /// What a purpose makes of the parts under each key, newest first: for values that are derived again, not stored.
    pub(crate) fn derive(&self, purpose: Purpose, parts: &[&[u8]]) -> impl Iterator<Item = Tag> {
        self.keys(purpose).map(move |key| tag(&key, parts))
    }

    /// Encrypts and authenticates `plain`; `context` must be the same when it is opened.
    ///
    /// Nothing comes back when the cipher refuses, which it does only for texts of many gigabytes.
    pub(crate) fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8], nonce: [u8; NONCE]) -> Option<Vec<u8>> {
        let payload = Payload { msg: plain, aad: context };
        let sealed = cipher(&self.newest(purpose)).encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Seal::seal`] made for the same purpose and context.
    pub(crate) fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let open = |key: Zeroizing<Tag>| cipher(&key).decrypt(&nonce, Payload { msg, aad: context }).ok();
        self.keys(purpose).find_map(open).map(Zeroizing::new)
    }

    fn newest(&self, purpose: Purpose) -> Zeroizing<Tag> {
        self.secrets.first().map(|secret| key(secret, purpose)).unwrap_or_default()
    }

    fn keys(&self, purpose: Purpose) -> impl Iterator<Item = Zeroizing<Tag>> {
        self.secrets.iter().map(move |secret| key(secret, purpose))
    }
}

fn key(secret: &Secret, purpose: Purpose) -> Zeroizing<Tag> {
    Zeroizing::new(mac(secret.bytes.expose_secret(), |mac| mac.update(purpose.label())))
}

fn tag(key: &Tag, parts: &[&[u8]]) -> Tag {
    mac(key, |mac| {
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
    })
}

fn mac(key: &[u8], feed: impl FnOnce(&mut Hmac<Sha256>)) -> Tag {
    // HMAC takes keys of every length: the type says "may fail" for the sake of other algorithms.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return Tag::default() };
    feed(&mut mac);
    mac.finalize().into_bytes().into()
}

fn cipher(key: &Tag) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// The SHA-256 digest.
pub(crate) fn sha256(bytes: &[u8]) -> Tag {
    Sha256::digest(bytes).into()
}

/// Bytes in hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that [`to_hex`] wrote.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// The first sixteen bytes of a digest in the shape of a random UUID.
pub(crate) fn shaped_as_v4(tag: &Tag) -> Uuid {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&tag[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Letters and digits made from random bytes, each as likely as the others: bytes that would favour some are skipped.
pub(crate) fn alphanumeric(bytes: &[u8]) -> impl Iterator<Item = char> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const FAIR: u8 = 62 * 4;
    bytes.iter().filter(|byte| **byte < FAIR).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(first: u8, more: &[u8]) -> Seal {
        let secret = |byte: u8| Secret::new([byte; 40]).unwrap();
        Seal::new(std::iter::once(first).chain(more.iter().copied()).map(secret).collect()).unwrap()
    }

    #[test]
    fn e3_nothing_made_for_one_purpose_passes_for_another() {
        let seal = seal(1, &[]);
        for made in Purpose::ALL {
            let signed = seal.sign(made, &[b"x"]);
            let sealed = seal.seal(made, b"c", b"x", [7; NONCE]).unwrap();
            for presented in Purpose::ALL.into_iter().filter(|other| *other != made) {
                assert!(!seal.verify(presented, &[b"x"], &signed), "{made:?} as {presented:?}");
                assert!(seal.open(presented, b"c", &sealed).is_none(), "{made:?} as {presented:?}");
            }
        }
    }

    #[test]
    fn an_old_secret_verifies_until_it_is_removed() {
        let (old, rotated, new) = (seal(1, &[]), seal(2, &[1]), seal(2, &[]));
        let signed = old.sign(Purpose::Csrf, &[b"x"]);
        let sealed = old.seal(Purpose::SessionCookie, b"c", b"x", [7; NONCE]).unwrap();

        assert!(rotated.verify(Purpose::Csrf, &[b"x"], &signed) && !new.verify(Purpose::Csrf, &[b"x"], &signed));
        assert!(rotated.open(Purpose::SessionCookie, b"c", &sealed).is_some());
        assert!(new.open(Purpose::SessionCookie, b"c", &sealed).is_none());
    }

    #[test]
    fn parts_and_context_are_part_of_the_seal() {
        let seal = seal(1, &[]);
        let signed = seal.sign(Purpose::Csrf, &[b"ab", b"c"]);
        let sealed = seal.seal(Purpose::SessionCookie, b"here", b"x", [7; NONCE]).unwrap();

        assert!(!seal.verify(Purpose::Csrf, &[b"a", b"bc"], &signed));
        assert!(seal.open(Purpose::SessionCookie, b"there", &sealed).is_none());
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("a very long secret that nobody may ever see").unwrap();

        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    }
}
