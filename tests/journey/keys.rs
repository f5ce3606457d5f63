//! Journeys with passkeys and security keys: every client, in one step and in two, on pages and in apps; what is asked of
//! the browser; what a page's script and a host get to know.
//!
//! Recorded cases of the reference: `passkey-*`, `webauthn-*`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use time::Duration;
use tower_registration::identity::{Credential, MethodId};
use tower_registration::methods::{
    Attachment, Attestation, AuthenticatorNames, Need, Passkey, Password, RelyingParty, SecurityKey,
};
use tower_registration::testing::{App, Authenticator, BASE_URL, Client, ClientKind, Flaw, Reply, UI};
use tower_registration::{Schema, Style};
use uuid::Uuid;

const KINDS: [ClientKind; 3] = [ClientKind::Browser, ClientKind::Spa, ClientKind::Native];
const ANDROID: &str = "android:apk-key-hash:0FMlJ8wsaNwXi6jgNPjXCEyKMbN9W0I5rhRk2Uq_vzc";

fn party() -> RelyingParty {
    RelyingParty::new("app.example.org", "Example").origin(UI)
}

fn app() -> App {
    App::with(|builder| builder.method(Passkey::new(party())).method(SecurityKey::new(party()))).unwrap()
}

fn app_with(passkey: Passkey) -> App {
    App::with(|builder| builder.method(passkey)).unwrap()
}

fn ada(answer: &str) -> Value {
    json!({ "passkey_register": answer, "traits": { "email": "ada@example.org" } })
}

/// What a page asks the browser for.
fn options(page: &Reply) -> Value {
    serde_json::from_str(page.value_of("passkey_create_data").as_str().unwrap()).unwrap()
}

fn is_done(answer: &Reply) -> bool {
    [200, 303].contains(&answer.status())
}

/// The credential of this kind that the only person has.
fn credential(app: &App, kind: &'static str) -> Credential {
    let ada = app.identities().pop().unwrap();
    let mut credentials = app.memory().credentials(ada.id()).into_iter();
    credentials.find(|own| *own.kind() == MethodId::new(kind)).unwrap()
}

/// Makes a passkey on a page at this origin, by these settings.
async fn made_at(origin: &str, party: RelyingParty) -> Reply {
    let app = app_with(Passkey::new(party));
    let mut client = app.native();
    let page = client.open().await;
    let made = Authenticator::new().create(&page.value_of("passkey_create_data"), origin).unwrap();
    client.submit(&page, ada(&made)).await
}

#[tokio::test]
async fn a_passkey_signs_up_every_client() {
    for kind in KINDS {
        let app = app();
        let mut client = app.client(kind);
        let page = client.open().await;
        let made = Authenticator::new().passkey(&page, UI).unwrap();

        let answer = client.submit(&page, ada(&made)).await;

        assert!(is_done(&answer), "{kind:?}: {:?}", answer.json());
        assert_eq!(app.identities().len(), 1);
        let passkey = credential(&app, "passkey");
        assert!(passkey.is_usable());
        let options = options(&page);
        let handle = options["credentialOptions"]["publicKey"]["user"]["id"].as_str().unwrap();
        assert_eq!(passkey.identifiers()[0].as_bytes(), URL_SAFE_NO_PAD.decode(handle).unwrap());
        if kind != ClientKind::Native {
            let session = client.whoami().await.unwrap();
            assert_eq!(session["authentication_methods"][0]["method"], "passkey");
        }
    }
}

