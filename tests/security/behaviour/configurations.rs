//! G5: a service that cannot work, or would be weak, is not built, or says so.

use time::Duration;
use tower_registration::form::Submission;
use tower_registration::identity::MethodId;
use tower_registration::memory::Memory;
use tower_registration::methods::{Context, Method, Password, Slot, Step};
use tower_registration::page::{Field, View};
use tower_registration::testing::{BASE_URL, PERSON};
use tower_registration::{
    After, Builder, CookieSettings, Hashing, Registration, SameSite, Schema, Secret, SessionSettings, Stop,
};

use super::site::choices;

/// A name, what is wrong, and what the refusal must tell.
type Bad = (&'static str, fn() -> Builder, &'static str);

/// Everything that a good service has, at this base URL.
fn complete(base_url: &str) -> Builder {
    let memory = Memory::new();
    choices(base_url).method(Password::new()).storage(memory.clone()).identities(memory)
}

fn good() -> Builder {
    complete(BASE_URL)
}

/// A good service but for what a host forgot.
fn without(part: &str) -> Builder {
    let memory = Memory::new();
    let mut builder = Registration::builder(BASE_URL).hashing(Hashing::new().cost(8, 1));
    let has = |known: &str| part != known;
    if has("secret") {
        builder = builder.secret(secret());
    }
    if has("schema") {
        builder = builder.schema(person());
    }
    if has("method") {
        builder = builder.method(Password::new());
    }
    if has("storage") {
        builder = builder.storage(memory.clone());
    }
    if has("identities") {
        builder = builder.identities(memory);
    }
    builder.registration_ui("/sign-up").error_ui("/sorry").default_return_url("https://app.example.org/")
}

fn person() -> Schema {
    Schema::parse("person", PERSON).unwrap()
}

fn secret() -> Secret {
    Secret::new("uQ3nW7zKx1Lr9TfYb5HsVd2GmAe8PcJ6").unwrap()
}

