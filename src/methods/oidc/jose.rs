//! ID tokens: signed claims, and the keys that sign them.
//!
//! A token counts if all of this holds:
//!
//! 1. It has three parts in base64url, and at most 32 KiB.
//! 2. Its algorithm is one of those that the provider says it signs with, and a public-key one: `none` and HMAC are never
//!    among them, whatever the provider or the token says. Its header asks for nothing that would have to be understood
//!    (`crit`), and keys that it brings along are not looked at.
//! 3. A key of the provider's own set fits: of the right type for the algorithm, for signatures, and with the token's
//!    `kid`. Without a `kid` every fitting key is tried.
//! 4. The signature is right.
//! 5. It says who issued it, for whom (`aud`; and `azp`, which must be there where there are several audiences), about
//!    whom, and until when: it has not ended, and was not made in the future.
//!
//! The arithmetic is that of `ring`, which the TLS client uses too. The rules are written out here because the libraries
//! for them bring a second set of arithmetic and more than a hundred crates; the tests hold them against one of those.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::claims::whole;

/// The longest token, in bytes.
const LONGEST: usize = 32 * 1024;
/// How far clocks may differ.
const SKEW: Duration = Duration::minutes(1);
/// How many keys of a set are looked at.
const MOST_KEYS: usize = 64;

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    #[error("it is no signed token")]
    Malformed,
    #[error("its algorithm is not one that the provider signs with")]
    Algorithm,
    #[error("none of the provider's keys fits")]
    UnknownKey,
    #[error("the signature is wrong")]
    Signature,
    #[error("it comes from another issuer")]
    Issuer,
    #[error("it is meant for somebody else")]
    Audience,
    #[error("it has ended, or has not begun")]
    Time,
    #[error("it names nobody")]
    Subject,
}

/// A signing algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// The algorithm of this name; nothing for those that are no public-key signatures.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A key of a provider.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of a provider. Those that are of another kind, or not for signatures, are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// Reads a JSON Web Key Set; nothing when it is none.
    pub(super) fn read(document: &Value) -> Option<Self> {
        let keys = document.get("keys")?.as_array()?;
        Some(Self(keys.iter().take(MOST_KEYS).filter_map(Key::read).collect()))
    }

    fn fitting<'k>(&'k self, algorithm: Algorithm, id: Option<&'k str>) -> impl Iterator<Item = &'k Key> {
        let named = move |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let meant = move |key: &&Key| key.algorithm.as_deref().is_none_or(|own| own == algorithm.name());
        self.0.iter().filter(named).filter(meant).filter(move |key| key.material.verifier(algorithm).is_some())
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let point = |size: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == size && y.len() == size).then(|| [vec![4], x, y].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        match (self.material.verifier(algorithm), &self.material) {
            (Some(Verifier::Rsa(parameters)), Material::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signed).is_ok()
            }
            (Some(Verifier::Other(rule)), Material::P256(key) | Material::P384(key) | Material::Ed25519(key)) => {
                UnparsedPublicKey::new(rule, key).verify(message, signed).is_ok()
            }
            _ => false,
        }
    }
}

/// How signatures of an algorithm are checked.
enum Verifier {
    Rsa(&'static signature::RsaParameters),
    Other(&'static dyn VerificationAlgorithm),
}

impl Material {
    /// The check that belongs to this kind of key and this algorithm: a key is never used for an algorithm of another
    /// kind. RSA keys have at least 2,048 bits.
    fn verifier(&self, algorithm: Algorithm) -> Option<Verifier> {
        Some(match (self, algorithm) {
            (Self::Rsa { .. }, Algorithm::Rs256) => Verifier::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            (Self::Rsa { .. }, Algorithm::Rs384) => Verifier::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            (Self::Rsa { .. }, Algorithm::Rs512) => Verifier::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            (Self::Rsa { .. }, Algorithm::Ps256) => Verifier::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            (Self::Rsa { .. }, Algorithm::Ps384) => Verifier::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            (Self::Rsa { .. }, Algorithm::Ps512) => Verifier::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            (Self::P256(_), Algorithm::Es256) => Verifier::Other(&signature::ECDSA_P256_SHA256_FIXED),
            (Self::P384(_), Algorithm::Es384) => Verifier::Other(&signature::ECDSA_P384_SHA384_FIXED),
            (Self::Ed25519(_), Algorithm::EdDsa) => Verifier::Other(&signature::ED25519),
            _ => return None,
        })
    }
}

/// A token taken apart. Nothing of it counts before [`Token::verify`].
#[derive(Debug)]
pub(super) struct Token<'t> {
    message: &'t str,
    signed: Vec<u8>,
    algorithm: Algorithm,
    key: Option<String>,
    claims: Map<String, Value>,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'e> {
    /// Who issues; more than one where a provider writes its name in several ways.
    pub(super) issuers: &'e [&'e str],
    /// Whom it may be meant for.
    pub(super) audiences: &'e [&'e str],
    pub(super) now: OffsetDateTime,
}