#[tokio::test]
async fn a_security_key_signs_up_browsers_by_the_name_that_is_typed() {
    for kind in [ClientKind::Browser, ClientKind::Spa] {
        let app = app();
        let mut client = app.client(kind);
        let page = client.open().await;
        let made = Authenticator::new().security_key(&page, UI).unwrap();

        let answer = json!({ "webauthn_register": made, "webauthn_register_displayname": "My key",
            "traits": { "email": "Ada@Example.org" } });
        let answer = client.submit(&page, answer).await;

        assert!(is_done(&answer), "{kind:?}: {:?}", answer.json());
        let key = credential(&app, "webauthn");
        assert_eq!(key.identifiers(), ["ada@example.org"]);
        assert_eq!(key.config()["credentials"][0]["display_name"], "My key");
        assert_eq!(STANDARD.decode(key.config()["user_handle"].as_str().unwrap()).unwrap().len(), 16);
        assert_eq!(client.whoami().await.unwrap()["authentication_methods"][0]["method"], "webauthn");
    }
}

#[tokio::test]
async fn a_native_client_is_not_asked_for_a_security_key_and_cannot_send_one() {
    let app = app();
    let page = app.spa().open().await;
    let made = Authenticator::new().security_key(&page, UI).unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let answer =
        native.submit(&page, json!({ "webauthn_register": made, "traits": { "email": "a@example.org" } })).await;

    assert!(!page.field_names().iter().any(|name| name.starts_with("webauthn")));
    assert_eq!(answer.messages(), [4_010_003]);
}

#[tokio::test]
async fn in_two_steps_keys_are_asked_for_on_the_second() {
    for kind in KINDS {
        let app = App::with(|builder| {
            builder.method(Passkey::new(party())).method(Password::new()).style(Style::ProfileFirst)
        });
        let app = app.unwrap();
        let mut client = app.client(kind);
        let first = client.open().await;
        let profile = json!({ "method": "profile", "traits": { "email": "ada@example.org" } });

        let second = client.submit(&first, profile).await;
        let second = client.page(second).await;
        let made = Authenticator::new().passkey(&second, UI).unwrap();
        let back =
            client.submit(&second, json!({ "screen": "previous", "traits": { "email": "ada@example.org" } })).await;
        let back = client.page(back).await;
        let done = client.submit(&second, ada(&made)).await;

        assert!(first.value_of("passkey_create_data").is_null() && back.value_of("passkey_create_data").is_null());
        assert!(is_done(&done), "{kind:?}: {:?}", done.json());
    }
}

#[tokio::test]
async fn what_is_asked_of_the_browser_follows_the_settings() {
    let passkey = Passkey::new(party())
        .attachment(Attachment::CrossPlatform)
        .resident_key(Need::Discouraged)
        .user_verification(Need::Required)
        .attestation(Attestation::Enterprise)
        .timeout(Duration::seconds(90));
    let page = app_with(passkey).native().open().await;

    let wanted = options(&page)["credentialOptions"]["publicKey"].clone();

    let selection = json!({ "authenticatorAttachment": "cross-platform", "requireResidentKey": false,
        "residentKey": "discouraged", "userVerification": "required" });
    assert_eq!(wanted["authenticatorSelection"], selection);
    assert_eq!((&wanted["attestation"], &wanted["timeout"]), (&json!("enterprise"), &json!(90_000)));
    assert_eq!(wanted["rp"], json!({ "name": "Example", "id": "app.example.org" }));
    assert_eq!(URL_SAFE_NO_PAD.decode(wanted["challenge"].as_str().unwrap()).unwrap().len(), 32);
}

#[tokio::test]
async fn a_browser_is_given_less_time_where_nobody_is_verified() {
    let page = app_with(Passkey::new(party()).user_verification(Need::Discouraged)).native().open().await;

    assert_eq!(options(&page)["credentialOptions"]["publicKey"]["timeout"], 120_000);
}

