//! What a letter carries to prove an address: a code of six digits, or the token of a link.
//!
//! Nothing of it is stored. It is made from a key in memory, the flow, the address and a random nonce, when the letter
//! is delivered and again when it is checked; the flow and the letter keep only the nonce. Another nonce ends it.

use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use crate::identity::Address;
use crate::seal::{Purpose, Seal, Tag, alphanumeric};

/// Digits of a code.
const DIGITS: usize = 6;
/// Letters and digits of a token: 190 bits.
const TOKEN_LENGTH: usize = 32;

/// What makes one proof differ from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nonce(pub(crate) [u8; 16]);

/// A code or a token that is made when it is needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) flow: Uuid,
    pub(crate) address: &'a Address,
    pub(crate) nonce: Nonce,
}

impl Proof<'_> {
    /// The code or token, by the newest key.
    pub(crate) fn make(&self, seal: &Seal) -> String {
        let tags: Vec<Tag> = (0..3).map(|block| seal.sign(self.purpose, &self.parts(&[block]))).collect();
        self.shape(&tags)
    }

    /// Whether this is what was typed, by any key. Every key is tried, and every letter compared.
    pub(crate) fn is(&self, seal: &Seal, typed: &str) -> bool {
        let blocks: Vec<Vec<Tag>> =
            (0..3).map(|block| seal.derive(self.purpose, &self.parts(&[block])).collect()).collect();
        let keys = blocks.first().map_or(0, Vec::len);
        let hit = (0..keys).fold(Choice::from(0), |hit, key| {
            let tags: Vec<Tag> = blocks.iter().map(|block| block[key]).collect();
            hit | self.shape(&tags).as_bytes().ct_eq(typed.as_bytes())
        });
        hit.into()
    }

    fn parts<'p>(&'p self, block: &'p [u8]) -> [&'p [u8]; 5] {
        let address = self.address;
        [self.flow.as_bytes(), address.via().as_str().as_bytes(), address.value().as_bytes(), &self.nonce.0, block]
    }

    fn shape(&self, tags: &[Tag]) -> String {
        match self.purpose {
            Purpose::VerificationLink => alphanumeric(&tags.concat()).take(TOKEN_LENGTH).collect(),
            _ => digits(&tags.concat()),
        }
    }
}

/// A code in which every one is as likely as the others: numbers that would favour some are skipped.
fn digits(bytes: &[u8]) -> String {
    const CODES: u32 = 10_u32.pow(DIGITS as u32);
    const FAIR: u32 = u32::MAX / CODES * CODES;
    let numbers = bytes.chunks_exact(4).map(|chunk| chunk.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
    // That all of the 24 numbers are skipped happens once in 10^87 codes.
    let number = numbers.into_iter().find(|number| *number < FAIR).unwrap_or_default();
    format!("{:0DIGITS$}", number % CODES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Channel;
    use crate::seal::Secret;

    fn seal(bytes: &[u8]) -> Seal {
        Seal::new(bytes.iter().map(|byte| Secret::new([*byte; 32]).unwrap()).collect()).unwrap()
    }

    fn proof(purpose: Purpose, address: &Address, nonce: u8) -> Proof<'_> {
        Proof { purpose, flow: Uuid::nil(), address, nonce: Nonce([nonce; 16]) }
    }

    #[test]
    fn a_proof_belongs_to_its_flow_address_nonce_and_purpose() {
        let (seal, ada) = (seal(&[1]), Address::new(Channel::Email, "ada@example.org"));
        let eve = Address::new(Channel::Email, "eve@example.org");
        let own = proof(Purpose::RegistrationCode, &ada, 1);
        let code = own.make(&seal);

        assert!(own.is(&seal, &code));
        assert!(!proof(Purpose::RegistrationCode, &eve, 1).is(&seal, &code));
        assert!(!proof(Purpose::RegistrationCode, &ada, 2).is(&seal, &code));
        assert!(!proof(Purpose::VerificationCode, &ada, 1).is(&seal, &code));
        assert!(!Proof { flow: Uuid::max(), ..own }.is(&seal, &code));
        assert!(!own.is(&seal, "") && !own.is(&seal, &code[1..]));
    }

    #[test]
    fn a_proof_survives_a_new_key_until_the_old_one_is_removed() {
        let ada = Address::new(Channel::Email, "ada@example.org");
        let own = proof(Purpose::VerificationLink, &ada, 1);
        let token = own.make(&seal(&[1]));

        assert_eq!(token.len(), TOKEN_LENGTH);
        assert!(own.is(&seal(&[2, 1]), &token));
        assert!(!own.is(&seal(&[2]), &token));
    }

    #[test]
    fn e2_codes_are_uniform() {
        const CODES: usize = 100_000;
        let (seal, ada) = (seal(&[1]), Address::new(Channel::Email, "ada@example.org"));
        let mut seen = [[0_u32; 10]; DIGITS];
        for n in 0..CODES {
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&n.to_be_bytes());
            let own = Proof { nonce: Nonce(nonce), ..proof(Purpose::RegistrationCode, &ada, 0) };
            let code = Proof { ..own }.make(&seal);
            code.bytes().enumerate().for_each(|(at, digit)| seen[at][usize::from(digit - b'0')] += 1);
        }

        for (at, counts) in seen.iter().enumerate() {
            let expected = CODES as f64 / 10.0;
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            // Nine degrees of freedom: 33.7 is exceeded once in ten thousand times, 0.5 is not reached as rarely.
            assert!((0.5..33.7).contains(&chi), "digit {at}: {chi} {counts:?}");
        }
    }
}