/// A method of the host with an unlucky name.
struct Named(&'static str);

#[async_trait::async_trait]
impl Method for Named {
    fn id(&self) -> MethodId {
        MethodId::new(self.0)
    }

    fn fields(&self, _: &View<'_>) -> Vec<Field> {
        Vec::new()
    }

    async fn submit(&self, _: &Context<'_>, _: &Submission, _: &mut Slot<'_>) -> Result<Step, Stop> {
        Err(Stop::refuse([]))
    }
}

const BASE_URLS: [Bad; 9] = [
    ("no base URL", || complete(""), "cannot be the base URL"),
    ("a path as base URL", || complete("/auth"), "cannot be the base URL"),
    ("a base URL without scheme", || complete("app.example.org/auth"), "https://app.example.org/auth"),
    ("a host and port as base URL", || complete("localhost:4433"), "neither http nor https"),
    ("another scheme", || complete("ftp://app.example.org/"), "neither http nor https"),
    ("user info in the base URL", || complete("https://u:p@app.example.org/"), "user info"),
    ("a query in the base URL", || complete("https://app.example.org/?a=b"), "query or a fragment"),
    ("a fragment in the base URL", || complete("https://app.example.org/#a"), "query or a fragment"),
    ("plain HTTP", || complete("http://app.example.org/auth"), ".insecure_http()"),
];

const PARTS: [Bad; 12] = [
    ("no secret", || without("secret"), "add `.secret("),
    ("no schema", || without("schema"), "add `.schema("),
    ("no method", || without("method"), ".method(Password::new())"),
    ("no storage", || without("storage"), "add `.storage("),
    ("no identities", || without("identities"), "add `.identities("),
    ("a secret twice", || good().secret(secret()), "given twice"),
    ("two schemas of one name", || good().schema(person()), "two identity schemas are named `person`"),
    ("an unknown default schema", || good().default_schema("customer"), ".default_schema(\"customer\")"),
    ("a method twice", || good().method(Password::new()), "two methods are named `password`"),
    ("a method named profile", || good().method(Named("profile")), "cannot be named `profile`"),
    ("a method named by a button", || good().method(Named("profile:back")), "cannot be named `profile:back`"),
    ("a method without name", || good().method(Named("")), "cannot be named ``"),
];

const URLS: [Bad; 14] = [
    ("a path to return to", || good().default_return_url("/welcome"), "no absolute URL"),
    ("a script to return to", || good().default_return_url("javascript:alert(1)"), "has no host"),
    ("letters outside of ASCII", || good().default_return_url("https://app.example.org/wë"), "percent-encode"),
    ("a line break", || good().registration_ui("https://app.example.org/\nset-cookie: a=b"), "percent-encode"),
    ("a page without host", || good().registration_ui("sign-up"), "no absolute URL"),
    ("a page at another host", || good().registration_ui("//evil.com/sign-up"), "no absolute URL"),
    ("an error page without host", || good().error_ui("data:text/html,x"), "has no host"),
    ("a path after a sign-up", || good().after(After::new().return_url("/app")), "`.after(…)`"),
    (
        "an unknown method's way",
        || good().after_method(&MethodId::new("code"), After::new()),
        "`.after_method(\"code\", …)`",
    ),
    ("every domain of a registry", || good().allow_return_url("https://*.com"), "every domain of a registry"),
    ("everything", || good().allow_return_url("*"), "no absolute URL"),
    ("a path to be allowed", || good().allow_return_url("/app"), "no absolute URL"),
    ("user info to be allowed", || good().allow_return_url("https://u@app.example.org/"), "user info"),
    ("a star inside", || good().allow_return_url("https://a*b.example.org/"), "whole labels"),
];

const COOKIES_AND_ORIGINS: [Bad; 10] = [
    (
        "cookies for all sites without TLS",
        || good().session(SessionSettings::new().cookie_same_site(SameSite::None).insecure_over_http()),
        "SameSite=None",
    ),
    ("cookies of another domain", || good().cookies(CookieSettings::new().domain("example.com")), "`example.com`"),
    ("cookies of a similar domain", || good().cookies(CookieSettings::new().domain("ample.org")), "`ample.org`"),
    ("a session of another domain", || good().session(SessionSettings::new().cookie_domain("x.org")), "`x.org`"),
    ("a cookie without name", || good().session(SessionSettings::new().cookie_name("")), "no name of a cookie"),
    ("a name of two words", || good().session(SessionSettings::new().cookie_name("a b")), "no name of a cookie"),
    ("every origin", || good().cors_origin("*"), "no origin"),
    ("no origin", || good().cors_origin("null"), "no origin"),
    ("an origin with a path", || good().cors_origin("https://app.example.org/x"), "without a path"),
    ("an origin without scheme", || good().cors_origin("app.example.org"), "no origin"),
];

const TIMES_AND_COSTS: [Bad; 6] = [
    ("flows that end at once", || good().lifespan(Duration::ZERO), "`.lifespan(…)`"),
    ("sessions that ended", || good().session(SessionSettings::new().lifespan(-Duration::HOUR)), "`.session(…)`"),
    ("hashes that cost nothing", || good().hashing(Hashing::new().cost(0, 0)), "argon2 refuses the cost"),
    ("hashes without passes", || good().hashing(Hashing::new().cost(19_456, 0)), "argon2 refuses the cost"),
    ("hashes without lanes", || good().hashing(Hashing::new().lanes(0)), "argon2 refuses the cost"),
    ("too little memory", || good().hashing(Hashing::new().memory_budget(1_000)), "the memory budget is 1000"),
];

/// Every one of them is refused, in words that help.
fn all_refused(configurations: &[Bad]) {
    for (what, builder, telling) in configurations {
        let Err(error) = builder().build() else { panic!("{what} was accepted") };
        let text = error.to_string();
        assert!(text.contains(telling), "{what}: {text}");
        assert!(!text.contains("uQ3nW7zKx1Lr9TfYb5HsVd2GmAe8PcJ6"), "{what}: {text}");
    }
}

#[test]
fn g5_base_urls_that_cannot_work_are_refused() {
    all_refused(&BASE_URLS);
}

#[test]
fn g5_missing_doubled_and_misnamed_parts_are_refused() {
    all_refused(&PARTS);
}

#[test]
fn g5_urls_that_lead_nowhere_or_everywhere_are_refused() {
    all_refused(&URLS);
}

#[test]
fn g5_cookies_and_origins_that_browsers_refuse_are_refused() {
    all_refused(&COOKIES_AND_ORIGINS);
}

#[test]
fn g5_times_and_costs_that_mean_nothing_are_refused() {
    all_refused(&TIMES_AND_COSTS);
}

#[test]
fn g5_a_short_secret_is_none() {
    let error = Secret::new([7; 31]).unwrap_err();

    assert_eq!(error.length, 31);
    assert!(error.to_string().contains("at least 32 bytes, but got 31"), "{error}");
    assert!(Secret::new("uQ3nW7zKx1Lr9TfYb5HsVd2GmAe8PcJ6").is_ok());
}

#[test]
fn g5_a_good_configuration_is_built_without_a_word() {
    let built = good().hashing(Hashing::new().threads(1)).build().unwrap();

    assert_eq!(built.warnings(), [] as [String; 0]);
}

/// What a service with this secret warns about.
fn warnings(secret: Secret) -> String {
    let builder = without("secret").hashing(Hashing::new().threads(1)).secret(secret);
    builder.build().unwrap().warnings().join("\n")
}

#[test]
fn g5_a_secret_that_ends_with_the_process_is_warned_about() {
    assert!(warnings(Secret::random_until_restart().unwrap()).contains("end with the process"));
}

#[test]
fn g5_a_secret_that_everybody_knows_is_warned_about() {
    let known = [
        "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE",
        "32-LONG-SECRET-NOT-SECURE-AT-ALL",
        "changemechangemechangemechangeme",
        "this is only a test, this is only a test",
        "00000000000000000000000000000000",
    ];
    for text in known {
        assert!(warnings(Secret::new(text).unwrap()).contains("everybody knows"), "{text}");
    }
}

#[test]
fn g5_an_old_secret_that_everybody_knows_is_warned_about_too() {
    let old = Secret::new("PLEASE-CHANGE-ME-I-AM-VERY-INSECURE").unwrap();

    let built = good().hashing(Hashing::new().threads(1)).secret(old).build().unwrap();

    assert_eq!(built.warnings().len(), 1, "{:?}", built.warnings());
}
