//! Plays the recorded conversations against the service, in-process, and compares every answer with the recorded one.
//!
//! The format of the recordings stands in `README.md` beside this file. What differs on purpose is listed, with
//! reasons, in `differences.json`; everything else must be equal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod answer;
mod compare;
#[cfg(all(feature = "breach-http", feature = "oidc", feature = "sms", feature = "smtp"))]
mod compatibility;
mod deliberate;
mod loads;
mod messages;
mod normalise;
mod openapi;
mod peers;
mod player;
#[path = "../peers/receiver.rs"]
mod receiver;
mod run;
mod scenario;
#[path = "../peers/postgres.rs"]
mod server;
mod store;
mod variables;

use deliberate::Deliberate;
use openapi::Document;
use player::Exchange;
use run::{Run, played};
use scenario::Scenario;
use store::Store;

/// One test for each configuration, so that a failure has a name.
macro_rules! configurations {
    ($($test:ident: $name:literal,)+) => {
        /// The configurations that are played.
        const CONFIGURATIONS: &[&str] = &[$($name),+];

        $(
            #[test]
            fn $test() {
                let report = played($name).report(&Deliberate::read());

                assert!(report.is_empty(), "\n{report}");
            }
        )+
    };
}

configurations! {
    one_step: "one-step",
    two_step_password: "two-step-password",
    nested: "nested",
    no_session: "no-session",
    username: "username",
    two_identifiers: "two-identifiers",
    rich: "rich",
    phone: "phone",
    open: "open",
    multi_schema: "multi-schema",
    short: "short",
    disabled: "disabled",
    enumeration: "enumeration",
    after_urls: "after-urls",
    strict_password: "strict-password",
    cookies: "cookies",
    code_only: "code-only",
    two_step: "two-step",
    rich_two_step: "rich-two-step",
    sms: "sms",
    sms_or_email: "sms-or-email",
    hints: "hints",
    verify: "verify",
    verify_two_step: "verify-two-step",
    verify_link: "verify-link",
    sms_verify: "sms-verify",
    key_passwordless: "key-passwordless",
    key_two_step: "key-two-step",
    key_verified: "key-verified",
    oidc_pkce: "oidc-pkce",
    oidc_verified: "oidc-verified",
    oidc_hints: "oidc-hints",
    legacy_flags: "legacy-flags",
    one_step_all: "one-step-all",
    two_step_all: "two-step-all",
    hook_auth: "hook-auth",
    hook_before: "hook-before",
    hook_global: "hook-global",
    hook_ignore: "hook-ignore",
    hook_interrupt: "hook-interrupt",
    hook_parse: "hook-parse",
    hook_plain: "hook-plain",
    oauth2: "oauth2",
    oauth2_no_session: "oauth2-no-session",
    oauth2_override: "oauth2-override",
    oauth2_verify: "oauth2-verify",
}

#[test]
fn every_conversation_is_played() {
    let conversations: usize = CONFIGURATIONS.iter().map(|name| played(name).conversations.len()).sum();

    assert_eq!(conversations, 484);
}

