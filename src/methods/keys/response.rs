//! What the browser answered, taken apart. Nothing is believed yet.
//!
//! Everything is bounded: the answer by the body's limits, CBOR in its depth, an id of a key in its length. CBOR has one
//! meaning: without tags, and no key comes twice; that of a key is also written in one way, since it is kept as it came.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use crate::form::bounded::read_proof;

/// Browsers write no padding, other programs do.
const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How deep CBOR may be nested.
const DEEPEST: usize = 16;
/// The longest id of a key, in bytes.
const LONGEST_ID: usize = 1023;
/// What is kept of the ways to reach an authenticator.
const MOST_TRANSPORTS: usize = 8;
const LONGEST_TRANSPORT: usize = 32;

/// The answer to a ceremony.
#[derive(Debug)]
pub(super) struct Response {
    /// As it was signed.
    pub(super) client_data: Vec<u8>,
    /// As it came.
    pub(super) attestation: Vec<u8>,
    pub(super) client: ClientData,
    pub(super) format: String,
    pub(super) has_statement: bool,
    pub(super) authenticator: AuthenticatorData,
    pub(super) transports: Vec<String>,
}

/// What the browser says about the ceremony.
#[derive(Debug)]
pub(super) struct ClientData {
    pub(super) kind: String,
    pub(super) challenge: String,
    pub(super) origin: String,
    pub(super) cross_origin: bool,
    pub(super) top_origin: Option<String>,
}

/// What the authenticator says.
#[derive(Debug)]
pub(super) struct AuthenticatorData {
    pub(super) bytes: Vec<u8>,
    pub(super) rp_id_hash: [u8; 32],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    pub(super) key: Key,
}

/// The bits that say how a key was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) fn user_present(self) -> bool {
        self.0 & 0x01 != 0
    }

    pub(super) fn user_verified(self) -> bool {
        self.0 & 0x04 != 0
    }

    pub(super) fn backup_eligible(self) -> bool {
        self.0 & 0x08 != 0
    }

    pub(super) fn backup_state(self) -> bool {
        self.0 & 0x10 != 0
    }

    fn has_key(self) -> bool {
        self.0 & 0x40 != 0
    }

    fn has_extensions(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// The new key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) aaguid: [u8; 16],
    pub(super) id: Vec<u8>,
    /// COSE, as it came.
    pub(super) public: Vec<u8>,
    pub(super) algorithm: i64,
}

impl Response {
    /// Takes the text of the field apart; nothing when it has another shape.
    pub(super) fn read(text: &str) -> Option<Self> {
        let answer = read_proof(text.as_bytes())?;
        let answer = answer.as_object()?;
        let id = member(answer, "id")?.as_str().filter(|id| !id.is_empty())?;
        URL_SAFE_NO_PAD.decode(id).ok()?;
        if let Some(raw) = member(answer, "rawId").filter(|raw| !raw.is_null()) {
            PADDED_OR_NOT.decode(raw.as_str()?).ok()?;
        }
        if member(answer, "type")?.as_str() != Some("public-key") {
            return None;
        }
        let response = member(answer, "response")?.as_object()?;
        let bytes = |name: &str| PADDED_OR_NOT.decode(member(response, name)?.as_str()?).ok();
        let (client_data, attestation) = (bytes("clientDataJSON")?, bytes("attestationObject")?);
        let object = cbor(&attestation)?;
        let statement = named(&object, "attStmt")?.as_map()?;
        Some(Self {
            client: ClientData::read(&client_data)?,
            format: named(&object, "fmt")?.as_text()?.to_owned(),
            has_statement: !statement.is_empty(),
            authenticator: AuthenticatorData::read(named(&object, "authData")?.as_bytes()?)?,
            transports: transports(member(response, "transports")),
            client_data,
            attestation,
        })
    }
}

impl ClientData {
    fn read(bytes: &[u8]) -> Option<Self> {
        // A byte order mark is no part of a text.
        let said = read_proof(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
        let text = |name: &str| Some(said.get(name)?.as_str()?.to_owned());
        let cross_origin = match said.get("crossOrigin") {
            None | Some(Value::Null) => false,
            Some(said) => said.as_bool()?,
        };
        let top_origin = match said.get("topOrigin") {
            None | Some(Value::Null) => None,
            Some(said) => Some(said.as_str()?.to_owned()),
        };
        let (kind, challenge, origin) = (text("type")?, text("challenge")?, text("origin")?);
        Some(Self { kind, challenge, origin, cross_origin, top_origin })
    }
}

impl AuthenticatorData {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let ([flags], rest) = rest.split_first_chunk::<1>()?;
        let (sign_count, rest) = rest.split_first_chunk::<4>()?;
        let flags = Flags(*flags);
        if !flags.has_key() {
            return None;
        }
        let (key, mut rest) = Key::read(rest)?;
        if flags.has_extensions() {
            // What an authenticator adds without being asked is skipped; it has to be well-formed.
            item(&mut rest)?.as_map()?;
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        rest.is_empty().then(|| Self { bytes: bytes.to_vec(), rp_id_hash: *rp_id_hash, flags, sign_count, key })
    }
}

impl Key {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, key) = rest.split_at_checked(length).filter(|_| (1..=LONGEST_ID).contains(&length))?;
        let mut rest = key;
        let cose = item(&mut rest)?;
        let algorithm = numbered(&cose, 3)?;
        let public = key.get(..key.len() - rest.len()).filter(|bytes| is_written_by(bytes, &cose))?.to_vec();
        Some((Self { aaguid: *aaguid, id: id.to_vec(), public, algorithm }, rest))
    }
}

/// A member of a JSON object, in any case of its letters: clients on Android write `clientDataJson`.
fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let folded = || members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    members.get(name).or_else(folded)
}

fn transports(listed: Option<&Value>) -> Vec<String> {
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let texts = listed.filter_map(Value::as_str).filter(|text| text.len() <= LONGEST_TRANSPORT);
    texts.take(MOST_TRANSPORTS).map(str::to_owned).collect()
}

/// Exactly one item.
fn cbor(bytes: &[u8]) -> Option<Cbor> {
    let mut rest = bytes;
    item(&mut rest).filter(|_| rest.is_empty())
}

/// The first item; the bytes move on behind it.
fn item(bytes: &mut &[u8]) -> Option<Cbor> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEEPEST).ok().filter(has_one_meaning)
}

fn has_one_meaning(value: &Cbor) -> bool {
    match value {
        Cbor::Tag(..) => false,
        Cbor::Array(items) => items.iter().all(has_one_meaning),
        Cbor::Map(members) => members.iter().enumerate().all(|(at, (key, value))| {
            let again = members[..at].iter().any(|(before, _)| before == key);
            !again && has_one_meaning(key) && has_one_meaning(value)
        }),
        _ => true,
    }
}

/// Whether these are the bytes that anybody would write.
fn is_written_by(bytes: &[u8], value: &Cbor) -> bool {
    let mut written = Vec::with_capacity(bytes.len());
    ciborium::into_writer(value, &mut written).is_ok() && written == bytes
}

fn named<'v>(object: &'v Cbor, name: &str) -> Option<&'v Cbor> {
    object.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn numbered(object: &Cbor, label: i64) -> Option<i64> {
    let is = |key: &Cbor| key.as_integer().and_then(|key| i64::try_from(key).ok()) == Some(label);
    let value = object.as_map()?.iter().find(|(key, _)| is(key)).map(|(_, value)| value)?;
    value.as_integer().and_then(|number| i64::try_from(number).ok())
}
