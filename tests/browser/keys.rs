//! People make keys: Chromium asks a virtual authenticator, and the page has a policy without inline scripts.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_registration::identity::MethodId;
use tower_registration::memory::Memory;
use tower_registration::methods::{Need, Passkey, RelyingParty, SecurityKey};
use tower_registration::testing::PERSON;
use tower_registration::{After, Registration, Schema, Secret, Style};

use super::driver::Browser;
use super::journeys::arrives;
use super::{nothing_to_complain, plain, site};

const PASSKEY: &str = "button[name=passkey_register_trigger]";
const SECURITY_KEY: &str = "button[name=webauthn_register_trigger]";

/// A site with plain pages of its own.
struct Site {
    origin: String,
    memory: Memory,
}

impl Site {
    async fn start(choose: impl FnOnce(Passkey) -> Passkey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let memory = Memory::new();
        let party = || RelyingParty::new("localhost", "Example").origin(&origin);
        let registration = Registration::builder(format!("{origin}/auth"))
            .secret(Secret::random_until_restart().unwrap())
            .schema(Schema::parse("person", PERSON).unwrap())
            .method(choose(Passkey::new(party())))
            .method(SecurityKey::new(party()))
            .style(Style::Unified)
            .after(After::new().session(true))
            .storage(memory.clone())
            .identities(memory.clone())
            .registration_ui("/sign-up")
            .error_ui("/sorry")
            .default_return_url(format!("{origin}/"))
            .build()
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, plain::site(registration)).await });
        Self { origin, memory }
    }

    /// Begins to sign up as somebody.
    async fn begin(&self, browser: &Browser, email: &str) {
        browser.cdp("Network.clearBrowserCookies", json!({})).await;
        browser.go(&format!("{}/sign-up", self.origin)).await;
        browser.fill("traits.email", email).await;
        // The script loads beside the page.
        until(browser, "return window.__oryWebAuthnInitialized === true").await;
    }

    fn people(&self) -> usize {
        self.memory.all_identities().len()
    }

    /// The keys of this kind that anybody has.
    fn keys(&self, kind: &'static str) -> Vec<Value> {
        let people = self.memory.all_identities();
        let credentials = people.iter().flat_map(|person| self.memory.credentials(person.id()));
        let own = credentials.filter(|credential| *credential.kind() == MethodId::new(kind));
        own.flat_map(|credential| credential.config()["credentials"].as_array().cloned().unwrap_or_default()).collect()
    }
}

