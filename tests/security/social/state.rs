//! O3 and O4: mixing up providers, and states replayed, forged, late, or used by another browser, flow or application.

use http::Method;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::Secret;
use tower_registration::host::{Kind, Put, Record, Storage};
use tower_registration::methods::Oidc;
use tower_registration::testing::{App, IdentityProvider, Reply};

use super::{
    ISSUER, WELCOME, app, begin, entry, error_of, leave, nobody, parameter, plain_app, provider, reason, with_parameter,
};

const COOKIE: &str = "ory_kratos_continuity";
const NOBODY_LEFT: &str = "The browser does not contain the necessary cookie to resume the session.";

fn two_providers() -> (IdentityProvider, App) {
    let provider = provider();
    let method = Oidc::new(provider.clone()).provider(entry("local", ISSUER)).provider(entry("other", ISSUER));
    (provider, app(method))
}

#[tokio::test]
async fn o3_the_answer_of_one_provider_is_not_taken_for_anothers() {
    let (provider, app) = two_providers();
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;

    let mixed = ada.follow(&back.replace("/callback/local", "/callback/other")).await;
    let unknown = ada.follow(&back.replace("/callback/local", "/callback/nobody")).await;
    let encoded = ada.follow(&back.replace("/callback/local", "/callback/loc%61l")).await;

    assert!(reason(&error_of(&app, &mixed).await).contains("provider mismatch"));
    assert!(reason(&error_of(&app, &unknown).await).contains("provider mismatch"));
    assert_eq!(encoded.location(), WELCOME, "the same name, written in another way");
}

#[tokio::test]
async fn o3_a_code_of_another_provider_or_client_is_worth_nothing() {
    let (provider, app) = two_providers();
    let (mut ada, mut eve) = (app.browser(), app.browser());
    let own = begin(&mut ada, &provider, "local").await;
    let others = begin(&mut eve, &provider, "other").await;

    let done = ada.follow(&with_parameter(&own, "code", &parameter(&others, "code"))).await;

    assert_eq!(error_of(&app, &done).await["code"], 500);
    assert!(nobody(&app));
}

#[tokio::test]
async fn o3_a_provider_that_says_who_it_is_is_the_one_that_was_left_for() {
    for (issuer, came) in [(ISSUER, true), ("https://evil.example.org", false), ("https://id.example.org/", false)] {
        let provider = provider();
        let app = plain_app(&provider);
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;

        let done = ada.follow(&with_parameter(&back, "iss", issuer)).await;

        assert_eq!(done.location() == WELCOME, came, "{issuer}");
        assert_eq!(nobody(&app), !came, "{issuer}");
    }
}

#[tokio::test]
async fn o4_a_state_works_once() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let mut copy = ada.clone();

    let first = ada.follow(&back).await;
    let signed_in = ada.follow(&back).await;
    let replayed = copy.follow(&back).await;

    assert_eq!(first.location(), WELCOME);
    assert_eq!(signed_in.location(), WELCOME, "whoever is signed in is led on");
    assert!(reason(&error_of(&app, &replayed).await).starts_with(NOBODY_LEFT));
    assert_eq!((app.identities().len(), app.memory().count(Kind::Session)), (1, 1));
}

#[tokio::test]
async fn o4_a_state_is_used_up_by_a_return_that_fails() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;

    let failed = ada.follow(&with_parameter(&back, "code", "guessed")).await;
    let second = ada.follow(&back).await;

    assert_eq!(error_of(&app, &failed).await["code"], 500);
    assert!(reason(&error_of(&app, &second).await).starts_with(NOBODY_LEFT));
    assert!(nobody(&app));
}

#[tokio::test]
async fn o4_of_two_returns_at_once_one_succeeds() {
    for _ in 0..50 {
        let provider = provider();
        let app = plain_app(&provider);
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;
        let mut twin = ada.clone();

        let (one, other) = tokio::join!(ada.follow(&back), twin.follow(&back));

        let came = [&one, &other].iter().filter(|reply| reply.location() == WELCOME).count();
        assert_eq!((came, app.identities().len(), app.memory().count(Kind::Session)), (1, 1, 1));
    }
}