#[tokio::test]
async fn a_passkey_is_named_by_the_marked_traits_else_by_the_first_without_a_title() {
    let names = async |traits: Value| {
        let schema =
            json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": traits } } });
        let schema = Schema::parse("person", &schema.to_string()).unwrap();
        let app = App::bare(|builder| builder.schema(schema).method(Passkey::new(party())).style(Style::Unified));
        let page = app.unwrap().native().open().await;
        let data = page.value_of("passkey_create_data");
        data.as_str().map(|data| serde_json::from_str::<Value>(data).unwrap()["displayNameFieldNames"].clone())
    };
    let mark = |kind: &str, what: &str| json!({ "credentials": { kind: { what: true } } });

    let marked = names(json!({
        "user": { "type": "string", "ory.sh/kratos": mark("webauthn", "identifier") },
        "a": { "type": "string" },
        "email": { "type": "string", "ory.sh/kratos": mark("passkey", "display_name") },
        "deep": { "type": "object", "properties": {
            "x": { "type": "string", "ory.sh/kratos": mark("passkey", "display_name") } } },
        "no": { "type": "string", "ory.sh/kratos": mark("password", "identifier") },
    }));
    let untitled = names(json!({ "a": { "type": "string", "title": "A" }, "b": { "type": "string" } }));
    let none = names(json!({ "a": { "type": "string", "title": "A" } }));

    assert_eq!(marked.await, Some(json!(["traits.deep.x", "traits.email", "traits.user"])));
    assert_eq!(untitled.await, Some(json!(["traits.b"])));
    assert_eq!(none.await, None, "without a name no passkey is offered");
}

#[tokio::test]
async fn the_make_of_an_authenticator_has_the_name_that_the_host_gives_it() {
    let make = Uuid::new_v4();
    for (told, shown) in [(make, "Key of Ada's"), (Uuid::new_v4(), ""), (Uuid::nil(), "")] {
        let names: AuthenticatorNames = [(make, "Key of Ada's"), (Uuid::nil(), "Nobody")].into_iter().collect();
        let app = app_with(Passkey::new(party()).authenticator_names(names));
        let mut client = app.native();
        let page = client.open().await;
        let made = Authenticator::new().aaguid(told).passkey(&page, UI).unwrap();

        assert_eq!(client.submit(&page, ada(&made)).await.status(), 200);
        assert_eq!(credential(&app, "passkey").config()["credentials"][0]["display_name"], shown);
    }
}

#[tokio::test]
async fn an_android_app_makes_a_passkey_where_its_certificate_is_listed() {
    let listed = || party().origin(ANDROID);
    let upper = ANDROID.to_ascii_uppercase().replace("ANDROID:APK-KEY-HASH", "android:apk-key-hash");

    assert_eq!(made_at(ANDROID, listed()).await.status(), 200);
    assert_eq!(made_at(&upper, listed()).await.status(), 200, "the case of letters does not count");
    assert_eq!(made_at(ANDROID, party()).await.messages(), [4_000_001]);
    let other = format!("{}A", &ANDROID[..ANDROID.len() - 1]);
    assert_eq!(made_at(&other, listed()).await.messages(), [4_000_001]);
}

#[tokio::test]
async fn an_origin_counts_without_its_path_and_the_case_of_its_letters() {
    for origin in [UI, "HTTPS://App.Example.Org", "https://app.example.org/", "https://app.example.org/sign-up?x"] {
        assert_eq!(made_at(origin, party()).await.status(), 200, "{origin}");
    }
    for origin in
        ["https:/app.example.org", "https:\\\\app.example.org", "https://app.exam\tple.org", "app.example.org"]
    {
        assert_eq!(made_at(origin, party()).await.messages(), [4_000_001], "{origin}");
    }
}

#[tokio::test]
async fn without_an_origin_the_pages_of_the_domain_itself_are_accepted() {
    let alone = || RelyingParty::new("app.example.org", "Example");

    assert_eq!(made_at("https://app.example.org", alone()).await.status(), 200);
    assert_eq!(made_at("https://www.app.example.org", alone()).await.messages(), [4_000_001]);
}

