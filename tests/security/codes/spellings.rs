//! N1, N2, F4, F5: spellings of an address. One canonical form, found again by itself, and the letter goes there.

use proptest::prelude::*;
use serde_json::json;
use tower_registration::methods::Code;
use tower_registration::testing::{App, Client};

use super::by_code;

/// What a submission for this address came to: the address that the letter goes to.
async fn letter_to(app: &App, client: &mut Client, typed: &str) -> Option<String> {
    let page = client.open().await;
    let sent = client.submit(&page, by_code(typed)).await;
    assert!([1040005, 4000040, 4000001, 4000003, 4000017, 4000002, 0].contains(
        &sent.messages().first().copied().or(sent.messages_at("traits.email").first().copied()).unwrap_or_default()
    ));
    app.deliver().await.unwrap();
    let letters = app.mailbox().take();
    assert!(letters.len() <= 1);
    letters.first().map(|letter| letter.to().value().to_owned())
}

/// What every accepted address must be.
fn is_sound(address: &str) -> bool {
    let quoted = address.starts_with('"');
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || (!quoted && ",;<>()".contains(c));
    !address.is_empty()
        && address.len() <= 254
        && (quoted || address.matches('@').count() == 1)
        && !address.chars().any(forbidden)
}

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

fn app() -> App {
    // Every address is another one, and each gets one letter.
    App::with(|builder| builder.method(Code::new())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f4_an_address_that_is_accepted_is_where_the_letter_goes(typed in "\\PC{0,12}@?[a-zA-Z0-9.@ üß-]{0,24}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = app();
            let mut client = app.native();
            let Some(to) = letter_to(&app, &mut client, &typed).await else { return Ok(()) };
            prop_assert!(is_sound(&to), "{typed:?} became {to:?}");
            let again = letter_to(&app, &mut client, &to).await;
            prop_assert_eq!(again, Some(to));
            Ok(())
        })?;
    }

    #[test]
    fn f5_a_user_name_has_one_form(typed in "\\PC{1,24}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
                "name": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } }
            } } } });
            let schema = tower_registration::Schema::parse("person", &schema.to_string()).unwrap();
            let app = App::bare(|builder| {
                let password = tower_registration::methods::Password::new().allow_similar();
                builder.schema(schema).method(password).style(tower_registration::Style::Unified)
            })
            .unwrap();
            let name = |name: &str| json!({ "method": "password", "password": "correct horse", "traits": { "name": name } });
            let mut client = app.native();
            let page = client.open().await;
            let first = client.submit(&page, name(&typed)).await;
            if first.status() != 200 {
                return Ok(());
            }
            let id = app.identities()[0].id();
            let canonical = app.memory().credentials(id)[0].identifiers()[0].clone();
            let page = client.open().await;
            let second = client.submit(&page, name(&canonical)).await;
            prop_assert_eq!(second.messages(), vec![4000007], "{:?} and {:?} are one name", typed, canonical);
            Ok(())
        })?;
    }
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
