//! Journeys that prove an address: begun by a registration or by the person, with codes and with links.
//!
//! Recorded cases of the reference: `verification-*`, `verify-*`.

use serde_json::{Value, json};
use time::Duration;
use tower_registration::identity::AddressState;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Client, ClientKind, Reply, UI};
use tower_registration::{AddressLimits, After, Builder, Verification};

const ADA: &str = "ada@example.org";
const SENT: u64 = 1080003;

fn app(verification: Verification) -> App {
    app_with(verification, |builder| builder)
}

fn app_with(verification: Verification, choose: impl FnOnce(Builder) -> Builder) -> App {
    App::with(|builder| {
        let after = After::new().session(true).show_verification_ui(true);
        choose(builder.method(Password::new()).verification(verification).after(after))
    })
    .unwrap()
}

fn by_code() -> App {
    app(Verification::by_code(format!("{UI}/verify")))
}

fn by_link() -> App {
    app(Verification::by_link(format!("{UI}/verify")))
}

/// Ada registers; the page that asks for her proof.
async fn registered(client: &mut Client) -> Reply {
    let page = client.open().await;
    let done = client.submit(&page, super::ada()).await;
    client.verification_page(done).await
}

async fn code(app: &App) -> String {
    app.deliver().await.unwrap();
    app.mailbox().latest_code(ADA).unwrap()
}

/// Path and query of the latest link, below the prefix.
async fn link(app: &App) -> String {
    app.deliver().await.unwrap();
    let link = app.mailbox().latest_link(ADA).unwrap();
    link.strip_prefix("https://app.example.org/auth").unwrap().to_owned()
}