#[tokio::test]
async fn a_frame_inside_of_a_listed_page_makes_a_passkey() {
    let app = app_with(Passkey::new(party().embedder("https://portal.example.net")));
    let mut client = app.native();
    let page = client.open().await;
    let mut made = Authenticator::new().ceremony(&page.value_of("passkey_create_data"), UI).unwrap();
    let mut said: Value = serde_json::from_slice(&made.client_data).unwrap();
    said["crossOrigin"] = true.into();
    said["topOrigin"] = "https://portal.example.net".into();
    made.client_data = said.to_string().into_bytes();

    let answer = client.submit(&page, ada(&made.answer().to_string())).await;

    assert_eq!(answer.status(), 200, "{:?}", answer.json());
}

/// Submits the answer in another form; whether it is accepted.
async fn accepted(reshape: impl Fn(Value) -> Value) -> bool {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let made: Value = serde_json::from_str(&Authenticator::new().passkey(&page, UI).unwrap()).unwrap();

    let answer = json!({ "passkey_register": reshape(made), "traits": { "email": "ada@example.org" } });
    client.submit(&page, answer).await.status() == 200
}

#[tokio::test]
async fn an_answer_is_read_as_clients_write_it() {
    let text = |value: Value| Value::from(value.to_string());
    assert!(accepted(move |made| made).await, "an object in place of a text");
    assert!(
        accepted(move |mut made| {
            let response = made["response"].as_object_mut().unwrap();
            let said = response.remove("clientDataJSON").unwrap();
            response.insert("clientDataJson".to_owned(), said);
            text(made)
        })
        .await,
        "as an app on Android writes it"
    );
    assert!(
        accepted(move |mut made| {
            made.as_object_mut().unwrap().remove("rawId");
            let padded = format!("{}=", made["response"]["clientDataJSON"].as_str().unwrap().trim_end_matches('='));
            made["response"]["x"] = padded.into();
            text(made)
        })
        .await,
        "without the raw id"
    );
    assert!(
        accepted(move |mut made| {
            made["id"] = "AAAA".into();
            made["rawId"] = "BBBBBA==".into();
            text(made)
        })
        .await,
        "with other ids: the authenticator's counts"
    );
    assert!(
        !accepted(move |mut made| {
            made["id"] = "BBBBBA==".into();
            text(made)
        })
        .await
    );
    assert!(
        !accepted(move |mut made| {
            made["type"] = "password".into();
            text(made)
        })
        .await
    );
}

#[tokio::test]
async fn an_empty_field_is_meant_for_nobody() {
    for empty in ["", "true"] {
        let mut native = app().native();
        let page = native.open().await;

        let answer = native.submit(&page, ada(empty)).await;

        assert_eq!(answer.messages(), [4_010_003], "{empty}");
    }
}

#[tokio::test]
async fn a_key_for_a_method_that_is_off_is_answered_as_disabled() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, ada("{}")).await;

    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn a_schema_without_a_name_for_keys_is_told_when_the_key_is_made() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string" } } } } });
    let schema = Schema::parse("person", &schema.to_string()).unwrap();
    let app = App::bare(|builder| builder.schema(schema).method(SecurityKey::new(party())).style(Style::Unified));
    let app = app.unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;
    let made = Authenticator::new().security_key(&page, UI).unwrap();
    let answer = json!({ "webauthn_register": made, "webauthn_register_displayname": "My key",
        "traits": { "email": "ada" } });

    let answer = spa.submit(&page, answer).await;

    assert_eq!(answer.messages(), [4_000_009]);
    assert_eq!(answer.value_of("webauthn_register_displayname"), "My key");
    let options = |page: &Reply| page.value_of("webauthn_register_trigger");
    assert_eq!(options(&answer), options(&page), "the key was good: its challenge is left");
    assert!(app.registration().warnings().iter().any(|warning| warning.contains("security key")));
}