#[test]
fn every_conversation_goes_the_same_way_on_sqlite() {
    let report = reports_on(Store::Sqlite);

    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_conversation_goes_the_same_way_on_postgres() {
    let report = reports_on(Store::Postgres);

    assert!(report.is_empty(), "\n{report}");
}

/// What differs when all configurations are played on a store.
fn reports_on(store: Store) -> String {
    let deliberate = Deliberate::read();
    CONFIGURATIONS.iter().map(|config| Run::on(store, config).report(&deliberate)).collect()
}

#[test]
fn every_listed_difference_is_seen_or_concerns_nothing_that_was_recorded() {
    let runs: Vec<&Run> = CONFIGURATIONS.iter().map(|name| played(name)).collect();

    let idle = Deliberate::read().idle(&runs);

    assert!(idle.is_empty(), "\n{}", idle.join("\n"));
}

#[test]
fn every_listed_difference_has_a_reason() {
    let rules = Deliberate::read().rules;

    assert!(rules.iter().all(|rule| rule.reason.trim().ends_with('.')), "a reason is a sentence");
}

#[test]
fn every_answer_is_one_that_the_openapi_document_describes() {
    let mut document = Document::read();
    let faults: Vec<String> = CONFIGURATIONS
        .iter()
        .flat_map(|name| &played(name).conversations)
        .flat_map(|talk| talk.exchanges.iter().map(move |exchange| (talk, exchange)))
        .filter_map(|(talk, exchange)| Some(format!("{}: {}", talk.name, document.fault(exchange)?)))
        .collect();

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn every_operation_of_the_openapi_document_is_served() {
    let (server, _) = run::serve(Store::Memory, "verify", None).await.unwrap();
    let mut document = Document::read();

    for (method, template) in document.operations() {
        let path = template.split('/').map(|part| if part.starts_with('{') { "default" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let request = http::Request::builder().method(&method).uri(&path).header("accept", "application/json");
        let answer = player::sent(&server.registration, request.body(Default::default()).unwrap()).await.unwrap();

        let kind = answer.header("content-type").unwrap_or_default();
        assert!(!kind.starts_with("text/plain"), "{method} {path} is not served: {answer:?}");
        assert_eq!(document.fault(&Exchange { method, path, answer }), None);
    }
}

#[cfg(all(feature = "breach-http", feature = "oidc", feature = "sms", feature = "smtp"))]
#[test]
fn the_page_about_compatibility_is_current() {
    let runs: Vec<&Run> = CONFIGURATIONS.iter().map(|name| played(name)).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");

    let current = compatibility::document(&runs);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, &current).unwrap();
    }

    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let other = current.lines().zip(kept.lines()).find(|(current, kept)| current != kept);
    assert!(kept == current, "run it with UPDATE=1; the first line that is not current: {other:#?}");
}

#[cfg(all(feature = "breach-http", feature = "oidc", feature = "sms", feature = "smtp"))]
#[test]
fn every_key_of_the_configurations_is_in_the_table_of_compatibility() {
    assert_eq!(compatibility::unlisted(), [""; 0]);
}

#[test]
fn every_route_is_in_the_openapi_document() {
    let (document, routes) = (Document::read(), openapi::routed());

    assert!(routes.len() > 12, "{routes:?}");
    let missing: Vec<&String> = routes.iter().filter(|path| document.template(path).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_conversation_goes_the_same_way_below_a_prefix() {
    let deliberate = Deliberate::read();
    let below = |config: &&str| Run::below(config, "http://127.0.0.1:4433/auth/").report(&deliberate);

    let report: String = CONFIGURATIONS.iter().map(below).collect();

    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_scenario_can_be_read_and_has_its_configuration_and_its_answers() {
    let scenarios = Scenario::all();

    assert_eq!(scenarios.len(), 484);
    let incomplete = |scenario: &&Scenario| {
        let files = [format!("configs/{}.json", scenario.config), format!("golden/{}.json", scenario.name)];
        files.iter().any(|file| !scenario::folder().join(file).is_file())
    };
    assert_eq!(scenarios.iter().filter(incomplete).map(|scenario| &scenario.name).next(), None);
}

#[test]
fn an_answer_that_is_not_the_recorded_one_is_reported() {
    let mut run = Run::below("cookies", "http://127.0.0.1:4433/");
    run.conversations[0].recorded[0]["status"] = 299.into();

    let report = run.report(&Deliberate::read());

    assert!(report.contains("/0/status: 299 -> 200"), "\n{report}");
}

#[test]
fn a_step_that_cannot_be_played_is_reported() {
    let mut scenario = Scenario::all().into_iter().find(|scenario| scenario.config == "cookies").unwrap();
    let spec = serde_json::json!({ "url": "https://nobody.example/" }).as_object().unwrap().clone();
    scenario.steps = vec![scenario::Step::External { spec, capture: Default::default(), see: Vec::new() }];

    let report = Run::with(Store::Memory, "cookies", None, &[scenario]).report(&Deliberate::read());

    assert!(report.contains("not played yet"), "\n{report}");
}
