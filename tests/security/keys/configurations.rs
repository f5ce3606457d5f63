//! G5 for keys: what no browser would make a key for is not built; what is probably not meant is told.

use time::Duration;
use tower_registration::methods::{Passkey, RelyingParty, SecurityKey};
use tower_registration::testing::{App, UI};
use tower_registration::{BuildError, Schema};

use super::{PARTY, party};

fn built(party: RelyingParty) -> Result<App, BuildError> {
    App::with(|builder| builder.method(Passkey::new(party)))
}

fn refusal(party: RelyingParty) -> String {
    built(party).err().map(|error| error.to_string()).unwrap_or_default()
}

fn warnings(party: RelyingParty) -> Vec<String> {
    built(party).unwrap().registration().warnings().to_vec()
}

#[test]
fn a_party_that_no_browser_knows_is_refused_with_advice() {
    let named = |id: &str| RelyingParty::new(id, "Example");
    let cases = [
        (named("127.0.0.1"), "use a domain"),
        (named("[::1]"), "use a domain"),
        (named("https://app.example.org"), "without scheme"),
        (named("app.example.org:443"), "without scheme"),
        (named("app.example.org/x"), "without scheme"),
        (named("App.example.org"), "lower case"),
        (named(""), "no domain"),
        (named("org"), "no domain"),
        (named("bücher.example"), "no domain"),
        (RelyingParty::new(PARTY, " "), "has no name"),
        (named(PARTY).origin("http://app.example.org"), "use https"),
        (named(PARTY).origin("http://127.0.0.1:3000"), "use https"),
        (named(PARTY).origin("https://example.org"), "its host"),
        (named(PARTY).origin("https://evilapp.example.org"), "its host"),
        (named(PARTY).origin("https://app.example.org.evil.example.net"), "its host"),
        (named(PARTY).origin("https://localhost"), "its host"),
        (named(PARTY).origin("app.example.org"), "no origin"),
        (named(PARTY).origin("https://ada@app.example.org"), "no origin"),
        (named(PARTY).origin(""), "no origin"),
        (named(PARTY).origin("android:apk-key-hash:"), "SHA-256"),
        (named(PARTY).origin("android:apk-key-hash:short"), "SHA-256"),
        (party().embedder("http://portal.example.net"), "no https origin"),
        (party().embedder("portal"), "no https origin"),
    ];
    for (party, advice) in cases {
        let shown = format!("{party:?}");

        let why = refusal(party);

        assert!(why.contains("method `passkey`") && why.contains(advice), "{shown}: {why}");
    }
}

#[test]
fn a_party_that_browsers_know_is_accepted() {
    let good = [
        party(),
        RelyingParty::new(PARTY, "Example"),
        RelyingParty::new("example.org", "Example").origin(UI).origin("https://example.org:8443/"),
        RelyingParty::new("xn--bcher-kva.example", "Example").origin("https://xn--bcher-kva.example"),
        party().origin("android:apk-key-hash:0FMlJ8wsaNwXi6jgNPjXCEyKMbN9W0I5rhRk2Uq_vzc"),
        RelyingParty::new("localhost", "Example").origin("http://localhost:3000"),
        RelyingParty::new("app.localhost", "Example").origin("http://app.localhost:3000"),
        party().embedder("https://portal.example.net"),
    ];
    for party in good {
        assert_eq!(refusal(party), "");
    }
}

#[test]
fn a_time_that_no_browser_keeps_is_refused() {
    for timeout in [Duration::ZERO, Duration::milliseconds(999), Duration::hours(2), -Duration::MINUTE] {
        let passkey = App::with(|builder| builder.method(Passkey::new(party()).timeout(timeout)));
        let key = App::with(|builder| builder.method(SecurityKey::new(party()).timeout(timeout)));

        assert!(passkey.unwrap_err().to_string().contains("`.timeout(…)`"), "{timeout}");
        assert!(key.unwrap_err().to_string().contains("`.timeout(…)`"), "{timeout}");
    }
}

#[test]
fn a_registration_page_whose_keys_are_not_accepted_is_told() {
    let elsewhere = RelyingParty::new("example.org", "Example").origin("https://www.example.org");

    assert!(!warnings(party()).iter().any(|warning| warning.contains(".origin(")));
    assert!(warnings(elsewhere).iter().any(|warning| warning.contains(&format!(".origin(\"{UI}\")"))));
}

#[test]
fn a_schema_without_a_name_for_keys_is_told() {
    let text = r#"{"type":"object","properties":{"traits":{"type":"object","properties":{
        "email":{"type":"string","title":"E-Mail"}}}}}"#;
    let schema = || Schema::parse("person", text).unwrap();

    let app =
        App::bare(|builder| builder.schema(schema()).method(Passkey::new(party())).method(SecurityKey::new(party())));

    let warnings = app.unwrap().registration().warnings().to_vec();
    assert!(warnings.iter().any(|warning| warning.starts_with("method `passkey`") && warning.contains("display_name")));
    assert!(warnings.iter().any(|warning| warning.starts_with("method `webauthn`") && warning.contains("identifier")));
}
