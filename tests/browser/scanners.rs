//! S5: mail scanners open links, some of them in a whole browser.

use serde_json::{Value, json};
use tower_registration::identity::AddressState;
use tower_registration::{After, Builder, Verification};

use super::driver::Browser;
use super::journeys::arrives;
use super::site::Site;

fn with_links(builder: Builder) -> Builder {
    builder.verification(Verification::links()).after(After::new().session(true).show_verification_ui(true))
}

/// The cookies of one person, to be put back later.
async fn take_cookies(browser: &Browser) -> Value {
    let cookies = browser.cdp("Network.getAllCookies", json!({})).await;
    browser.cdp("Network.clearBrowserCookies", json!({})).await;
    json!({ "cookies": cookies["cookies"] })
}

fn is_proved(site: &Site) -> bool {
    let people = site.memory.all_identities();
    let addresses = people.iter().flat_map(|identity| identity.verifiable_addresses());
    addresses.into_iter().any(|address| matches!(address.state(), AddressState::Verified(_)))
}

#[tokio::test]
async fn s5_a_browser_that_scans_mail_proves_nothing_and_takes_nothing() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_links).await;
    site.open(&browser).await;
    browser.fill("traits.email", "ada@example.org").await;
    browser.fill("password", "correct horse").await;
    browser.click("button[name=method][value=password]").await;
    arrives(&browser, "Verify your address").await;
    let link = site.link("ada@example.org").await;
    let waiting = browser.url().await;
    let own = take_cookies(&browser).await;

    browser.go(&link).await;
    browser.reload().await;
    browser.go(&link).await;

    assert!(!is_proved(&site), "opening a link proved the address");
    let _ = take_cookies(&browser).await;
    browser.cdp("Network.setCookies", own).await;
    browser.go(&waiting).await;
    assert_eq!(browser.url().await, waiting, "the browser that signed up may not see its flow any more");
    browser.go(&link).await;
    browser.click("button[name=token]").await;
    for _ in 0..200 {
        if is_proved(&site) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the button proved nothing at {}\n{}", browser.url().await, browser.source().await);
}
