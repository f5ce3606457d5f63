//! What a host chooses: its own pages, its looks, its words, its templates; and what stands in the head of an answer.

use tower_registration::html::{Language, Pages};
use tower_registration::testing::{App, Client, ClientKind};
use tower_registration::{BuildError, Verification, methods::Password};

use super::document::attribute;
use super::{app, app_with_codes, below, own_pages, visit};

fn with_pages(pages: Pages) -> Result<App, BuildError> {
    App::with(|builder| own_pages(builder).method(Password::new()).pages(pages))
}

fn fault(pages: Pages) -> String {
    with_pages(pages).unwrap_err().to_string()
}

#[tokio::test]
async fn a_host_with_urls_of_its_own_gets_no_pages() {
    let app = App::with(|builder| {
        builder.method(Password::new()).verification(Verification::by_code("https://app.example.org/verify"))
    });
    let app = app.unwrap();
    let layered = axum::Router::new().fallback(async || "host").layer(app.registration().layer());
    let mut browser = Client::new(layered, "/auth", ClientKind::Browser);

    for path in ["/registration", "/verification", "/error", "/registered"] {
        assert_eq!(browser.get(path).await.body(), "host", "{path}");
    }
}

#[tokio::test]
async fn each_page_gives_way_by_itself() {
    let app = App::with(|builder| builder.method(Password::new()).registration_ui(""));
    let mut browser = app.unwrap().browser();

    let own = visit(&mut browser, "/registration").await;
    let others = [browser.get("/error").await, browser.get("/registered").await];

    assert_eq!(own.status, 200);
    assert!(others.iter().all(|reply| reply.status() == 404));
}

#[tokio::test]
async fn a_page_carries_a_strict_policy_and_names_only_what_is_there() {
    let app = app_with_codes();
    let mut browser = app.browser();
    let begun = browser.get("/self-service/registration/browser").await;

    let page = browser.get(below(begun.location())).await;

    let policy = "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
                  form-action 'self' https://app.example.org";
    assert_eq!(page.header("content-security-policy"), policy);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(page.header("permissions-policy"), "publickey-credentials-create=(self)");
    assert_eq!(page.header("cache-control"), "private, no-cache, no-store, must-revalidate");
    assert_eq!(page.header("vary"), "Origin, Cookie, Accept, Accept-Language");
    assert!(page.header("strict-transport-security").starts_with("max-age="));
    let page = super::Document::of(&page);
    assert_eq!(page.tags("script").len() + page.tags("style").len(), 0);
    assert!(page.all(|node| attribute(node, "style").is_some()).is_empty());
}

#[tokio::test]
async fn the_style_sheet_has_its_digest_in_its_name_and_may_be_kept() {
    let app = app(|builder| builder);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let path = attribute(&page.tags("link")[0], "href").unwrap();

    let sheet = browser.get(below(&path)).await;
    let older = browser.get("/registration/style-0000000000000000.css").await;

    assert_eq!((sheet.status(), older.status()), (200, 404));
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(sheet.header("x-content-type-options"), "nosniff");
    assert!(sheet.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn the_visitor_chooses_the_language_unless_the_host_does() {
    let app = app(|builder| builder);
    let german =
        visit(&mut app.browser().with_header("accept-language", "xx, de-CH;q=0.9, en;q=0.8"), "/registered").await;
    let arabic = visit(&mut app.browser().with_header("accept-language", "ar"), "/registered").await;
    let chosen = axum::Router::new().fallback_service(app.registration()).layer(axum::Extension(Language::new("fr")));
    let mut browser = Client::new(chosen, "/auth", ClientKind::Browser).with_header("accept-language", "de");
    let french = visit(&mut browser, "/registered").await;

    let told = |page: &super::Document| {
        let html = &page.tags("html")[0];
        (attribute(html, "lang").unwrap(), attribute(html, "dir").unwrap(), page.only("h1"))
    };
    assert_eq!(told(&german), ("de".to_owned(), "ltr".to_owned(), "Sie sind registriert".to_owned()));
    assert_eq!(told(&arabic), ("ar".to_owned(), "rtl".to_owned(), "تم تسجيلك".to_owned()));
    assert_eq!(told(&french).2, "Vous êtes inscrit");
}

#[tokio::test]
async fn a_host_changes_words_and_offers_some_languages() {
    let words = "title_registered = Willkommen an Bord\ntraits.email = Anschrift im Netz";
    let app = with_pages(Pages::new().languages(["de", "en"]).words("de", words)).unwrap();
    let mut browser = app.browser().with_header("accept-language", "fr");

    let page = visit(&mut browser, "/registration").await;
    let end = visit(&mut browser, "/registered").await;

    assert_eq!(page.label("traits.email"), "Anschrift im Netz");
    assert_eq!(end.only("h1"), "Willkommen an Bord");
}

#[tokio::test]
async fn a_host_replaces_a_template_and_shows_words_of_its_own() {
    let source = "{% extends \"layout.html\" %}{% block content %}<p class=\"own\">{{ text.own_hello }} {{ site.name }}</p>{% endblock %}";
    let pages =
        Pages::new().name("<Ada>").words("en", "own_hello = Hello & welcome to").template("registered.html", source);
    let app = with_pages(pages).unwrap();

    let page = visit(&mut app.browser(), "/registered").await;

    assert_eq!(page.said("own"), ["Hello & welcome to <Ada>"]);
}

#[tokio::test]
async fn name_logo_colour_and_home_are_shown() {
    let pages = Pages::new().name("Bakery").logo("https://cdn.example.org/logo.svg").home("/shop").accent("#b45309");
    let app = with_pages(pages.allow_form_target("https://pay.example.org")).unwrap();
    let mut browser = app.browser();

    let reply = browser.get("/registered").await;
    let page = super::Document::of(&reply);
    let sheet = browser.get(below(&attribute(&page.tags("link")[0], "href").unwrap())).await;

    let policy = reply.header("content-security-policy");
    assert!(policy.contains("img-src 'self' https://cdn.example.org;") && policy.ends_with(" https://pay.example.org"));
    assert_eq!(attribute(&page.tags("img")[0], "src").as_deref(), Some("https://cdn.example.org/logo.svg"));
    assert_eq!(attribute(&page.class("button")[0], "href").as_deref(), Some("/shop"));
    assert!(std::str::from_utf8(sheet.body()).unwrap().contains("--accent: #b45309"));
}

#[test]
fn what_cannot_work_is_said_when_the_service_is_built() {
    assert!(fault(Pages::new().template("registered.html", "{% if %}")).contains("`registered.html`"));
    assert!(fault(Pages::new().template("error.html", "{{ page.titel }}")).contains("`error.html`"));
    assert!(fault(Pages::new().template("layout.html", "{{ text.own_missing }}")).contains("undefined"));
    assert!(fault(Pages::new().accent("red")).contains("`red` is no colour"));
    assert!(fault(Pages::new().words("de", "x")).contains("line 1"));
    assert!(fault(Pages::new().allow_form_target("https://a.example.org/x; script-src *")).contains("is no origin"));
}

#[test]
fn without_pages_a_missing_url_says_what_to_do() {
    let app = App::with(|builder| builder.method(Password::new()).default_return_url("x"));

    assert!(app.unwrap_err().to_string().contains("default_return_url"));
}