/// Waits until a script in the page returns true.
async fn until(browser: &Browser, script: &str) {
    for _ in 0..600 {
        if browser.script(script).await == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{script} at {}\n{}", browser.url().await, browser.source().await);
}

/// What the page's script wrote to the console, once it did.
async fn complaint(browser: &Browser) -> String {
    browser.complains(&["webauthn.js"]).await
}

/// A device that belongs to whoever sits at the browser.
struct Device(String);

impl Device {
    async fn new(browser: &Browser, change: Value) -> Self {
        browser.cdp("WebAuthn.disable", json!({})).await;
        browser.cdp("WebAuthn.enable", json!({})).await;
        let mut options = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true });
        options.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let added = browser.cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
        Self(added["authenticatorId"].as_str().unwrap().to_owned())
    }

    async fn set(&self, browser: &Browser, command: &str, parameters: Value) {
        let mut parameters = parameters;
        parameters["authenticatorId"] = self.0.clone().into();
        browser.cdp(&format!("WebAuthn.{command}"), parameters).await;
    }

    /// The keys that it keeps.
    async fn keys(&self, browser: &Browser) -> Vec<Value> {
        let kept = browser.cdp("WebAuthn.getCredentials", json!({ "authenticatorId": self.0 })).await;
        kept["credentials"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_passkey_signs_up_and_is_kept_by_the_device_under_the_name_that_was_typed() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey).await;
    let device = Device::new(&browser, json!({})).await;
    site.begin(&browser, "ada@example.org").await;

    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert_eq!(browser.text("#who").await, "ada@example.org");
    let (stored, kept) = (site.keys("passkey"), device.keys(&browser).await);
    assert_eq!((site.people(), stored.len(), kept.len()), (1, 1, 1));
    assert_eq!(stored[0]["id"], kept[0]["credentialId"]);
    assert_eq!(kept[0]["isResidentCredential"], true);
    assert_eq!((&kept[0]["rpId"], &kept[0]["userName"]), (&json!("localhost"), &json!("ada@example.org")));
    assert_eq!(stored[0]["flags"]["user_verified"], true);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn a_passkey_signs_up_on_the_librarys_own_page() {
    let Some(browser) = Browser::take().await else { return };
    let site = site::Site::at("localhost", "/auth", |origin, builder| {
        builder.method(Passkey::new(RelyingParty::new("localhost", "Example").origin(origin)))
    });
    let site = site.await;
    Device::new(&browser, json!({})).await;
    browser.go(&format!("{}/registration", site.base)).await;
    browser.fill("traits.email", "ada@example.org").await;
    until(&browser, "return window.__oryWebAuthnInitialized === true").await;

    browser.click(PASSKEY).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn a_security_key_signs_up_under_its_name() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey).await;
    let stick = json!({ "transport": "usb", "hasResidentKey": false, "hasUserVerification": false });
    Device::new(&browser, stick).await;
    site.begin(&browser, "ada@example.org").await;
    browser.fill("webauthn_register_displayname", "The stick on my keys").await;

    browser.click(SECURITY_KEY).await;
    arrives(&browser, "Welcome").await;

    let stored = site.keys("webauthn");
    assert_eq!((site.people(), stored.len()), (1, 1));
    assert_eq!(stored[0]["display_name"], "The stick on my keys");
    assert_eq!(stored[0]["flags"]["user_verified"], false);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn a_device_that_keeps_no_keys_makes_a_passkey_only_where_none_is_required() {
    let Some(browser) = Browser::take().await else { return };
    let stick = || json!({ "transport": "usb", "hasResidentKey": false });
    let required = Site::start(|passkey| passkey).await;
    let discouraged = Site::start(|passkey| passkey.resident_key(Need::Discouraged)).await;

    Device::new(&browser, stick()).await;
    required.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    let why = complaint(&browser).await;
    discouraged.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert!(why.contains("NotAllowedError") || why.contains("ConstraintError"), "{why}");
    assert_eq!((required.people(), discouraged.people()), (0, 1));
}

#[tokio::test]
async fn who_cannot_be_verified_makes_a_passkey_only_where_that_is_not_required() {
    let Some(browser) = Browser::take().await else { return };
    let unverified = || json!({ "isUserVerified": false });
    let required = Site::start(|passkey| passkey.user_verification(Need::Required)).await;
    // A device keeps no key for whom it cannot verify.
    let nothing = |passkey: Passkey| passkey.user_verification(Need::Discouraged).resident_key(Need::Discouraged);
    let discouraged = Site::start(nothing).await;

    Device::new(&browser, unverified()).await;
    required.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    let why = complaint(&browser).await;
    Device::new(&browser, json!({ "transport": "usb", "hasUserVerification": false })).await;
    discouraged.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert!(why.contains("NotAllowedError"), "{why}");
    assert_eq!((required.people(), discouraged.people()), (0, 1));
    assert_eq!(discouraged.keys("passkey")[0]["flags"]["user_verified"], false);
}

#[tokio::test]
async fn a_device_that_lies_about_the_person_is_refused_on_the_page_and_the_next_try_works() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey.user_verification(Need::Required)).await;
    let device = Device::new(&browser, json!({})).await;

    for lie in ["isBadUV", "isBadUP"] {
        site.begin(&browser, "ada@example.org").await;
        device.set(&browser, "setResponseOverrideBits", json!({ lie: true })).await;
        browser.click(PASSKEY).await;
        let told = browser.text("[data-id=\"4000001\"]").await;
        assert!(told.starts_with("Unable to create WebAuthn credential"), "{lie}: {told}");
        assert_eq!(browser.property("[name=\"traits.email\"]", "value").await, "ada@example.org");
    }
    assert_eq!(site.people(), 0);
    device.set(&browser, "setResponseOverrideBits", json!({})).await;
    until(&browser, "return window.__oryWebAuthnInitialized === true").await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn somebody_who_does_not_touch_the_device_is_nobody_and_can_try_again() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey.timeout(time::Duration::SECOND)).await;
    let device = Device::new(&browser, json!({})).await;
    device.set(&browser, "setAutomaticPresenceSimulation", json!({ "enabled": false })).await;
    site.begin(&browser, "ada@example.org").await;

    browser.click(PASSKEY).await;
    let why = complaint(&browser).await;
    let nobody = site.people();
    device.set(&browser, "setAutomaticPresenceSimulation", json!({ "enabled": true })).await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert!(why.contains("NotAllowedError"), "{why}");
    assert_eq!((nobody, site.people()), (0, 1));
}

#[tokio::test]
async fn two_people_share_a_device() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey).await;
    let device = Device::new(&browser, json!({})).await;

    for email in ["ada@example.org", "eve@example.org"] {
        site.begin(&browser, email).await;
        browser.click(PASSKEY).await;
        arrives(&browser, "Welcome").await;
    }

    assert_eq!((site.people(), device.keys(&browser).await.len()), (2, 2));
    let keys = site.keys("passkey");
    assert_ne!(keys[0]["id"], keys[1]["id"]);
}

#[tokio::test]
async fn a_taken_address_keeps_the_key_from_being_used_and_the_person_can_go_on() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|passkey| passkey).await;
    Device::new(&browser, json!({})).await;
    site.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    site.begin(&browser, "ada@example.org").await;
    browser.click(PASSKEY).await;
    browser.find("[data-id=\"4000007\"]").await;
    browser.fill("traits.email", "eve@example.org").await;
    until(&browser, "return window.__oryWebAuthnInitialized === true").await;
    browser.click(PASSKEY).await;
    arrives(&browser, "Welcome").await;

    assert_eq!(browser.text("#who").await, "eve@example.org");
    assert_eq!(site.people(), 2);
}