fn is_verified(app: &App) -> bool {
    matches!(app.identities()[0].verifiable_addresses()[0].state(), AddressState::Verified(_))
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_return_url_beside_the_submission_counts_where_an_address_is_to_be_proved() {
    let app = by_code();
    let without = App::new().unwrap();
    let mut said = Vec::new();
    for (app, asked) in [(&app, "//evil.example.com"), (&app, "/auth/self-service/x"), (&without, "//evil.example.com")]
    {
        let mut native = app.native();
        let page = native.open().await;
        let path = format!("/self-service/registration?flow={}&return_to={asked}", page.flow_id().unwrap());
        let answer = native.post_json(&path, &super::ada()).await;
        said.push((answer.status(), answer.at("/ui/messages/0/text"), answer.value_of("traits.email")));
    }

    let reason = "Requested return_to URL \"https://evil.example.com\" is not allowed.";
    assert_eq!(said[0], (400, json!(reason), json!(ADA)));
    assert_eq!((said[1].0, said[2].0), (200, 200), "{said:?}");
    assert_eq!(app.identities().len(), 1, "nobody was stored before");
}

#[tokio::test]
async fn a_registration_leads_every_kind_of_client_to_the_proof() {
    for kind in [ClientKind::Browser, ClientKind::Spa, ClientKind::Native] {
        let app = by_code();
        let mut client = app.client(kind);

        let page = registered(&mut client).await;
        assert_eq!((page.status(), page.at("/state"), page.messages()), (200, json!("sent_email"), vec![SENT]));
        assert_eq!(page.value_of("email"), ADA);
        assert_eq!(app.identities()[0].verifiable_addresses()[0].state(), AddressState::Sent);
        let code = code(&app).await;
        let done = client.submit_verification(&page, json!({ "method": "code", "code": code })).await;
        let done = client.verification_page(done).await;

        assert_eq!((done.at("/state"), done.messages()), (json!("passed_challenge"), vec![1080002]));
        assert_eq!((done.at("/ui/method"), done.at("/ui/action")), (json!("GET"), json!(format!("{UI}/welcome"))));
        assert!(is_verified(&app));
    }
}

#[tokio::test]
async fn continue_with_names_the_flow_in_the_order_of_the_contract() {
    let app = by_code();
    let actions = |reply: &Reply| -> Vec<Value> {
        reply.at("/continue_with").as_array().unwrap().iter().map(|step| step["action"].clone()).collect()
    };
    for (kind, expected) in [
        (ClientKind::Spa, ["redirect_browser_to", "show_verification_ui"]),
        (ClientKind::Native, ["show_verification_ui", "set_ory_session_token"]),
    ] {
        let mut client = app.client(kind);
        let page = client.open().await;
        let name = format!("{kind:?}@example.org").to_lowercase();
        let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": name } });

        let done = client.submit(&page, answer).await;

        assert_eq!(actions(&done), expected);
        let steps = done.at("/continue_with");
        let flow = steps.as_array().unwrap().iter().find_map(|step| step.get("flow")).unwrap();
        assert_eq!(
            (flow["verifiable_address"].clone(), flow.get("url").is_some()),
            (json!(name), kind == ClientKind::Spa)
        );
    }
}

#[tokio::test]
async fn without_the_hook_a_letter_goes_out_and_nothing_is_said() {
    let app = App::with(|builder| {
        let verification = Verification::by_code(format!("{UI}/verify"));
        builder.method(Password::new()).verification(verification)
    })
    .unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;

    let done = spa.submit(&page, super::ada()).await;

    assert_eq!(done.at("/continue_with").as_array().unwrap().len(), 1);
    assert_eq!(app.deliver().await.unwrap().delivered, 1);
}

#[tokio::test]
async fn nothing_tells_a_known_address_from_an_unknown_one() {
    let app = by_code();
    let _ = registered(&mut app.native()).await;
    app.deliver().await.unwrap();
    let mut answers = Vec::new();
    for address in [ADA, "bob@example.org"] {
        let mut spa = app.spa();
        let page = spa.open_verification("").await;
        assert_eq!(page.field_names(), ["email", "method", "csrf_token"]);

        let sent = spa.submit_verification(&page, json!({ "method": "code", "email": address })).await;

        let text = sent.json().to_string().replace(address, "<address>");
        let flow = sent.flow_id().unwrap();
        let token = sent.value_of("csrf_token");
        let text = text.replace(&flow, "<flow>").replace(token.as_str().unwrap(), "<token>");
        let judged = spa.submit_verification(&sent, json!({ "method": "code", "code": "12345" })).await;
        answers.push((sent.status(), text, judged.status(), judged.messages()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(app.deliver().await.unwrap().delivered, 1, "only the known address got a letter");
}

#[tokio::test]
async fn an_unknown_address_hears_of_it_where_the_host_wants_that() {
    let app = app(Verification::by_code(format!("{UI}/verify")).tell_unknown(true));
    let mut spa = app.spa();
    let page = spa.open_verification("").await;

    let _ = spa.submit_verification(&page, json!({ "method": "code", "email": "Bob@Example.org" })).await;
    app.deliver().await.unwrap();

    let letter = app.mailbox().latest("bob@example.org").unwrap();
    assert_eq!(
        (letter.kind().template(), letter.subject()),
        ("verification_code_invalid", "Someone tried to verify this email address")
    );
}

#[tokio::test]
async fn a_wrong_code_is_told_with_200_and_the_sixth_begins_anew() {
    let app = by_code();
    let mut spa = app.spa();
    let page = registered(&mut spa).await;
    let code = code(&app).await;

    for _ in 0..5 {
        let refused = spa.submit_verification(&page, json!({ "method": "code", "code": wrong(&code) })).await;
        assert_eq!((refused.status(), refused.messages()), (200, vec![4070006]));
    }
    let sixth = spa.submit_verification(&page, json!({ "method": "code", "code": code })).await;

    assert_eq!((sixth.status(), sixth.at("/error/id")), (410, json!("self_service_flow_replaced")));
    assert_eq!(sixth.at("/error/reason"), "An error occured, please retry the flow.");
    let flow = sixth.at("/use_flow_id");
    let new = spa.show_verification(flow.as_str().unwrap()).await;
    assert_eq!((new.status(), new.at("/state"), new.messages()), (200, json!("choose_method"), vec![4000001]));
    assert!(!is_verified(&app));
}

#[tokio::test]
async fn wrong_codes_count_for_the_address_over_all_flows() {
    let limits = AddressLimits::new().wrong_codes(7, 100).letters(50, 50);
    let app = app_with(Verification::by_code(format!("{UI}/verify")), |builder| builder.address_limits(limits));
    let _ = registered(&mut app.native()).await;
    let mut judged = 0;

    for _ in 0..3 {
        let mut client = app.native();
        let page = client.open_verification("").await;
        let page = client.submit_verification(&page, json!({ "method": "code", "email": ADA })).await;
        let code = code(&app).await;
        for _ in 0..5 {
            let answer = client.submit_verification(&page, json!({ "method": "code", "code": wrong(&code) })).await;
            judged += usize::from(answer.messages() == [4070006]);
        }
    }

    assert_eq!(judged, 7);
}

#[tokio::test]
async fn another_letter_ends_the_code_before_and_its_button_works_for_phones_too() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let old = code(&app).await;

    let resent = client.submit_verification(&page, json!({ "method": "code", "email": page.value_of("email") })).await;
    let new = code(&app).await;

    assert_eq!((resent.status(), resent.messages()), (200, vec![SENT]));
    if old != new {
        let refused = client.submit_verification(&resent, json!({ "method": "code", "code": old })).await;
        assert_eq!(refused.messages(), [4070006]);
    }
    let done = client.submit_verification(&resent, json!({ "code": new })).await;
    assert_eq!(done.at("/state"), "passed_challenge");
}

#[tokio::test]
async fn mistakes_pile_up_and_leave_the_flow_usable() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let submit = async |client: &mut Client, answer: Value| client.submit_verification(&page, answer).await;

    let nobody = submit(&mut client, json!({ "email": ADA })).await;
    let odd = submit(&mut client, json!({ "method": "password" })).await;
    let link = submit(&mut client, json!({ "method": "link" })).await;
    let empty = submit(&mut client, json!({ "method": "code" })).await;

    assert_eq!((nobody.status(), nobody.messages()), (400, vec![SENT, 4010006]));
    assert_eq!(odd.messages_at("method"), [4000001]);
    assert_eq!(link.messages(), [SENT, 4010006, 4010006]);
    assert_eq!((empty.messages_at("email"), empty.value_of("email")), (vec![4000002], json!("")));
    assert_eq!(
        empty.field_names().last().map(String::as_str),
        Some("csrf_token"),
        "native flows get one after a mistake"
    );
    let code = code(&app).await;
    let done = submit(&mut client, json!({ "method": "code", "code": code })).await;
    assert_eq!(done.messages(), [1080002]);
}

#[tokio::test]
async fn asking_for_a_letter_is_guarded_and_proving_is_not() {
    let app = by_code();
    let mut spa = app.spa();
    let page = registered(&mut spa).await;
    let code = code(&app).await;

    let forged = spa.submit_verification(&page, json!({ "method": "code", "email": ADA, "csrf_token": "x" })).await;
    assert_eq!((forged.status(), forged.at("/error/id")), (403, json!("security_csrf_violation")));
    let mut stranger = app.spa();
    let foreign = stranger.submit_verification(&page, json!({ "method": "code", "email": ADA })).await;
    assert_eq!(foreign.status(), 403);
    assert_eq!(stranger.show_verification(&page.flow_id().unwrap()).await.status(), 403);

    let proved = stranger.submit_verification(&page, json!({ "method": "code", "code": code })).await;
    assert_eq!(proved.at("/state"), "passed_challenge");

    let mut native = app.native().with_header("origin", "https://app.example.org");
    let own = native.open_verification("").await;
    let refused = native.submit_verification(&own, json!({ "method": "code", "email": ADA })).await;
    assert_eq!((refused.status(), refused.messages()), (400, vec![4000001]));
}

#[tokio::test]
async fn a_flow_that_passed_or_expired_is_replaced() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let code = code(&app).await;
    let _ = client.submit_verification(&page, json!({ "code": code })).await;

    let again = client.submit_verification(&page, json!({ "code": code })).await;
    assert_eq!((again.status(), again.at("/error/reason")), (410, json!("An error occured, please use the new flow.")));
    let new = client.show_verification(again.at("/use_flow_id").as_str().unwrap()).await;
    assert_eq!((new.at("/type"), new.messages()), (json!("api"), vec![4070002]));

    app.clock().advance(Duration::minutes(61));
    let late = client.submit_verification(&new, json!({ "code": code })).await;
    assert_eq!(late.status(), 303);
    let show = late.location().strip_prefix("https://app.example.org/auth").unwrap().to_owned();
    let fresh = client.get_json(&show).await;
    assert_eq!((fresh.status(), fresh.at("/type"), fresh.messages()), (200, json!("api"), vec![4070005]));
    assert_eq!(client.show_verification(&page.flow_id().unwrap()).await.status(), 410);
}

#[tokio::test]
async fn the_link_in_a_letter_with_a_code_fills_it_in_and_proves_nothing() {
    let app = by_code();
    let mut first = app.browser();
    let page = registered(&mut first).await;
    let path = link(&app).await;
    let mut second = app.browser();

    for _ in 0..2 {
        let led = second.get(&path).await;
        assert_eq!((led.status(), led.location_parameter("flow")), (303, page.flow_id()));
    }
    assert!(!is_verified(&app));
    let prepared = second.show_verification(&page.flow_id().unwrap()).await;
    let code = code(&app).await;
    assert_eq!((prepared.status(), prepared.value_of("code")), (200, json!(code)));
    assert_eq!(first.show_verification(&page.flow_id().unwrap()).await.status(), 200, "the first browser stays");

    let done = second.submit_verification(&prepared, json!({ "method": "code", "code": code })).await;
    assert_eq!(second.verification_page(done).await.at("/state"), "passed_challenge");
    assert!(is_verified(&app));
}

#[tokio::test]
async fn a_link_is_opened_by_scanners_and_proved_by_a_button() {
    let app = by_link();
    let mut first = app.spa();
    let page = registered(&mut first).await;
    assert_eq!((page.at("/active"), page.messages()), (json!("link"), Vec::new()));
    let path = link(&app).await;

    let mut scanner = app.browser();
    for method in [http::Method::HEAD, http::Method::GET, http::Method::GET] {
        assert_eq!(scanner.send(method, &path, None, "*/*").await.status(), 303);
    }
    assert!(!is_verified(&app));
    let mut second = app.browser();
    let _ = second.get(&path).await;
    let prepared = second.show_verification(&page.flow_id().unwrap()).await;
    assert_eq!(prepared.field_names(), ["csrf_token", "method", "token", "email"]);
    assert_eq!(scanner.show_verification(&page.flow_id().unwrap()).await.status(), 403, "the last one takes its place");
    assert_eq!(first.show_verification(&page.flow_id().unwrap()).await.status(), 200);

    let answer = json!({ "method": "link", "token": prepared.value_of("token") });
    let done = second.submit_verification(&prepared, answer).await;
    let done = second.verification_page(done).await;
    assert_eq!((done.at("/state"), done.messages()), (json!("passed_challenge"), vec![1080002]));
    assert!(is_verified(&app));
    assert_eq!(second.get(&path).await.location_parameter("flow"), page.flow_id(), "opened again, it shows the end");
}

#[tokio::test]
async fn one_link_lives_and_a_wrong_one_begins_anew() {
    let app = by_link();
    let mut spa = app.spa();
    let page = registered(&mut spa).await;
    let old = link(&app).await;
    let resent = spa.submit_verification(&page, json!({ "method": "link", "email": ADA })).await;
    assert_eq!(resent.messages(), [1080001]);
    let new = link(&app).await;

    let led = spa.get(&old).await;
    assert_ne!(led.location_parameter("flow"), page.flow_id());
    let anew = spa.verification_page(led).await;
    assert_eq!((anew.at("/state"), anew.messages()), (json!("choose_method"), vec![4070001]));
    assert!(!anew.at("/request_url").as_str().unwrap().contains("token="), "a token has no place in a flow");

    let mut other = app.spa();
    assert_eq!(other.get(&new).await.location_parameter("flow"), page.flow_id());
}

#[tokio::test]
async fn a_link_without_a_value_changes_nothing() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let path = format!("/self-service/verification?flow={}", page.flow_id().unwrap());

    let told = client.get(&path).await;
    assert_eq!((told.status(), told.messages()), (400, vec![SENT, 4010006]));
    assert_eq!(client.show_verification(&page.flow_id().unwrap()).await.messages(), [SENT]);
}

