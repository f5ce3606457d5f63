//! What must not be found, in all its disguises.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256, Sha512};

use super::cells::hex;

/// Something that somebody was given, or has typed.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// It is long and random, and a digest of it is what it is found by.
    pub(crate) digest_is_kept: bool,
}

/// Which secrets are found in these bytes, and how.
pub(crate) fn found(secrets: &[Secret], in_all: &[Vec<u8>]) -> Vec<String> {
    let disguises = secrets.iter().flat_map(|secret| disguises(secret).into_iter().map(move |it| (secret, it)));
    let found = disguises.filter(|(_, (_, bytes))| in_all.iter().any(|cell| contains(cell, bytes)));
    found.map(|(secret, (how, _))| format!("{} {how}", secret.name)).collect()
}

fn disguises(secret: &Secret) -> Vec<(String, Vec<u8>)> {
    let own = secret.value.as_bytes().to_vec();
    // What a cookie or a token holds, where it is an encoding of something.
    let held = [STANDARD.decode(&own), URL_SAFE.decode(&own), URL_SAFE_NO_PAD.decode(&own)];
    let held = held.into_iter().flatten().filter(|bytes| bytes.len() >= 16);
    let mut all = vec![("in clear".to_owned(), own.clone())];
    all.extend(held.clone().map(|bytes| ("decoded".to_owned(), bytes)));
    let digested: Vec<Vec<u8>> =
        if secret.digest_is_kept { Vec::new() } else { [own].into_iter().chain(held).collect() };
    for bytes in digested {
        let short = |digest: Vec<u8>| digest[..8].to_vec();
        all.push(("as SHA-256".to_owned(), short(Sha256::digest(&bytes).to_vec())));
        all.push(("as SHA-512".to_owned(), short(Sha512::digest(&bytes).to_vec())));
    }
    let spelled = all.iter().flat_map(|(how, bytes)| {
        let base64 = [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
        // The last letter depends on what follows.
        let base64 = base64.map(|text| text[..text.len() - 1].to_owned());
        let [standard, url] = base64;
        [hex(bytes), hex(bytes).to_uppercase(), standard, url]
            .map(|text| (format!("{how}, encoded"), text.into_bytes()))
    });
    let spelled: Vec<_> = spelled.collect();
    all.into_iter().chain(spelled).collect()
}

fn contains(cell: &[u8], bytes: &[u8]) -> bool {
    cell.windows(bytes.len()).any(|window| window == bytes)
}
