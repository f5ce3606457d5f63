//! People sign up.

use super::driver::Browser;
use super::nothing_to_complain;
use super::site::{Site, in_two_steps, with_codes};

const SIGN_UP: &str = "button[name=method][value=password]";
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

async fn fill_in(browser: &Browser) {
    browser.fill("traits.email", "ada@example.org").await;
    browser.fill("password", "correct horse").await;
}

pub(crate) async fn arrives(browser: &Browser, heading: &str) {
    browser.shows("h1", heading).await;
}

#[tokio::test]
async fn sign_up_in_one_step_and_verify_the_address() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    site.open(&browser).await;

    fill_in(&browser).await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "Verify your address").await;
    browser.fill("code", &site.code("ada@example.org").await).await;
    browser.click("button[name=method]").await;
    arrives(&browser, "Your address is verified").await;
    browser.click("a.button").await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn sign_up_in_two_steps_and_back_and_forth() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(in_two_steps).await;
    site.open(&browser).await;

    browser.fill("traits.email", "ada@example.org").await;
    browser.click("button[value=profile]").await;
    arrives(&browser, "Choose how you will sign in").await;
    browser.click("button[name=screen]").await;
    arrives(&browser, "Create your account").await;
    assert_eq!(browser.property("[name=\"traits.email\"]", "value").await, "ada@example.org");
    browser.click("button[value=profile]").await;
    arrives(&browser, "Choose how you will sign in").await;
    browser.fill("password", "correct horse").await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn sign_up_by_code_with_a_second_code() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    site.open(&browser).await;

    browser.fill("traits.email", "ada@example.org").await;
    browser.click("button[value=code]").await;
    arrives(&browser, "Enter your code").await;
    let first = site.code("ada@example.org").await;
    browser.click("button[name=resend]").await;
    browser.find(".note").await;
    browser.fill("code", &first).await;
    browser.press(&ENTER.to_string()).await;
    browser.find(".mistakes").await;
    browser.fill("code", &site.code("ada@example.org").await).await;
    browser.press(&ENTER.to_string()).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn a_mistake_takes_the_focus_to_the_summary_which_leads_to_the_field() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    browser.fill("traits.email", "ada").await;
    browser.fill("traits.name.first", "A").await;
    browser.fill("password", "short").await;

    browser.click(SIGN_UP).await;
    browser.find(".mistakes").await;

    let focus = "return document.activeElement";
    assert_eq!(browser.script(&format!("{focus}.className")).await, "mistakes");
    assert!(browser.title().await.starts_with("Error: "));
    assert_eq!(browser.all(".mistakes li").await.len(), 2);
    browser.click(".mistakes li:nth-child(2) a").await;
    assert_eq!(browser.script(&format!("{focus}.name")).await, "traits.name.first");
    assert_eq!(browser.property("[name=\"password\"]", "value").await, "");
    fill_in(&browser).await;
    browser.fill("traits.name.first", "Ada").await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn sign_up_without_scripts() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    browser.disable_scripts().await;
    browser.go("data:text/html,<h1>off</h1><script>document.querySelector('h1').textContent = 'on'</script>").await;
    assert_eq!(browser.text("h1").await, "off");
    site.open(&browser).await;

    browser.fill("traits.email", "ada").await;
    browser.fill("password", "correct horse").await;
    browser.click(SIGN_UP).await;
    browser.find(".mistakes").await;
    fill_in(&browser).await;
    browser.click(SIGN_UP).await;
    browser.find("[name=code]").await;
    browser.fill("code", &site.code("ada@example.org").await).await;
    browser.click("button[name=method]").await;
    browser.click("a.button").await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn sign_up_by_keyboard_alone() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    site.open(&browser).await;

    browser.press(&format!("{TAB}ada@example.org{TAB}{TAB}{TAB}correct horse{ENTER}")).await;
    arrives(&browser, "Verify your address").await;
    let code = site.code("ada@example.org").await;
    browser.press(&format!("{TAB}{code}{TAB}{ENTER}")).await;
    arrives(&browser, "Your address is verified").await;
    browser.press(&format!("{TAB}{ENTER}")).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn going_back_and_reloading_after_sign_up_repeats_nothing() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    fill_in(&browser).await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;

    browser.reload().await;
    arrives(&browser, "You are signed up").await;
    // Whoever is signed in is led on from the old form.
    browser.back().await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    let posts = site.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("POST")).count();
    assert_eq!(posts, 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn reloading_a_refused_page_sends_nothing_again() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    browser.fill("traits.email", "ada").await;
    browser.click(SIGN_UP).await;
    browser.find(".mistakes").await;
    let posts = || site.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("POST")).count();
    let before = posts();

    browser.reload().await;
    browser.find(".mistakes").await;

    assert_eq!((before, posts()), (1, 1));
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    let first = browser.open_tab().await;
    site.open(&browser).await;

    browser.fill("traits.email", "bob").await;
    browser.click(SIGN_UP).await;
    browser.find(".mistakes").await;
    browser.switch(&first).await;
    assert!(browser.all(".mistakes").await.is_empty());
    fill_in(&browser).await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn an_expired_form_goes_on_with_a_new_one() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    fill_in(&browser).await;
    site.clock.advance(time::Duration::hours(2));

    browser.click(SIGN_UP).await;
    browser.find(".mistakes").await;
    assert!(browser.text(".mistakes").await.contains("The form had expired."));
    assert_eq!(browser.property("[name=\"traits.email\"]", "value").await, "ada@example.org");
    assert_eq!(browser.property("[name=password]", "value").await, "");
    browser.fill("password", "correct horse").await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

/// Browsers hold a form to its policy through every redirect behind it.
#[tokio::test]
async fn a_return_url_at_another_origin_is_reached_and_one_that_no_policy_names_is_not() {
    let Some(browser) = Browser::take().await else { return };
    let shop = Site::at("shop.localhost", "/auth", |_, builder| builder).await;
    let end = format!("{}/registered", shop.base);
    let site = Site::start(|builder| builder.allow_return_url(&end)).await;
    let query: String = form_urlencoded::byte_serialize(end.as_bytes()).collect();
    browser.go(&format!("{}/registration?return_to={query}", site.base)).await;

    fill_in(&browser).await;
    browser.click(SIGN_UP).await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(browser.url().await, end);
    nothing_to_complain(&browser).await;
    site.open(&browser).await;
    let elsewhere = format!("{}/registered", shop.base.replace("shop.", "elsewhere."));
    let script = "document.body.innerHTML = `<form method=post action='${arguments}'><button>x</button></form>`";
    browser.go(&format!("{}/registered", site.base)).await;
    browser.script(&script.replace("${arguments}", &elsewhere)).await;
    browser.click("button").await;
    browser.complains(&["Content Security Policy"]).await;
}

#[tokio::test]
async fn without_cookies_the_page_says_what_to_do_and_does_not_go_in_circles() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| builder).await;
    site.open(&browser).await;
    let page = browser.url().await;
    browser.cdp("Network.clearBrowserCookies", serde_json::json!({})).await;

    browser.go(&page).await;
    assert!(browser.text(".card").await.contains("Allow cookies for this site"));
    browser.click("a.button").await;
    arrives(&browser, "Create your account").await;

    nothing_to_complain(&browser).await;
}