#[tokio::test]
async fn what_was_typed_is_shown_again_after_a_failure() {
    let app = app();
    let mut client = app.browser();
    let page = client.open().await;
    let made = Authenticator::new().flaw(Flaw::RelyingParty).security_key(&page, UI).unwrap();
    let answer = json!({ "webauthn_register": made, "webauthn_register_displayname": "My key",
        "traits": { "email": "ada@example.org", "name": { "first": "Ada" } } });

    let answer = client.submit(&page, answer).await;
    assert_eq!(answer.status(), 302);
    let page = client.page(answer).await;

    assert_eq!(page.messages(), [4_000_001]);
    let shown = ["webauthn_register_displayname", "traits.email", "traits.name.first"].map(|name| page.value_of(name));
    assert_eq!(shown, ["My key", "ada@example.org", "Ada"]);
    assert_eq!(page.value_of("webauthn_register"), "");
}

#[tokio::test]
async fn a_flow_that_replaces_an_expired_one_can_be_answered() {
    let app = app();
    let mut native = app.native();
    let old = native.open().await;
    let late = Authenticator::new().passkey(&old, UI).unwrap();
    app.clock().advance(Duration::hours(2));

    let gone = native.submit(&old, ada(&late)).await;
    let page = native.show(gone.at("/use_flow_id").as_str().unwrap()).await;
    let made = Authenticator::new().passkey(&page, UI).unwrap();
    let done = native.submit(&page, ada(&made)).await;

    assert_eq!((gone.status(), done.status()), (410, 200));
}

#[tokio::test]
async fn a_key_says_nothing_about_the_make_unless_it_is_asked() {
    for asks in [Attestation::None, Attestation::Direct] {
        let app = app_with(Passkey::new(party()).attestation(asks));
        let mut native = app.native();
        let page = native.open().await;
        let made = Authenticator::new().attests_itself().passkey(&page, UI).unwrap();

        let answer = native.submit(&page, ada(&made)).await;

        assert_eq!(answer.status(), 200, "what is not asked for may still be told");
    }
}

/// The script as the service serves it, and the node that asks for it.
async fn script(client: &mut Client) -> (Reply, Value) {
    let page = client.open().await.json();
    let nodes = page["ui"]["nodes"].as_array().unwrap();
    let scripts: Vec<&Value> = nodes.iter().filter(|node| node["type"] == "script").collect();
    assert_eq!(scripts.len(), 1, "one script serves both methods");
    (client.get("/.well-known/ory/webauthn.js").await, scripts[0]["attributes"].clone())
}

#[tokio::test]
async fn the_script_is_the_one_that_the_page_names() {
    let app = app();
    let (script, asked) = script(&mut app.browser()).await;

    assert_eq!(script.status(), 200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=UTF-8");
    assert_eq!(asked["src"], format!("{BASE_URL}/.well-known/ory/webauthn.js"));
    assert_eq!(asked["integrity"], format!("sha512-{}", STANDARD.encode(Sha512::digest(script.body()))));
    assert_eq!((&asked["async"], &asked["crossorigin"]), (&json!(true), &json!("anonymous")));
}

#[tokio::test]
async fn pages_of_every_origin_may_load_the_script_and_get_no_cookie() {
    let (script, _) = script(&mut app().browser()).await;

    assert_eq!(script.header("access-control-allow-origin"), "*");
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(script.header("x-content-type-options"), "nosniff");
    assert_eq!(script.header("set-cookie"), "");
}

#[tokio::test]
async fn the_script_is_only_read() {
    let mut client = app().browser();

    let posted = client.post_form("/.well-known/ory/webauthn.js", &[]).await;

    assert_eq!((posted.status(), posted.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_script_has_another_nonce_on_every_flow() {
    let app = app();

    let [first, second] = [script(&mut app.browser()).await.1, script(&mut app.browser()).await.1];

    assert_ne!(first["nonce"], second["nonce"]);
    assert!(Uuid::parse_str(first["nonce"].as_str().unwrap()).is_ok());
}