#[tokio::test]
async fn o4_another_browser_cannot_come_back() {
    let provider = provider();
    let app = plain_app(&provider);
    let (mut eve, mut victim) = (app.browser(), app.browser());
    let back = begin(&mut eve, &provider, "local").await;
    let _ = begin(&mut victim, &provider, "local").await;

    // The attacker's own journey, finished in the browser of the victim.
    let forced = victim.follow(&back).await;
    let bare = app.browser().follow(&back).await;

    assert!(reason(&error_of(&app, &forced).await).starts_with(NOBODY_LEFT));
    assert!(reason(&error_of(&app, &bare).await).starts_with(NOBODY_LEFT));
    assert!(nobody(&app));
    assert_eq!(eve.follow(&back).await.location(), WELCOME, "the attempt has used nothing up");
}

#[tokio::test]
async fn o4_a_cookie_that_is_missing_wrong_or_doubled_is_none() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let right = ada.cookies()[COOKIE].clone();
    for wrong in
        [String::new(), "AAAA".to_owned(), "%".to_owned(), right[1..].to_owned(), format!("{right}; {COOKIE}={right}")]
    {
        let mut other = ada.clone();
        other.cookies().insert(COOKIE.to_owned(), wrong.clone());

        let refused = other.follow(&back).await;

        assert!(reason(&error_of(&app, &refused).await).starts_with(NOBODY_LEFT), "{wrong}");
    }
    assert_eq!(ada.follow(&back).await.location(), WELCOME);
}

#[tokio::test]
async fn o4_a_state_ends_with_its_journey_and_with_its_flow() {
    let provider = provider();
    let app = plain_app(&provider);
    let (mut slow, mut slower) = (app.browser(), app.browser());
    let back = begin(&mut slow, &provider, "local").await;
    let later = begin(&mut slower, &provider, "local").await;

    app.clock().advance(Duration::minutes(30));
    let late = slow.follow(&back).await;
    app.clock().advance(Duration::minutes(30));
    let gone = slower.follow(&later).await;

    assert!(reason(&error_of(&app, &late).await).starts_with(NOBODY_LEFT));
    assert!(matches!(error_of(&app, &gone).await["code"].as_u64(), Some(400 | 410)));
    assert!(nobody(&app));
}

#[tokio::test]
async fn o4_a_later_departure_takes_the_place_of_an_earlier_one() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let page = ada.open().await;
    let first = leave(&mut ada, &page, "local").await;
    let early = ada.cookies()[COOKIE].clone();
    let second = leave(&mut ada, &page, "local").await;
    let mut old = ada.clone();
    old.cookies().insert(COOKIE.to_owned(), early);

    let with_old_cookie = old.follow(&provider.sign_in(&first)).await;
    let with_new_cookie = ada.clone().follow(&provider.sign_in(&first)).await;
    let done = ada.follow(&provider.sign_in(&second)).await;

    assert!(reason(&error_of(&app, &with_old_cookie).await).starts_with(NOBODY_LEFT));
    assert!(
        reason(&error_of(&app, &with_new_cookie).await)
            .contains("does not match the state parameter from the session cookie")
    );
    assert_eq!(done.location(), WELCOME);
}

#[tokio::test]
async fn o4_looking_ahead_uses_nothing_up() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let path = back.strip_prefix("https://app.example.org/auth").unwrap();

    for verb in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
        assert_eq!(ada.send(verb, path, None, "*/*").await.status(), 405);
    }
    assert_eq!(ada.follow(&back).await.location(), WELCOME);
}

#[tokio::test]
async fn o4_a_state_of_another_service_or_an_old_secret() {
    let provider = provider();
    let build = |secrets: &[u8]| {
        let method = Oidc::new(provider.clone()).provider(entry("local", ISSUER));
        let secrets: Vec<Secret> = secrets.iter().map(|byte| Secret::new([*byte; 40]).unwrap()).collect();
        App::with(|builder| secrets.into_iter().fold(builder.method(method), |builder, secret| builder.secret(secret)))
            .unwrap()
    };
    let (one, other) = (build(&[1]), build(&[2]));
    let mut ada = one.browser();
    let back = begin(&mut ada, &provider, "local").await;

    let refused = other.browser().follow(&back).await;

    assert!(reason(&error_of(&other, &refused).await).contains("the state parameter is invalid"));
    assert_eq!(ada.follow(&back).await.location(), WELCOME);
}

