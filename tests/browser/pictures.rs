//! The pictures of the README, made anew: `scripts/screenshots`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::driver::Browser;
use super::site::{Site, with_codes};

async fn keep(browser: &Browser, name: &str) {
    let height =
        browser.script("return Math.ceil(document.querySelector('main').getBoundingClientRect().bottom)").await;
    browser.size(480, u32::try_from(height.as_u64().unwrap()).unwrap()).await;
    let picture = STANDARD.decode(browser.picture().await).unwrap();
    std::fs::write(format!("{}/docs/{name}.png", env!("CARGO_MANIFEST_DIR")), picture).unwrap();
}

#[tokio::test]
#[ignore = "writes into docs/"]
async fn screenshots() {
    let browser = Browser::take().await.expect("pictures need a browser");
    let site = Site::start(with_codes).await;
    browser.size(480, 900).await;
    site.open(&browser).await;
    browser.fill("traits.email", "ada@example.org").await;
    browser.fill("traits.name.first", "A").await;
    browser.click("button[value=password]").await;
    browser.find(".mistakes").await;
    keep(&browser, "sign-up").await;

    browser.size(480, 900).await;
    browser.language("ar").await;
    browser.prefer_dark().await;
    site.open(&browser).await;
    browser.fill("traits.email", "ada@example.org").await;
    browser.fill("password", "correct horse").await;
    browser.click("button[value=password]").await;
    browser.find("[name=code]").await;
    keep(&browser, "verification-arabic-dark").await;
}