#[tokio::test]
async fn return_urls_are_judged_and_lead_on() {
    let app = by_code();
    let mut spa = app.spa();
    let forbidden = spa.open_verification("return_to=https://evil.example.com/").await;
    assert_eq!((forbidden.status(), forbidden.at("/error/id")), (400, json!("self_service_flow_return_to_forbidden")));
    let page = spa.open_with("return_to=%2Fregistered&after_verification_return_to=%2Fproved&a=b").await;
    let done = spa.submit(&page, super::ada()).await;
    let page = spa.verification_page(done).await;
    assert_eq!(page.at("/return_to"), "/proved");

    let code = code(&app).await;
    let proved = spa.submit_verification(&page, json!({ "code": code })).await;

    assert_eq!(proved.at("/ui/action"), format!("{UI}/proved"));
    assert_eq!(proved.field("continue"), Value::Null, "an anchor has no name");
    let anchor = &proved.at("/ui/nodes/1");
    assert_eq!(
        (anchor["type"].clone(), anchor["attributes"]["href"].clone()),
        (json!("a"), json!(format!("{UI}/proved")))
    );
}

#[tokio::test]
async fn where_addresses_are_not_proved_the_routes_say_so() {
    let app = App::new().unwrap();
    let mut client = app.native();

    let reasons =
        [client.open_verification("").await, client.show_verification(&uuid::Uuid::new_v4().to_string()).await];

    for reply in reasons {
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.at("/error/reason"), "Verification is not allowed because it was disabled.");
    }
    let unknown = format!("/self-service/verification?flow={}", uuid::Uuid::new_v4());
    for (path, status) in [(unknown.as_str(), 404), ("/self-service/verification", 400)] {
        for reply in [client.post_json(path, &json!({ "method": "code" })).await, client.get(path).await] {
            assert_eq!(reply.status(), status, "an answer is not guarded by the switch");
            assert!(!reply.at("/error/reason").as_str().unwrap().contains("disabled"), "{}", reply.json());
        }
    }
}

