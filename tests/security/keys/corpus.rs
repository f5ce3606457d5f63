//! F8: the kept corpus of the fuzz target, played on every run; its file names say what must come of an input.

use std::path::PathBuf;

use serde_json::Value;
use tower_registration::testing::{Authenticator, Ceremony, UI};

use super::ceremony;
use super::harness::{Harness, PLACE};
use crate::kept;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/attestation"))
}

/// An input that the target reads.
fn input(made: &Ceremony) -> Vec<u8> {
    let length = u16::try_from(made.client_data.len()).unwrap();
    [length.to_be_bytes().as_slice(), &made.client_data, &made.attestation()].concat()
}

/// A seed by its name, and what is changed of a right answer.
type Seed = (&'static str, fn(&mut Ceremony));

const SEEDS: [Seed; 14] = [
    ("accepted-none", |_| {}),
    ("accepted-extensions", |made| {
        made.flags |= 0x80;
        made.extensions = b"\xa1\x6bcredProtect\x02".to_vec();
    }),
    ("accepted-backed-up", |made| made.flags |= 0x18),
    ("accepted-longest-id", |made| made.credential_id = vec![1; 1023]),
    ("refused-no-person", |made| made.flags &= !1),
    ("refused-copy-of-no-copy", |made| made.flags |= 0x10),
    ("refused-other-party", |made| made.rp_id_hash[3] ^= 1),
    ("refused-no-key", |made| made.flags &= !0x40),
    ("refused-id-too-long", |made| made.credential_id = vec![1; 1024]),
    ("refused-behind-the-end", |made| made.extensions = vec![0xa0]),
    ("refused-packed-without-signature", |made| {
        made.format = "packed".to_owned();
        made.statement = Some(vec![0xa0]);
    }),
    ("refused-tpm", |made| {
        made.format = "tpm".to_owned();
        made.statement = Some(b"\xa1\x63ver\x632.0".to_vec());
    }),
    ("refused-endless", |made| made.attestation_object = Some([0x9f_u8; 400].to_vec())),
    ("refused-no-cbor", |made| made.attestation_object = Some(b"no attestation at all".to_vec())),
];

/// Signatures would be over the place of the challenge, so no packed answer is right.
#[tokio::test]
#[ignore = "writes the corpus"]
async fn f8_writes_the_seeds() {
    let page = super::app().native().open().await;
    for (name, change) in SEEDS {
        let mut made = ceremony(&Authenticator::new(), &page);
        let mut said: Value = serde_json::from_slice(&made.client_data).unwrap();
        (said["challenge"], said["origin"]) = (PLACE.into(), UI.into());
        made.client_data = said.to_string().into_bytes();
        change(&mut made);
        std::fs::write(folder().join(name), input(&made)).unwrap();
    }
}

#[test]
fn f8_the_kept_corpus_comes_to_what_its_names_say() {
    let mut harness = Harness::new();

    let played = kept::play("attestation", |input| harness.play(input));

    assert!(played >= SEEDS.len(), "only {played} inputs are kept");
}
