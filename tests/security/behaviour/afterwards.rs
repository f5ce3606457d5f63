//! S1, what the table of [`replay_table`](super::replay_table) has no row for: showing a flow at its end, who is signed
//! in by then, and what a replacement tells a stranger.

use http::Method as Verb;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::testing::{Client, ClientKind, Reply};

use super::site::{PASSWORD, Site, sign_up};

const ADA: &str = "ada@example.org";

/// A client before and after it signed up, and the page in between.
async fn signed_up(site: &Site, kind: ClientKind) -> (Client, Client, Reply) {
    let mut client = site.client(kind);
    let page = client.open().await;
    let before = client.clone();
    let done = client.submit(&page, sign_up(ADA)).await;
    assert!(matches!(done.status(), 200 | 303), "{done:?}");
    (before, client, page)
}

async fn shown(client: &mut Client, page: &Reply) -> u16 {
    client.show(&page.flow_id().unwrap()).await.status()
}

#[tokio::test]
async fn s1_a_finished_flow_is_shown_to_the_browser_it_was_begun_by() {
    let site = Site::new();
    let (mut before, _, page) = signed_up(&site, ClientKind::Browser).await;
    let (mut native, _, api) = signed_up(&Site::new(), ClientKind::Native).await;

    assert_eq!(shown(&mut before, &page).await, 200);
    assert_eq!(shown(&mut site.browser(), &page).await, 403);
    assert_eq!(shown(&mut native, &api).await, 200);
}

#[tokio::test]
async fn s1_an_expired_flow_says_where_a_new_one_is_begun() {
    let site = Site::new();
    let (mut before, _, page) = signed_up(&site, ClientKind::Browser).await;
    site.clock.advance(Duration::minutes(60));

    let gone = before.show(&page.flow_id().unwrap()).await;

    assert_eq!((gone.status(), gone.at("/error/id")), (410, json!("self_service_flow_expired")));
    assert_eq!(shown(&mut site.browser(), &page).await, 403);
}

#[tokio::test]
async fn s1_somebody_who_is_signed_in_is_sent_away_from_every_flow() {
    let site = Site::new();
    let (_, mut browser, page) = signed_up(&site, ClientKind::Browser).await;
    let before = site.rows();

    let led = browser.submit(&page, sign_up("other@example.org")).await;
    let told = browser
        .post_json(&format!("/self-service/registration?flow={}", page.flow_id().unwrap()), &sign_up("o@example.org"))
        .await;

    assert_eq!((led.status(), led.location()), (302, "https://app.example.org/welcome"));
    assert_eq!((told.status(), told.at("/error/id")), (400, json!("session_already_available")));
    assert_eq!(site.rows(), before);
}

#[tokio::test]
async fn s1_the_new_cookie_of_somebody_who_signed_out_does_not_open_the_old_flow() {
    let site = Site::new();
    let (_, mut spa, page) = signed_up(&site, ClientKind::Spa).await;
    spa.cookies().remove("ory_kratos_session").unwrap();
    let before = site.rows();

    let answer = spa.submit(&page, sign_up(ADA)).await;

    assert_eq!((answer.status(), answer.at("/error/id")), (403, json!("security_csrf_violation")));
    assert_eq!(shown(&mut spa, &page).await, 403);
    assert_eq!(site.rows(), before);
}

#[tokio::test]
async fn s1_head_submits_nothing_to_a_flow_at_its_end() {
    let site = Site::new();
    let (mut before, _, page) = signed_up(&site, ClientKind::Spa).await;
    let rows = site.rows();
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());

    let answer = before.send(Verb::HEAD, &path, None, "application/json").await;

    assert_eq!((answer.status(), answer.body().len()), (400, 0));
    assert_eq!(site.rows(), rows);
}

#[tokio::test]
async fn s1_a_flow_at_its_end_answers_the_same_when_it_is_asked_again() {
    let site = Site::new();
    let (mut before, _, page) = signed_up(&site, ClientKind::Native).await;
    let rows = site.rows();

    let first = before.submit(&page, sign_up(ADA)).await;
    let second = before.submit(&page, sign_up(ADA)).await;

    assert_eq!((first.status(), first.messages()), (400, vec![4000007]));
    assert_eq!((second.status(), second.json()), (400, first.json()));
    assert_eq!(site.rows(), rows);
}

#[tokio::test]
async fn s1_the_replacement_of_an_expired_flow_is_finished_like_any_other() {
    let site = Site::new();
    let mut spa = site.spa();
    let page = spa.open().await;
    site.clock.advance(Duration::minutes(61));
    let gone = spa.submit(&page, sign_up(ADA)).await;

    let new = spa.show(gone.at("/use_flow_id").as_str().unwrap()).await;
    let done = spa.submit(&new, sign_up(ADA)).await;

    assert_eq!((new.value_of("traits.email"), new.value_of("password")), (json!(ADA), Value::Null));
    assert_eq!(done.status(), 200, "{done:?}");
    assert_eq!((site.rows().identities, site.rows().hashes), (1, 1));
}

/// Types an address that is refused, so that the flow keeps it.
async fn typed(client: &mut Client) -> Reply {
    let page = client.open().await;
    let answer = json!({ "method": "password", "password": "short", "traits": { "email": ADA } });
    let refused = client.submit(&page, answer).await;
    client.page(refused).await
}

#[tokio::test]
async fn s1_an_expired_flow_keeps_what_was_typed_for_its_own_browser() {
    let site = Site::new();
    let mut ada = site.spa();
    let page = typed(&mut ada).await;
    site.clock.advance(Duration::minutes(61));

    let gone = ada.submit(&page, json!({ "method": "password", "password": PASSWORD })).await;
    let new = ada.show(gone.at("/use_flow_id").as_str().unwrap()).await;

    assert_eq!(new.value_of("traits.email"), json!(ADA));
}

#[tokio::test]
async fn s1_an_expired_flow_shows_a_stranger_nothing_that_was_typed() {
    let site = Site::new();
    let page = typed(&mut site.spa()).await;
    site.clock.advance(Duration::minutes(61));
    let mut stranger = site.spa();
    let own = stranger.open().await;
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());

    let gone = stranger.post_json(&path, &json!({ "csrf_token": own.value_of("csrf_token") })).await;
    let new = stranger.show(gone.at("/use_flow_id").as_str().unwrap()).await;

    assert_eq!(gone.status(), 410);
    assert_eq!(new.value_of("traits.email"), Value::Null, "what another browser typed is shown: {new:?}");
}
