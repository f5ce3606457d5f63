//! How pages look, and what password managers see.

use serde_json::json;

use super::driver::Browser;
use super::nothing_to_complain;
use super::site::{BAD_FORM, Site, in_two_steps, with_codes};

const WIDE: &str = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// The least contrast of any words on the page to what is behind them.
const CONTRAST: &str = "
const parse = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255, c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
const ground = node => { for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor); if (colour[3] !== 0) return colour; } return [255, 255, 255]; };
const words = [...document.body.querySelectorAll('*')].filter(node => node.checkVisibility() &&
    [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()));
return Math.min(...words.map(node => { const [a, b] = [parse(getComputedStyle(node).color), ground(node)].map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));";

async fn show_mistakes(browser: &Browser, site: &Site) {
    site.open(browser).await;
    browser.fill("traits.email", "an-address-that-is-so-long-that-no-narrow-screen-can-hold-it-in-one-line@").await;
    browser.click("button[value=password]").await;
    browser.find(".mistakes").await;
}

#[tokio::test]
async fn nothing_scrolls_sideways_at_320_pixels_in_any_language() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    browser.size(320, 640).await;
    for code in ["en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ar", "ja"] {
        browser.language(code).await;
        show_mistakes(&browser, &site).await;

        assert_eq!(browser.script("return document.documentElement.lang").await, code);
        assert_eq!(browser.script(WIDE).await, 0, "{code}");
        let small = "return [...document.querySelectorAll('button, input:not([type=hidden])')]
            .filter(node => node.checkVisibility() && node.getBoundingClientRect().height < 24).length";
        assert_eq!(browser.script(small).await, 0, "{code}: targets of 24 pixels");
    }
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn words_are_readable_in_light_and_in_the_dark() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    show_mistakes(&browser, &site).await;
    let ground = "return getComputedStyle(document.body).backgroundColor";

    let light = (browser.script(CONTRAST).await.as_f64().unwrap(), browser.script(ground).await);
    browser.prefer_dark().await;
    let dark = (browser.script(CONTRAST).await.as_f64().unwrap(), browser.script(ground).await);

    assert!(light.0 >= 4.5 && dark.0 >= 4.5, "{light:?} {dark:?}");
    assert_ne!(light.1, dark.1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn arabic_runs_from_right_to_left() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    browser.language("ar").await;
    site.open(&browser).await;

    let sides = "const card = document.querySelector('.card').getBoundingClientRect();
        const words = document.createRange(); words.selectNodeContents(document.querySelector('h1'));
        const box = words.getBoundingClientRect();
        return [getComputedStyle(document.documentElement).direction, card.right - box.right < box.left - card.left]";
    assert_eq!(browser.script(sides).await, json!(["rtl", true]));
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn a_wide_screen_keeps_lines_short() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(with_codes).await;
    browser.size(2560, 1200).await;
    site.open(&browser).await;

    let width = browser.script("return document.querySelector('main').getBoundingClientRect().width").await;
    assert!(width.as_f64().unwrap() < 600.0, "{width}");
    assert_eq!(browser.script(WIDE).await, 0);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn the_browser_has_nothing_to_say_about_the_forms() {
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| in_two_steps(with_codes(builder))).await;
    browser.go(&format!("{}{BAD_FORM}", site.origin)).await;
    // The audit finds what is wrong.
    browser.complains(&["[DOM]"]).await;

    site.open(&browser).await;
    nothing_to_complain(&browser).await;
    browser.fill("traits.email", "ada@example.org").await;
    browser.click("button[value=profile]").await;
    browser.find("[name=password]").await;
    nothing_to_complain(&browser).await;
    assert_eq!(browser.property("[autocomplete=username]", "value").await, "ada@example.org");
    assert_eq!(browser.property("[name=password]", "autocomplete").await, "new-password");
    browser.click("button[value=code]").await;
    browser.find("[name=code]").await;
    assert_eq!(browser.property("[name=code]", "autocomplete").await, "one-time-code");
    nothing_to_complain(&browser).await;
}