#[tokio::test]
async fn a_query_stands_in_for_fields_of_the_body_and_counts_more_than_json() {
    for kind in [ClientKind::Spa, ClientKind::Browser] {
        let app = by_code();
        let mut client = app.client(kind);
        let page = registered(&mut client).await;
        let code = code(&app).await;
        let path = |code: &str| format!("/self-service/verification?flow={}&code={code}", page.flow_id().unwrap());
        let field = |value: &str| vec![("method".to_owned(), "code".to_owned()), ("code".to_owned(), value.to_owned())];

        let done = match kind {
            ClientKind::Spa => client.post_json(&path(&code), &json!({ "method": "code", "code": wrong(&code) })).await,
            _ => {
                let refused = client.post_form(&path(&code), &field(wrong(&code))).await;
                assert_eq!(client.verification_page(refused).await.messages(), [4070006], "the body counts more");
                client.post_form(&path(&code), &field(&code)[..1]).await
            }
        };

        assert_eq!(client.verification_page(done).await.at("/state"), "passed_challenge", "{kind:?}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_on_the_page() {
    let app = by_code();
    let mut browser = app.browser();
    let page = registered(&mut browser).await;
    let path = format!("/self-service/verification?flow={}", page.flow_id().unwrap());
    let form = Some(("application/x-www-form-urlencoded", "email=%zz".to_owned()));

    let led = browser.send(http::Method::POST, &path, form, "text/html").await;

    assert_eq!(led.status(), 303);
    assert_eq!(browser.verification_page(led).await.messages(), [SENT, 4000001]);
}

#[tokio::test]
async fn whoever_opens_a_wrong_link_of_a_native_flow_can_go_on_in_the_browser() {
    let app = by_link();
    let page = registered(&mut app.native()).await;
    let mut spa = app.spa();

    let led = spa.get(&format!("/self-service/verification?flow={}&token=x", page.flow_id().unwrap())).await;
    let anew = spa.verification_page(led).await;
    assert_eq!((anew.at("/type"), anew.messages()), (json!("browser"), vec![4070001]));
    let sent = spa.submit_verification(&anew, json!({ "method": "link", "email": ADA })).await;

    assert_eq!(sent.messages(), [1080001]);
}

#[tokio::test]
async fn a_link_that_comes_after_its_code_was_used_leads_a_stranger_to_a_new_flow() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let (code, link) = (code(&app).await, link(&app).await);
    let _ = client.submit_verification(&page, json!({ "method": "code", "code": code })).await;
    let mut stranger = app.spa();

    let led = stranger.follow(&link).await;

    let anew = stranger.show_verification(&led.flow_id().unwrap()).await;
    assert_eq!((anew.at("/state"), anew.messages()), (json!("choose_method"), vec![4070002]));
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_told_as_such_where_links_are_sent() {
    let app = by_link();
    let mut client = app.native();
    let page = client.open_verification("").await;

    let refused = client.submit_verification(&page, json!({ "method": "sms", "email": ADA })).await;

    assert_eq!((refused.messages(), refused.messages_at("method")), (vec![4010006], vec![]));
}

#[tokio::test]
async fn unknown_and_malformed_flows_are_told() {
    let app = by_code();
    let mut client = app.native();
    let unknown = format!("/self-service/verification?flow={}", uuid::Uuid::new_v4());

    for (path, status) in
        [(unknown.as_str(), 404), ("/self-service/verification?flow=x", 400), ("/self-service/verification", 400)]
    {
        assert_eq!(client.post_json(path, &json!({ "method": "code", "code": "123456" })).await.status(), status);
        assert_eq!(client.get(path).await.status(), status);
    }
    assert_eq!(client.show_verification("x").await.status(), 404);
}

#[tokio::test]
async fn a_long_or_odd_address_is_told_at_its_field() {
    let app = by_link();
    let mut spa = app.spa();
    let page = spa.open_verification("").await;

    let long = spa.submit_verification(&page, json!({ "method": "link", "email": "a".repeat(321) })).await;
    let odd = spa.submit_verification(&page, json!({ "method": "link", "email": "nobody" })).await;

    assert_eq!(long.messages_at("email"), [4000017]);
    assert_eq!(odd.messages_at("email"), [4000017, 4000040]);
}

#[tokio::test]
async fn a_crowd_proves_an_address_once() {
    let app = by_code();
    let mut client = app.native();
    let page = registered(&mut client).await;
    let code = code(&app).await;
    let crowd = (0..16).map(|_| {
        let (mut own, page, code) = (app.native(), page.clone(), code.clone());
        tokio::spawn(async move { own.submit_verification(&page, json!({ "code": code })).await })
    });
    let crowd: Vec<_> = crowd.collect();
    let mut passed = 0;

    for one in crowd {
        let answer = one.await.unwrap();
        passed += usize::from(answer.at("/state") == "passed_challenge");
        assert!([200, 410, 503].contains(&answer.status()), "{answer:?}");
    }

    assert_eq!(passed, 1);
    assert!(is_verified(&app));
}

#[tokio::test]
async fn a_proof_ends_before_its_flow() {
    let lasting = |verification: Verification| verification.proof_lifespan(Duration::minutes(10));
    let by_code = app(lasting(Verification::by_code(format!("{UI}/verify"))));
    let by_link = app(lasting(Verification::by_link(format!("{UI}/verify"))));
    let mut ada = by_code.native();
    let page = registered(&mut ada).await;
    let late = code(&by_code).await;
    let _ = registered(&mut by_link.native()).await;
    let late_link = link(&by_link).await;

    by_code.clock().advance(Duration::minutes(10));
    by_link.clock().advance(Duration::minutes(10));
    let refused = ada.submit_verification(&page, json!({ "method": "code", "code": late })).await;
    let mut browser = by_link.spa();
    let opened = browser.follow(&late_link).await;

    assert_eq!((refused.at("/state"), refused.messages().contains(&4070006)), (json!("sent_email"), true));
    let shown = browser.show_verification(&opened.flow_id().unwrap()).await;
    assert_eq!(shown.messages(), [4070005], "{}", shown.json());
    assert!(!is_verified(&by_code) && !is_verified(&by_link));
}
