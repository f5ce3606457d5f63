//! Nothing that a person, a hook, a schema or a setting brings breaks out of its place on a page.

use async_trait::async_trait;
use http::Method;
use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tower_registration::host::{Hook, HookContext};
use tower_registration::html::Pages;
use tower_registration::identity::Draft;
use tower_registration::message::{Message, MessageKind};
use tower_registration::methods::Password;
use tower_registration::testing::App;
use tower_registration::{Schema, Stop, Style};

use super::document::{Document, attributes, name};
use super::{below, own_pages, visit};

/// What pages are drawn with: elements and attributes beyond these came from somewhere else.
const TAGS: [&str; 24] = [
    "html", "head", "meta", "title", "link", "body", "main", "div", "img", "span", "h1", "h2", "p", "ul", "li", "a",
    "form", "input", "label", "select", "option", "button", "details", "summary",
];
const ATTRIBUTES: [&str; 32] = [
    "lang",
    "dir",
    "charset",
    "name",
    "content",
    "rel",
    "href",
    "class",
    "src",
    "alt",
    "role",
    "aria-labelledby",
    "tabindex",
    "autofocus",
    "id",
    "action",
    "method",
    "novalidate",
    "type",
    "value",
    "autocomplete",
    "inputmode",
    "step",
    "autocapitalize",
    "spellcheck",
    "aria-describedby",
    "aria-invalid",
    "required",
    "for",
    "checked",
    "selected",
    "hidden",
];

/// Texts that would like to be more than texts.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "/",
        "`",
        "=",
        " ",
        "\n",
        "</title>",
        "</option>",
        "<script>x</script>",
        "<img src=x>",
        " onclick=x ",
        "javascript:x",
        "{{ site }}",
        "{% raw %}",
        "{reason}",
        "&quot;",
        "-->",
        "\u{0}",
        "\u{202e}",
        "ü",
        "a",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(str::to_owned);
    let any_text = any::<char>().prop_map(String::from);
    let part = prop::strategy::Union::new_weighted(vec![(4, piece.boxed()), (1, any_text.boxed())]);
    prop::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
}

/// Refuses everybody with these words, on the page and at a field.
struct Says(String);

#[async_trait]
impl Hook for Says {
    async fn before_create(&self, _: &HookContext<'_>, _: &mut Draft) -> Result<(), Stop> {
        let words = || Message::custom(9_000_001, MessageKind::Error, self.0.clone());
        let note = Message::custom(9_000_002, MessageKind::Info, self.0.clone());
        Err(Stop::refuse([words().on_page(), words().at("traits.name"), note.on_page()]))
    }
}

fn app(text: &str) -> Option<App> {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "required": ["email"],
        "properties": {
            "email": { "type": "string", "format": "email", "title": text,
                "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
            "name": { "type": "string", "title": text },
            "choice": { "type": "string", "enum": [text, "x"], "title": text },
        } } } });
    let schema = Schema::parse("person", &schema.to_string()).ok()?;
    let pages =
        Pages::new().name(text).logo(text).home(text).words("en", format!("own_x = x{}", text.replace('\n', " ")));
    let app = App::bare(|builder| {
        let builder = own_pages(builder).schema(schema).method(Password::new()).style(Style::Unified);
        builder.hook(Says(text.to_owned())).pages(pages)
    });
    // A logo that no header can name is refused when the service is built.
    app.ok()
}

/// Only what the templates write is on the page, and the text is found where it belongs.
fn check(page: &Document, text: &str) {
    for node in page.all(|_| true) {
        assert!(TAGS.contains(&name(&node).as_str()), "<{}>\n{}", name(&node), page.text);
        for (attribute, value) in attributes(&node) {
            assert!(ATTRIBUTES.contains(&attribute.as_str()), "{attribute}\n{}", page.text);
            let leads = matches!(attribute.as_str(), "href" | "action") && name(&node) != "a";
            assert!(!leads || value.starts_with("https://app.example.org/"), "{attribute}={value}");
        }
    }
    assert_eq!(page.tags("script").len() + page.tags("style").len() + page.tags("iframe").len(), 0, "{text:?}");
}

/// Draws every page with this text in every place; false where no service can be built with it.
async fn journey(text: String) -> bool {
    let Some(app) = app(&text) else { return false };
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    check(&page, &text);
    let typed = [("traits.email", "ada@example.org"), ("traits.name", text.as_str()), ("password", "correct horse")];
    let refused = super::send(&mut browser, &page, &typed, ("method", "password")).await;
    check(&refused, &text);
    let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let wrong = browser.get(&format!("/registration?return_to={escaped}")).await;
    let wrong = super::follow(&mut browser, wrong).await;
    check(&wrong, &text);
    let flow = browser.send(Method::GET, &format!("/registration?flow={escaped}"), None, "text/html").await;
    assert!(below(flow.location()).starts_with("/self-service/registration/browser"));
    check(&visit(&mut browser, "/registered").await, &text);
    true
}

#[test]
fn nothing_breaks_out_of_its_place() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });

    let drawn = std::cell::Cell::new(0);
    let run = runner.run(&hostile(), |text| {
        drawn.set(drawn.get() + usize::from(runtime.block_on(journey(text))));
        Ok(())
    });

    run.unwrap();
    assert!(drawn.get() > 40, "only {} texts were tried", drawn.get());
}
