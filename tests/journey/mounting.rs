//! Every way of mounting: axum below a prefix, at the root, behind a fallback, as a layer; a plain hyper server.

use axum::Router;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Client, ClientKind, PERSON};
use tower_registration::{After, BuildError, Builder, Hashing, Registration, Schema, Secret, Style};

use super::ada;

fn builder(base: &str) -> Builder {
    let memory = Memory::new();
    Registration::builder(base)
        .secret(Secret::random_until_restart().unwrap())
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .hashing(Hashing::new().cost(8, 1))
        .style(Style::Unified)
        .after(After::new().session(true))
        .storage(memory.clone())
        .identities(memory)
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url("https://app.example.org/welcome")
}

async fn signs_up(app: Router, prefix: &str) {
    let mut browser = Client::new(app, prefix, ClientKind::Browser);
    let page = browser.open().await;
    assert_eq!(page.status(), 200, "{}", page.json());
    let action = page.at("/ui/action");
    let action = format!("https://app.example.org{prefix}/self-service/registration?flow={}", page.flow_id().unwrap())
        == action.as_str().unwrap();

    let answer = browser.submit(&page, ada()).await;

    assert!(action, "the action lies below the base URL");
    assert_eq!(answer.location(), "https://app.example.org/welcome");
    assert!(browser.whoami().await.is_some());
}

#[tokio::test]
async fn axum_below_a_prefix() {
    let registration = builder("https://app.example.org/auth").build().unwrap();

    signs_up(Router::new().nest_service("/auth", registration), "/auth").await;
}

#[tokio::test]
async fn axum_at_the_root_as_the_fallback() {
    let registration = builder("https://app.example.org").build().unwrap();
    let app = Router::new().route("/", get(async || "home")).fallback_service(registration);

    signs_up(app.clone(), "").await;
    let home = Client::new(app, "", ClientKind::Native).get("/").await;

    assert_eq!(home.body(), "home");
}

#[tokio::test]
async fn a_layer_takes_exactly_its_own_routes() {
    let registration = builder("https://app.example.org").build().unwrap();
    let app = Router::new()
        .route("/sessions/mine", get(async || "mine"))
        .fallback(async || "the host's own 404")
        .layer(registration.layer());

    signs_up(app.clone(), "").await;
    let mut client = Client::new(app, "", ClientKind::Native);
    let mine = client.get("/sessions/mine").await;
    let beside = client.get("/self-service/registrationX").await;
    let posted = client.post_json("/self-service/other", &serde_json::json!({})).await;

    assert_eq!(mine.body(), "mine");
    assert_eq!(beside.body(), "the host's own 404");
    assert_eq!(posted.body(), "the host's own 404");
    assert!(beside.headers().get("content-security-policy").is_none(), "it is passed on untouched");
}

#[tokio::test]
async fn a_layer_below_a_prefix_takes_the_routes_below_it_only() {
    let registration = builder("https://app.example.org/auth").build().unwrap();
    let app = Router::new().fallback(async || "host").layer(registration.layer());

    signs_up(app.clone(), "/auth").await;
    let bare = Client::new(app, "", ClientKind::Native).get("/schemas").await;

    assert_eq!(bare.body(), "host");
}

#[tokio::test]
async fn a_layer_inside_of_a_nested_router_sees_stripped_paths() {
    let registration = builder("https://app.example.org/auth").build().unwrap();
    let inner = Router::new().fallback(async || "host").layer(registration.layer().below_stripped_prefix());

    signs_up(Router::new().nest("/auth", inner), "/auth").await;
}

#[tokio::test]
async fn a_plain_hyper_server_takes_the_value_as_it_is() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    let registration = builder(&site).build().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        http1::Builder::new().serve_connection(TokioIo::new(stream), registration).await.unwrap();
    });
    let client = HttpClient::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<hyper::body::Bytes>>();

    let answer = client.get(format!("{site}/self-service/registration/api").parse().unwrap()).await.unwrap();

    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn cookies_are_named_after_the_base_url_as_it_is_written() {
    let with = App::new().unwrap();
    let mut browser = with.browser();
    let _ = browser.open().await;
    let name = browser.cookies().keys().next().unwrap().clone();

    let registration = builder("http://foo.com/bar").insecure_http().build().unwrap();
    let mut other = Client::new(registration, "/bar", ClientKind::Browser);
    let _ = other.open().await;

    assert!(name.starts_with("csrf_token_"));
    let known = "csrf_token_01c86631efd1537ee34a98e75884a6e21dd8e2d9e944934bca21204106bfd32f";
    assert!(other.cookies().contains_key(known), "{:?}", other.cookies());
}

#[test]
fn a_combination_that_cannot_work_says_what_to_change() {
    let plain = builder("http://app.example.org").build().unwrap_err();
    let nobody = Registration::builder("https://app.example.org").build().unwrap_err();
    let page = builder("https://app.example.org").registration_ui("sign-up").build().unwrap_err();

    assert!(matches!(plain, BuildError::PlainHttp { .. }) && plain.to_string().contains("use https"));
    assert!(nobody.to_string().contains("add for example `.method(Password::new())`"), "{nobody}");
    assert!(page.to_string().contains(".registration_ui"), "{page}");
}
