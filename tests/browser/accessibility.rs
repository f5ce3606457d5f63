//! Every state of every page against axe-core: no violation of WCAG 2.2, levels A and AA.

use serde_json::{Value, json};

use super::driver::{Browser, missing};
use super::site::{Site, in_two_steps, with_codes};

/// Where `scripts/test` puts the npm package.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core/package/axe.min.js");

const RUN: &str = "
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(
    found => done({ passes: found.passes.length, violations: found.violations.map(one =>
        one.id + ': ' + one.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | ')) }),
    error => done({ passes: 0, violations: [String(error)] }));";

struct Axe(String);

impl Axe {
    fn read() -> Option<Self> {
        let source = std::fs::read_to_string(AXE).ok();
        if source.is_none() {
            missing("the npm package axe-core");
        }
        source.map(Self)
    }

    async fn judge(&self, browser: &Browser) -> Value {
        browser.script(&self.0).await;
        browser.script_later(RUN).await
    }

    /// The page that is shown, in light and in the dark, has no fault.
    async fn finds_nothing(&self, browser: &Browser, state: &str) {
        for dark in [false, true] {
            if dark {
                browser.prefer_dark().await;
            }
            let found = self.judge(browser).await;
            assert_eq!(found["violations"], json!([]), "{state}, dark: {dark}");
            assert!(found["passes"].as_u64().unwrap() > 10, "{state}: {found}");
        }
        browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "", "features": [] })).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_found() {
    let Some(axe) = Axe::read() else { return };
    let Some(browser) = Browser::take().await else { return };
    browser.go("data:text/html,<title>x</title><input><p style='color:silver'>hardly to be read</p>").await;

    let found = axe.judge(&browser).await.to_string();

    for rule in ["label:", "color-contrast:", "html-has-lang:"] {
        assert!(found.contains(rule), "{found}");
    }
}

#[tokio::test]
async fn every_state_of_every_page_is_accessible() {
    let Some(axe) = Axe::read() else { return };
    let Some(browser) = Browser::take().await else { return };
    let site = Site::start(|builder| in_two_steps(with_codes(builder))).await;
    for code in ["en", "ar"] {
        browser.cdp("Network.clearBrowserCookies", json!({})).await;
        browser.language(code).await;
        let email = format!("ada.{code}@example.org");

        site.open(&browser).await;
        axe.finds_nothing(&browser, "the first step").await;
        browser.click("button[value=profile]").await;
        browser.find(".mistakes").await;
        axe.finds_nothing(&browser, "mistakes").await;
        browser.fill("traits.email", &email).await;
        browser.click("button[value=profile]").await;
        browser.find("[name=password]").await;
        axe.finds_nothing(&browser, "the second step").await;
        browser.click("button[value=code]").await;
        browser.find("[name=code]").await;
        axe.finds_nothing(&browser, "a code was sent").await;
        browser.click("button[name=screen]").await;
        browser.fill("password", "correct horse").await;
        browser.click("button[value=password]").await;
        browser.find("[name=code]").await;
        axe.finds_nothing(&browser, "the proof of an address").await;
        browser.fill("code", &site.code(&email).await).await;
        browser.click("button[name=method]").await;
        browser.find(".success").await;
        axe.finds_nothing(&browser, "an address is verified").await;
        browser.click("a.button").await;
        browser.comes_to("/registered").await;
        axe.finds_nothing(&browser, "signed up").await;
        browser.go(&format!("{}/error?id=none", site.base)).await;
        axe.finds_nothing(&browser, "an error").await;
    }
}

#[tokio::test]
async fn every_kind_of_field_is_accessible() {
    let Some(axe) = Axe::read() else { return };
    let Some(browser) = Browser::take().await else { return };
    let traits = json!({
        "age": { "type": "integer", "title": "Age" },
        "born": { "type": "string", "format": "date", "title": "Born" },
        "colour": { "type": "string", "enum": ["red", "green"], "title": "Colour" },
        "email": { "type": "string", "format": "email", "title": "E-Mail",
            "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
        "news": { "type": "boolean", "title": "News" },
        "phone": { "type": "string", "format": "tel", "title": "Phone" },
        "seen": { "type": "string", "format": "date-time", "title": "Seen" },
        "terms": { "type": "boolean", "const": true, "title": "Terms" },
        "user_name": { "type": "string" } });
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object",
        "required": ["email", "terms", "colour"], "properties": traits } } });
    let schema = tower_registration::Schema::parse("other", &schema.to_string()).unwrap();
    let site = Site::start(|builder| builder.schema(schema).default_schema("other")).await;
    site.open(&browser).await;
    axe.finds_nothing(&browser, "untouched").await;

    browser.fill("traits.age", "36").await;
    browser.fill("traits.seen", "yesterday").await;
    browser.click("button[value=password]").await;
    browser.find(".mistakes").await;

    assert!(browser.all("[aria-invalid=true]").await.len() >= 4);
    axe.finds_nothing(&browser, "with mistakes").await;
}
