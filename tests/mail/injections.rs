//! M2 and F13: whatever a person types, and whatever a template makes of it, an e-mail has its headers and no others, its
//! lines end as they must, and what arrives is what was meant.

use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use tower_registration::Verification;
use tower_registration::testing::{App, Client};

use super::letter_oracle::{Harness, decoded, is_as_worded, is_sound, lines, one_line, sent};
use super::office::{VERIFY_UI, Words, by_code, by_password, courier};
use super::peer::Peer;
use crate::kept;

/// What could end a line or a header, or be taken for something that does.
const ENDS: [&str; 20] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "\n\n",
    "\r\n.\r\n",
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r\n ",
    "\r\n\t",
    "\0\r\n",
    "\u{0b}",
    "\u{0c}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    // Cut down to one byte these are line ends.
    "\u{560d}\u{560a}",
    "%0d%0a",
    "=0D=0A",
];

/// What could stand behind it. Each holds the word MALLORY.
const WHAT: [&str; 20] = [
    "Bcc: MALLORY@evil.example",
    "To: MALLORY@evil.example",
    "Cc: MALLORY@evil.example\r\nX: y",
    "Reply-To: MALLORY@evil.example",
    "From: MALLORY@evil.example",
    "Subject: MALLORY",
    "Content-Type: text/html; charset=MALLORY",
    "Content-Transfer-Encoding: MALLORY",
    "MIME-Version: MALLORY",
    "Message-ID: <MALLORY@evil.example>",
    "MALLORY: x",
    ".\r\nMAIL FROM:<MALLORY@evil.example>",
    ".\r\nRCPT TO:<MALLORY@evil.example>\r\nDATA\r\n",
    "\r\n--boundary\r\nContent-Type: text/html\r\n\r\nMALLORY",
    "=?utf-8?B?DQpCY2M6IGV2ZUBldmls?= MALLORY",
    "<script>MALLORY</script>",
    "<a href=\"http://evil.example/MALLORY\">x</a>",
    "http://evil.example/MALLORY",
    "{{ MALLORY }} ${MALLORY} %MALLORY%",
    "\u{202e}MALLORY\u{feff}",
];

fn injections() -> Vec<String> {
    ENDS.iter().flat_map(|end| WHAT.iter().map(move |what| format!("Ada{end}{what}"))).collect()
}

/// What each way of asking for a letter does with the words of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Template {
    RegistrationCode,
    VerificationCode,
    VerificationLink,
    UnknownAddressCode,
    UnknownAddressLink,
}

impl Template {
    const ALL: [Self; 5] = [
        Self::RegistrationCode,
        Self::VerificationCode,
        Self::VerificationLink,
        Self::UnknownAddressCode,
        Self::UnknownAddressLink,
    ];

    fn app(self, peer: &Peer) -> App {
        let courier = courier(peer).build().unwrap();
        let verification = match self {
            Self::RegistrationCode => return by_code(courier, |builder| builder),
            Self::VerificationCode | Self::UnknownAddressCode => Verification::by_code(VERIFY_UI),
            Self::VerificationLink | Self::UnknownAddressLink => Verification::by_link(VERIFY_UI),
        };
        by_password(courier, "email", verification.tell_unknown(true))
    }

    /// Causes one letter, with an injection wherever a person can type.
    async fn ask(self, client: &mut Client, n: usize, injection: &str) {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("x", injection).finish();
        let email = format!("ada{n}@example.org");
        let traits = json!({ "email": email, "name": injection });
        let more = json!({ "x": injection, injection: "x" });
        match self {
            Self::RegistrationCode => {
                let page = client.open_with(&query).await;
                let answer = json!({ "method": "code", "traits": traits, "transient_payload": more });
                assert_eq!(client.submit(&page, answer).await.messages(), [1_040_005], "{injection:?}");
            }
            Self::VerificationCode | Self::VerificationLink => {
                let page = client.open_with(&query).await;
                let mut answer = json!({ "method": "password", "password": "correct horse", "traits": traits });
                answer["transient_payload"] = more;
                let answer = client.submit(&page, answer).await;
                assert_eq!(answer.status(), 200, "{injection:?} {}", answer.json());
            }
            Self::UnknownAddressCode | Self::UnknownAddressLink => {
                let page = client.open_verification(&query).await;
                let method = if self == Self::UnknownAddressCode { "code" } else { "link" };
                let answer = json!({ "method": method, "email": email, "transient_payload": more });
                let answer = client.submit_verification(&page, answer).await;
                assert_eq!(answer.at("/state"), "sent_email", "{injection:?} {}", answer.json());
            }
        }
    }
}

#[tokio::test]
async fn m2_the_built_in_templates_carry_no_word_of_a_person() {
    let injections = injections();
    assert_eq!(injections.len(), 400);
    for template in Template::ALL {
        let peer = Peer::plain().await;
        let app = template.app(&peer);
        let mut client = app.native();
        for (n, injection) in injections.iter().enumerate() {
            template.ask(&mut client, n, injection).await;
        }

        assert_eq!(app.deliver().await.unwrap().delivered, 400, "{template:?}");

        let received = peer.received();
        assert_eq!(received.len(), 400);
        for letter in &received {
            is_sound(letter);
            let email = letter.email();
            let all = format!("{}{:?}{:?}", String::from_utf8_lossy(&letter.bytes()), email.text, email.html);
            assert!(!all.contains("MALLORY") && !all.contains("evil"), "{template:?} {all}");
        }
    }
}

#[tokio::test]
async fn m2_a_hosts_templates_can_repeat_anything_and_it_stays_in_its_place() {
    let (peer, words) = (Peer::plain().await, Words::default());
    let templates = words.clone();
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder.templates(templates));

    for (n, injection) in injections().iter().enumerate() {
        let html = (n % 2 == 0).then_some(injection.as_str());
        let received = sent(&app, &peer, n, (&words, injection, injection, html)).await;

        is_sound(&received);
        let email = received.email();
        assert_eq!(decoded(email.header("Subject")), one_line(injection));
        assert_eq!((email.text, email.html), (lines(injection), html.map(lines)));
    }
}

/// Random words, with more line ends and dots than chance would give.
fn texts() -> impl Strategy<Value = String> {
    let piece = proptest::prop_oneof![
        3 => any::<String>(),
        2 => "[\r\n.]{1,6}",
        1 => "[ \t]{0,4}\r?\n\\.{0,3}",
        1 => "\\PC{60,200}",
        1 => "[=?_]{1,6}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// `FULL=1` plays 20,000 cases, `SEED=…` those of another run.
#[tokio::test]
async fn f13_what_arrives_is_what_was_worded() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().1);
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let cases = (texts(), texts(), proptest::option::of(texts()));
    let (peer, words) = (Peer::plain().await, Words::default());
    let templates = words.clone();
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder.templates(templates));

    for n in 0..super::size(20_000, 400) {
        let (subject, text, html) = cases.new_tree(&mut runner).unwrap().current();
        println!("SEED={seed} case {n}: {subject:?} {text:?} {html:?}");
        let received = sent(&app, &peer, n, (&words, &subject, &text, html.as_deref())).await;

        is_as_worded(&received, &text, html.as_deref());
    }
}

#[test]
fn f13_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Harness::new();

    kept::play("letters", |input| harness.play(input));
}
