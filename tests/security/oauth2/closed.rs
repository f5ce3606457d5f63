//! C6, for the OAuth2 server: while it is away nobody begins, is shown, or is led on by a challenge; and where it leads is
//! followed only to a page of the web.

use serde_json::{Value, json};
use tower_registration::Verification;
use tower_registration::host::Kind;
use tower_registration::testing::{ClientKind, UI};

use super::{Mood, Scripted, app, sign_up};

const CHALLENGED: &str = "login_challenge=c";

#[tokio::test]
async fn c6_while_it_is_away_or_refuses_nobody_begins_and_nobody_is_led_on() {
    for (mood, refused) in [(Mood::Away, 500), (Mood::Refuses, 400)] {
        let server = Scripted::new();
        let app = app(&server, |builder| builder);
        let mut ada = app.spa();
        let page = ada.open_with(CHALLENGED).await;
        let stored = app.memory().count(Kind::Flow);
        server.is(mood);

        let begun = app.spa().open_with(CHALLENGED).await;
        let shown = ada.show(&page.flow_id().unwrap()).await;
        let mistaken = ada.submit(&page, json!({ "method": "password", "password": "x" })).await;
        let settled = ada.submit(&page, sign_up("ada@example.org")).await;
        let signed_in = ada.get_json(&format!("/self-service/registration/browser?{CHALLENGED}")).await;

        let statuses = [&begun, &shown, &mistaken, &settled, &signed_in].map(|reply| reply.status());
        assert_eq!(statuses, [refused, refused, refused, 500, refused], "{mood:?}");
        assert_eq!(app.memory().count(Kind::Flow), stored, "{mood:?}: no flow was begun");
        assert!(server.accepted().is_empty());
        for reply in [begun, shown, mistaken, settled, signed_in] {
            let text = reply.json().to_string();
            assert!(!text.contains("canary") && !text.contains("hydra.internal"), "{mood:?}: {text}");
            assert!(!text.contains("id.example.org"), "{mood:?}: {text}");
        }
    }
}

#[tokio::test]
async fn c6_whoever_comes_without_a_challenge_does_not_notice() {
    let server = Scripted::new();
    let app = app(&server, |builder| builder);
    server.is(Mood::Away);
    for kind in [ClientKind::Browser, ClientKind::Spa, ClientKind::Native] {
        let mut client = app.client(kind);
        let page = client.open().await;
        let done = client.submit(&page, sign_up(&format!("{kind:?}@example.org"))).await;

        assert!(matches!(done.status(), 200 | 303) && !done.location().contains("sorry"), "{kind:?} {done:?}");
    }
}

#[tokio::test]
async fn c6_a_proof_counts_and_nobody_is_led_on_while_the_server_is_away() {
    let server = Scripted::new();
    let verification = Verification::by_code(format!("{UI}/verify"));
    let after = tower_registration::After::new().show_verification_ui(true);
    let app = app(&server, |builder| builder.verification(verification).after(after));
    let mut ada = app.spa();
    let page = ada.open_with(CHALLENGED).await;
    let done = ada.submit(&page, sign_up("ada@example.org")).await;
    let page = ada.verification_page(done).await;
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code("ada@example.org").unwrap();
    server.is(Mood::Away);

    let proved = ada.submit_verification(&page, json!({ "method": "code", "code": code })).await;
    server.is(Mood::Willing);
    let again = ada.submit_verification(&page, json!({ "method": "code", "code": code })).await;

    assert_eq!((proved.status(), again.status()), (500, 410), "{}", again.json());
    assert!(ada.whoami().await.is_some() && server.accepted().is_empty());
}

