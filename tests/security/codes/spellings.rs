//! N1, N2, F4, F5: spellings of an address. One canonical form, found again by itself, and the letter goes there.

use proptest::prelude::*;
use serde_json::json;
use tower_registration::methods::Code;
use tower_registration::testing::App;

use super::spelling_oracle::{Emails, Identifiers, Kind, app, is_sound, leads_to_a_fixed_point, letter_to, sign_up};
use crate::inputs::chance::block_on;
use crate::inputs::stopwatch::Stopwatch;
use crate::kept;

#[tokio::test]
async fn n1_every_letter_is_refused_or_leads_to_a_fixed_point() {
    let app = app();
    let mut client = app.native();
    // Every letter of the first planes in steps; all of them with N1_STEP=1.
    let step = super::rounds("N1_STEP", 509);
    for c in (0..=0x10_FFFF_u32).step_by(step).filter_map(char::from_u32) {
        for typed in [format!("{c}ada@example.org"), format!("a{c}da@example.org"), format!("ada@exa{c}mple.org")] {
            let Some(first) = letter_to(&app, &mut client, &typed).await else { continue };
            assert!(is_sound(&first), "{typed:?} became {first:?}");
            let again = letter_to(&app, &mut client, &first).await;
            assert!(again.as_ref().is_none_or(|again| *again == first), "{typed:?}: {first:?} became {again:?}");
        }
    }
}

#[tokio::test]
async fn n2_no_spelling_smuggles_a_separator() {
    let app = app();
    let mut client = app.native();
    let separators = ['@', '.', ',', ';', ':', '<', '>', '"', '(', ')', '\\', '/', '%', '\r', '\n', '\0', ' '];
    let disguised = (0x80..=0x10_FFFF_u32).filter_map(char::from_u32).filter(|c| {
        use unicode_normalization::UnicodeNormalization;
        c.nfkc().any(|part| separators.contains(&part))
    });
    for c in disguised {
        for typed in
            [format!("eve{c}ada@example.org"), format!("ada@example.org{c}evil.com"), format!("ada{c}example.org")]
        {
            if let Some(to) = letter_to(&app, &mut client, &typed).await {
                assert!(is_sound(&to), "{typed:?} became {to:?}");
                assert!(!to.ends_with("evil.com") || to.contains("evil.com"), "{typed:?} became {to:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f4_an_address_that_is_accepted_is_where_the_letter_goes(typed in "\\PC{0,12}@?[a-zA-Z0-9.@ üß-]{0,24}") {
        block_on(leads_to_a_fixed_point(&app(), &typed));
    }

    #[test]
    fn f5_a_user_name_has_one_form(typed in "\\PC{1,24}") {
        let name = Kind::Name.app();
        block_on(async {
            let Some(canonical) = sign_up(&name, Kind::Name, &typed).await else { return };
            assert_eq!(canonical, sign_up(&Kind::Name.app(), Kind::Name, &canonical).await.unwrap(), "{typed:?}");
            assert_eq!(sign_up(&name, Kind::Name, &canonical).await, None, "{typed:?} and {canonical:?} are one name");
        });
    }
}

#[test]
fn f4_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Emails::new();

    kept::play("email", |input| harness.play(input));
}

#[test]
fn f5_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Identifiers::new();

    kept::play("identifiers", |input| harness.play(input));
}

#[cfg(feature = "phone")]
#[tokio::test]
async fn f5_a_phone_number_has_one_form() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "phone": { "type": "string", "format": "tel", "ory.sh/kratos": {
            "credentials": { "code": { "identifier": true, "via": "sms" } } } } } } } });
    let schema = tower_registration::Schema::parse("person", &schema.to_string()).unwrap();
    let app = App::bare(|builder| builder.schema(schema).method(Code::new()).style(tower_registration::Style::Unified))
        .unwrap();
    let mut client = app.native();
    let spellings =
        ["+4915123456789", "+49 151 23456789", "+49-151-2345-6789", "+49 (151) 23456789", "+49.151.23456789"];

    for typed in spellings {
        let page = client.open().await;
        let sent = client.submit(&page, json!({ "method": "code", "traits": { "phone": typed } })).await;
        assert_eq!(sent.messages(), [1040005], "{typed}");
    }
    app.deliver().await.unwrap();

    assert!(app.mailbox().letters().iter().all(|letter| letter.to().value() == "+4915123456789"));
    assert_eq!(app.mailbox().letters().len(), spellings.len());
}

/// What is read once for all numbers is read with the schema: the first number costs about what the next one does.
#[cfg(feature = "phone")]
#[test]
fn f5_the_first_phone_number_is_judged_as_soon_as_any_other() {
    let alone = "codes::spellings::the_first_phone_number_alone";
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());

    let played = program.args(["--exact", alone, "--ignored"]).output().unwrap();

    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stdout));
}

#[cfg(feature = "phone")]
#[test]
#[ignore = "needs a process in which nobody knows a phone number yet"]
fn the_first_phone_number_alone() {
    let app = Kind::Phone.app();
    let [first, later] = ["+4915123456789", "+33612345678"].map(|number| {
        let watch = Stopwatch::start();
        assert!(block_on(sign_up(&app, Kind::Phone, number)).is_some());
        watch.elapsed()
    });

    println!("{first:?} and {later:?}");
    assert!(first < later * 4, "{first:?} and {later:?}");
}