#[tokio::test]
async fn o4_an_application_is_bound_to_its_own_pair() {
    let provider = provider();
    let app = plain_app(&provider);
    let begin_native = async |query: &str| {
        let mut native = app.native();
        let page = native.open_with(query).await;
        let to = leave(&mut native, &page, "local").await;
        (page, provider.sign_in(&to))
    };
    let wants = "return_session_token_exchange_code=true&return_to=myapp://callback";
    let (victims, back) = begin_native(wants).await;
    let (attackers, _) = begin_native(wants).await;
    let (_, without) = begin_native("return_to=myapp://callback").await;
    let init = |page: &Reply| page.at("/session_token_exchange_code").as_str().unwrap().to_owned();

    let done = app.browser().follow(&back).await;
    let code = done.location_parameter("code").unwrap();
    let refused = app.browser().follow(&without).await;
    let exchange = |init: String| format!("/sessions/token-exchange?init_code={init}&return_to_code={code}");
    let stolen = app.native().get_json(&exchange(init(&attackers))).await;
    let own = app.native().get_json(&exchange(init(&victims))).await;

    assert!(reason(&error_of(&app, &refused).await).starts_with(NOBODY_LEFT), "nobody could fetch what comes of it");
    assert_eq!((stolen.status(), own.status()), (404, 200));
    assert_eq!(app.memory().count(Kind::Session), 1);
}

#[tokio::test]
async fn o4_a_flow_that_has_another_pair_by_now_is_not_come_back_to() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut native = app.native();
    let page = native.open_with("return_session_token_exchange_code=true&return_to=myapp://callback").await;
    let to = leave(&mut native, &page, "local").await;
    // Somebody who writes into the storage gives the flow a pair of their own.
    let record = app.memory().all_records(Kind::Flow).remove(0);
    let mut body: Value = serde_json::from_slice(record.body()).unwrap();
    body["x"] = uuid::Uuid::new_v4().to_string().into();
    let (was, body) = (record.version(), body.to_string().into_bytes());
    let other = Record::new(Kind::Flow, record.id(), was + 1, record.expires_at(), body);
    assert_eq!(app.memory().put(&other, Some(was)).await.unwrap(), Put::Stored);

    let refused = app.browser().follow(&provider.sign_in(&to)).await;

    assert!(reason(&error_of(&app, &refused).await).contains("does not match the state parameter from the code"));
    assert!(nobody(&app));
}

#[tokio::test]
async fn o4_a_pair_is_exchanged_once_even_at_once() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut native = app.native();
    let page = native.open_with("return_session_token_exchange_code=true&return_to=myapp://callback").await;
    let to = leave(&mut native, &page, "local").await;
    let done = app.browser().follow(&provider.sign_in(&to)).await;
    let (init, code) = (page.at("/session_token_exchange_code"), done.location_parameter("code").unwrap());
    let path = format!("/sessions/token-exchange?init_code={}&return_to_code={code}", init.as_str().unwrap());
    let mut twin = native.clone();

    let (one, other) = tokio::join!(native.get_json(&path), twin.get_json(&path));

    let mut both = [one.status(), other.status()];
    both.sort_unstable();
    assert_eq!((both, app.memory().count(Kind::Session)), ([200, 404], 1));
}

#[tokio::test]
async fn o4_a_start_that_another_page_forces_is_refused() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let page = ada.open().await;

    let without = ada.submit(&page, json!({ "provider": "local", "csrf_token": "" })).await;
    let mut foreign = ada.clone().with_header("origin", "https://evil.example.org");
    let foreign = foreign.submit(&page, json!({ "provider": "local" })).await;
    let by_link = ada.get(&format!("/self-service/registration?flow={}&provider=local", page.flow_id().unwrap())).await;

    for refused in [without, foreign, by_link] {
        assert!(!refused.location().starts_with(ISSUER), "{refused:?}");
    }
    assert!(provider.asked().is_empty());
}