impl<'t> Token<'t> {
    /// Rules 1 and 2.
    pub(super) fn read(token: &'t str, allowed: &[Algorithm]) -> Result<Self, Bad> {
        let (message, signed) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST).ok_or(Bad::Malformed)?;
        let (header, claims) = message.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or(Bad::Malformed)?;
        let (header, claims) = (object(header)?, object(claims)?);
        let signed = URL_SAFE_NO_PAD.decode(signed).map_err(|_| Bad::Malformed)?;
        let name = header.get("alg").and_then(Value::as_str).ok_or(Bad::Malformed)?;
        let algorithm = Algorithm::from_name(name).filter(|own| allowed.contains(own)).ok_or(Bad::Algorithm)?;
        if header.contains_key("crit") {
            return Err(Bad::Malformed);
        }
        let key = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Bad::Malformed),
        };
        Ok(Self { message, signed, algorithm, key, claims })
    }

    /// A claim that nobody vouches for yet: only to find out whose keys are to be asked for.
    pub(super) fn unproved(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Rules 3 and 4: the claims as they were signed.
    pub(super) fn verify(self, keys: &Keys) -> Result<Map<String, Value>, Bad> {
        let mut fitting = keys.fitting(self.algorithm, self.key.as_deref()).peekable();
        if fitting.peek().is_none() {
            return Err(Bad::UnknownKey);
        }
        match fitting.any(|key| key.verifies(self.algorithm, self.message.as_bytes(), &self.signed)) {
            true => Ok(self.claims),
            false => Err(Bad::Signature),
        }
    }

    /// Whether a key of the set may have signed it.
    pub(super) fn has_key(&self, keys: &Keys) -> bool {
        keys.fitting(self.algorithm, self.key.as_deref()).next().is_some()
    }
}

/// Rule 5.
pub(super) fn check(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Bad> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if !text("iss").is_some_and(|issuer| expected.issuers.contains(&issuer)) {
        return Err(Bad::Issuer);
    }
    let meant = |audience: &Value| audience.as_str().is_some_and(|own| expected.audiences.contains(&own));
    let several = match claims.get("aud") {
        Some(Value::Array(all)) if all.iter().any(meant) && all.iter().all(Value::is_string) => all.len() > 1,
        Some(one) if meant(one) => false,
        _ => return Err(Bad::Audience),
    };
    match claims.get("azp") {
        None if several => return Err(Bad::Audience),
        Some(party) if !meant(party) => return Err(Bad::Audience),
        _ => {}
    }
    let at = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => whole(number).map(Some).ok_or(Bad::Time),
        Some(_) => Err(Bad::Time),
    };
    let (now, skew) = (expected.now.unix_timestamp(), SKEW.whole_seconds());
    let ends = at("exp")?.ok_or(Bad::Time)?;
    let begins = at("iat")?.ok_or(Bad::Time)?.max(at("nbf")?.unwrap_or(i64::MIN));
    if now >= ends.saturating_add(skew) || begins.saturating_sub(skew) > now {
        return Err(Bad::Time);
    }
    text("sub").map(|_| ()).ok_or(Bad::Subject)
}

/// When a token ends.
pub(super) fn ends_at(claims: &Map<String, Value>) -> Option<OffsetDateTime> {
    let at = claims.get("exp").and_then(Value::as_number).and_then(whole)?;
    OffsetDateTime::from_unix_timestamp(at).ok().map(|at| at.saturating_add(SKEW))
}

fn object(part: &str) -> Result<Map<String, Value>, Bad> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Malformed)?;
    // Claims stand in a map that keeps the last of two equal names: a token that has some is read in two ways.
    match crate::form::bounded::read(&bytes) {
        Ok((Value::Object(members), Ok(()))) => Ok(members),
        _ => Err(Bad::Malformed),
    }
}