#[tokio::test]
async fn u1_where_the_server_leads_is_a_page_of_the_web_or_nowhere() {
    for wrong in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "blob:https://x/1", "/relative", ""]
    {
        for mood in [Mood::Willing, Mood::Knows] {
            let server = Scripted::new();
            let app = app(&server, |builder| builder);
            let mut ada = app.browser();
            let page = ada.open_with(if mood == Mood::Willing { CHALLENGED } else { "" }).await;
            if mood == Mood::Knows {
                let _ = ada.submit(&page, sign_up("ada@example.org")).await;
            }
            server.leads_to(wrong);
            server.is(mood);

            let led = match mood {
                Mood::Willing => ada.submit(&page, sign_up("ada@example.org")).await,
                _ => ada.get(&format!("/self-service/registration/browser?{CHALLENGED}")).await,
            };

            assert!(led.location().starts_with(&format!("{UI}/sorry?id=")), "{wrong}: {}", led.location());
        }
    }
    let server = Scripted::new();
    let app = app(&server, |builder| builder);
    server.leads_to("https://id.example.org/\r\nSet-Cookie: a=b?login_verifier=ü");
    let mut ada = app.browser();
    let page = ada.open_with(CHALLENGED).await;
    let led = ada.submit(&page, sign_up("ada@example.org")).await;
    assert!(led.location().is_ascii() && !led.headers().iter().any(|(_, value)| value == "a=b"), "{led:?}");
}

#[tokio::test]
async fn s1_a_flow_that_is_spent_tells_nobody_again_and_two_at_once_tell_once() {
    let server = Scripted::new();
    let app = app(&server, |builder| builder);
    let ada = app.browser();
    let (mut first, mut second) = (ada.clone(), ada);
    let page = first.open_with(CHALLENGED).await;
    *second.cookies() = first.cookies().clone();
    let mut late = first.clone();

    let _ =
        tokio::join!(first.submit(&page, sign_up("ada@example.org")), second.submit(&page, sign_up("ada@example.org")));
    let replayed = late.submit(&page, sign_up("ada@example.org")).await;

    assert_eq!((app.identities().len(), server.accepted().len()), (1, 1));
    assert_eq!(replayed.status(), 302, "the identifier is taken");
    let (challenge, login) = server.accepted().remove(0);
    assert_eq!((challenge.as_str(), login.subject), ("c", app.identities()[0].id()));
    assert_eq!((login.remember, login.remember_for), (true, time::Duration::hours(24)));
}

#[tokio::test]
async fn a_challenge_beside_a_submission_changes_no_flow() {
    let server = Scripted::new();
    let app = app(&server, |builder| builder);
    let mut ada = app.spa();
    let page = ada.open_with("login_challenge=own").await;
    let mut form = sign_up("ada@example.org");
    form["csrf_token"] = page.value_of("csrf_token");
    form["login_challenge"] = "eve".into();
    form["oauth2_login_challenge"] = Value::from("eve");

    let path = format!("/self-service/registration?flow={}&login_challenge=eve", page.flow_id().unwrap());
    let done = ada.post_json(&path, &form).await;

    assert_eq!(done.status(), 200, "{}", done.json());
    assert_eq!(server.accepted().iter().map(|(challenge, _)| challenge.as_str()).collect::<Vec<_>>(), ["own"]);
}

#[tokio::test]
async fn c5_whoever_goes_away_while_the_server_is_told_is_registered_as_a_whole() {
    let server = Scripted::new();
    let app = app(&server, |builder| builder);
    let mut ada = app.browser();
    let page = ada.open_with(CHALLENGED).await;
    server.is(Mood::Hangs);

    let waits = ada.submit(&page, sign_up("ada@example.org"));
    let left = tokio::time::timeout(std::time::Duration::from_secs(2), waits).await;
    server.is(Mood::Willing);
    let again = ada.submit(&page, sign_up("ada@example.org")).await;
    let shown = ada.page(again).await;

    assert!(left.is_err() && server.accepted().is_empty());
    assert_eq!((app.identities().len(), app.memory().count(Kind::Session)), (1, 1));
    assert_eq!(shown.messages(), [4000007], "the identifier is taken, and the flow is spent");
}
