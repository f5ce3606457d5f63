//! Plays one input of the fuzz target `attestation`: bytes become an answer to a fresh challenge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_registration::methods::{Passkey, RelyingParty};
use tower_registration::testing::{App, Client, Reply, UI};

use super::second::{Expected, verify};

const PARTY: &str = "app.example.org";
/// Stands for the challenge in an input.
pub(crate) const PLACE: &str = "${challenge}";

/// A service and the page of a flow that waits for an answer.
pub(crate) struct Harness {
    runtime: tokio::runtime::Runtime,
    client: Client,
    page: Reply,
    people: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let party = RelyingParty::new(PARTY, "Example").origin(UI);
        let app = App::with(|builder| builder.method(Passkey::new(party))).unwrap();
        let mut client = app.native();
        let page = runtime.block_on(client.open());
        Self { runtime, client, page, people: 0 }
    }

    /// Whether the service accepts the input. Then the second verifier must, too.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Some((length, rest)) = input.split_first_chunk::<2>() else { return false };
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (client_data, attestation) = rest.split_at(length);
        let data: Value = serde_json::from_str(self.page.value_of("passkey_create_data").as_str().unwrap()).unwrap();
        let challenge = data["credentialOptions"]["publicKey"]["challenge"].as_str().unwrap().to_owned();
        let answer = json!({ "id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(replaced(client_data, challenge.as_bytes())),
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
        } });
        self.people += 1;
        let email = format!("ada{}@example.org", self.people);
        let form = json!({ "passkey_register": answer.to_string(), "traits": { "email": email } });

        let reply = self.runtime.block_on(self.client.submit(&self.page, form));

        let accepted = match reply.status() {
            200 => {
                let expected = Expected { challenge: &challenge, origin: UI, party: PARTY, verified: false };
                assert_eq!(verify(&answer.to_string(), &expected), Ok(()), "accepted: {answer}");
                true
            }
            400 => false,
            other => panic!("{other} for {answer}"),
        };
        // A host forgets whom it met: the same key may come again.
        let full = self.people.is_multiple_of(1_000);
        match accepted || full {
            true => *self = Self { people: self.people, ..Self::new() },
            false => self.page = reply,
        }
        accepted
    }
}

/// The client data with the challenge in its place.
fn replaced(client_data: &[u8], challenge: &[u8]) -> Vec<u8> {
    let place = PLACE.as_bytes();
    match client_data.windows(place.len()).position(|window| window == place) {
        Some(at) => [&client_data[..at], challenge, &client_data[at + place.len()..]].concat(),
        None => client_data.to_vec(),
    }
}
