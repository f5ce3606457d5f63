use serde_json::{Value, json};

use super::*;

fn file() -> Value {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } } } } });
    let url = base64(&schema.to_string());
    json!({
        "dsn": "memory",
        "serve": { "public": { "base_url": "http://127.0.0.1:4433/" } },
        "secrets": { "cookie": ["a secret that is as long as it has to be"] },
        "identity": { "schemas": [{ "id": "default", "url": url }] },
        "selfservice": {
            "default_browser_return_url": "http://127.0.0.1:4455/",
            "methods": { "password": { "config": { "haveibeenpwned_enabled": false } } },
            "flows": { "registration": { "after": { "password": { "hooks": [{ "hook": "session" }] } } } }
        }
    })
}

fn base64(text: &str) -> Value {
    use base64::Engine as _;
    format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text)).into()
}

fn with(pointer: &str, value: Value) -> String {
    let mut file = file();
    let mut at = &mut file;
    for name in pointer.split('/').skip(1) {
        at = at.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}));
    }
    *at = value;
    file.to_string()
}

#[test]
fn a_file_becomes_a_builder() {
    let loaded = load(&file().to_string()).unwrap();

    assert_eq!(loaded.listen, Listen { host: String::new(), port: 4433 });
    assert!(loaded.cors.is_none());
    let memory = crate::memory::Memory::new();
    assert!(loaded.builder.storage(memory.clone()).identities(memory).build().is_ok());
}

#[test]
fn a_key_that_would_change_a_registration_is_named() {
    let cases = [
        ("/selfservice/methods/saml/enabled", json!(true), "selfservice.methods.saml.enabled"),
        ("/selfservice/flows/registration/style", json!("x"), "selfservice.flows.registration.style"),
        ("/selfservice/flows/registration/lifespan", json!("1 day"), "selfservice.flows.registration.lifespan"),
        ("/selfservice/flows/registration/lifespam", json!("1h"), "selfservice.flows.registration.lifespam"),
        (
            "/selfservice/flows/registration/before/hooks",
            json!([{ "hook": "web_hook" }]),
            "selfservice.flows.registration.before.hooks.0.hook",
        ),
        ("/hashers/algorithm", json!("bcrypt"), "hashers.algorithm"),
        ("/hashers/argon2/memory", json!("much"), "hashers.argon2.memory"),
        ("/cookies/secure", json!(true), "cookies.secure"),
        ("/secrets/cookie", json!(["short"]), "secrets.cookie"),
        ("/oauth2_provider/url", json!("http://127.0.0.1:4445"), "oauth2_provider.url"),
        ("/nonsense", json!(1), "nonsense"),
        ("/clients/htttp", json!({}), "clients.htttp"),
        ("/clients/http/disallow_private_ip_ranges", json!("yes"), "clients.http.disallow_private_ip_ranges"),
        ("/clients/http/private_ip_exception_urls", json!(["http://[a-z]/"]), "clients.http.private_ip_exception_urls"),
        (
            "/selfservice/methods/password/config/max_breaches",
            json!(101),
            "selfservice.methods.password.config.max_breaches",
        ),
        (
            "/selfservice/methods/password/config/haveibeenpwned_host",
            json!("https://pwned.example"),
            "selfservice.methods.password.config.haveibeenpwned_host",
        ),
        ("/identity/schemas", json!([{ "id": "x", "url": "https://example.org/x.json" }]), "identity.schemas.0.url"),
    ];
    for (pointer, value, key) in cases {
        assert_eq!(load(&with(pointer, value)).unwrap_err().key(), key);
    }
}

#[test]
fn keys_about_other_things_are_ignored() {
    for pointer in ["/log", "/serve/admin", "/courier/smtp", "/selfservice/flows/login", "/selfservice/methods/totp"] {
        load(&with(pointer, json!({ "anything": 1 }))).unwrap();
    }
}

#[test]
fn letters_by_text_message_need_somebody_who_carries_them() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "phone": { "type": "string", "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "sms" } } } } } } } });
    let mut file = file();
    file["identity"]["schemas"][0]["url"] = base64(&schema.to_string());
    file["selfservice"]["methods"]["code"] = json!({ "passwordless_enabled": true });
    let built = |file: &Value| {
        let memory = crate::memory::Memory::new();
        load(&file.to_string()).unwrap().builder.storage(memory.clone()).identities(memory).build()
    };

    let without = built(&file).unwrap_err().to_string();
    file["courier"] = json!({ "channels": [{ "id": "sms", "type": "http", "request_config": {
        "url": "https://sms.example.org/", "method": "POST", "body": base64("function(ctx) ctx") } }] });
    let with = built(&file);

    assert!(without.contains("Channel::Sms"), "{without}");
    match cfg!(feature = "sms") {
        true => assert!(with.is_ok()),
        false => assert!(with.unwrap_err().to_string().contains("feature `sms`")),
    }
}

#[test]
fn keys_of_the_courier_that_do_not_fit_are_named() {
    let cases = [
        ("/courier/delivery_strategy", json!("pigeon"), "courier.delivery_strategy"),
        ("/courier/message_retries", json!("many"), "courier.message_retries"),
        ("/courier/channels", json!([{ "id": "fax" }]), "courier.channels.0.id"),
        ("/courier/channels", json!([{ "id": "sms", "type": "smtp" }]), "courier.channels.0.type"),
        ("/courier/channels", json!([{ "id": "sms", "nonsense": 1 }]), "courier.channels.0.nonsense"),
        ("/courier/template_override_path", json!("/templates"), "courier.template_override_path"),
        ("/courier/templates/registration_code", json!({ "valid": {} }), "courier.templates.registration_code"),
        ("/courier/templates/verification", json!({ "invalid": {} }), "courier.templates.verification"),
        ("/courier/nonsense", json!(1), "courier.nonsense"),
    ];
    for (pointer, value, key) in cases {
        assert_eq!(load(&with(pointer, value)).unwrap_err().key(), key);
    }
    let beside =
        [("/courier/worker/pull_count", json!(9)), ("/courier/templates/recovery_code", json!({ "valid": {} }))];
    for (pointer, value) in beside {
        load(&with(pointer, value)).unwrap();
    }
}

#[cfg(feature = "sms")]
#[test]
fn what_a_gateway_cannot_be_is_named_and_not_repeated() {
    let auth = |kind: &str, config: Value| json!({ "type": kind, "config": config });
    let key = |value: &str, place: &str| json!({ "name": "key", "value": value, "in": place });
    let cases = [
        ("url", json!("canary"), "url"),
        ("url", Value::Null, "url"),
        ("method", json!("CAN ARY"), "method"),
        ("headers", json!({ "x-key": 1 }), "headers.x-key"),
        ("headers", json!({ "x-key": "canary\n" }), "headers"),
        ("headers", json!({ "Content-Type": "text/canary" }), "headers"),
        ("auth", auth("digest", json!({})), "auth.type"),
        ("auth", auth("basic_auth", json!({ "user": "ada" })), "auth.config.password"),
        ("auth", auth("api_key", key("canary", "query")), "auth.config.in"),
        ("auth", auth("api_key", key("canary\n", "header")), "auth"),
        ("auth", auth("api_key", json!({ "name": "key", "in": "header" })), "auth.config.value"),
        ("body", base64("function(ctx) canary"), "body"),
        ("body", base64("{"), "body"),
        ("body", json!("base64://%%%"), "body"),
        ("body", json!("https://example.org/body.jsonnet"), "body"),
        ("body", json!("file:///nowhere/body.jsonnet"), "body"),
        ("retries", json!(3), "retries"),
    ];
    for (name, value, key) in cases {
        let mut request = json!({ "url": "https://sms.example.org/", "method": "POST" });
        request[name] = value;
        for (pointer, section) in [
            ("/courier/channels", json!([{ "id": "sms", "type": "http", "request_config": request }])),
            ("/courier", json!({ "delivery_strategy": "http", "http": { "request_config": request } })),
        ] {
            let error = load(&with(pointer, section)).unwrap_err();
            let place = if pointer == "/courier" { "courier.http" } else { "courier.channels.0" };
            assert_eq!(error.key(), format!("{place}.request_config.{key}"));
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}

#[test]
fn another_base_url_can_be_given() {
    let loaded = load_at(&file().to_string(), "http://127.0.0.1:4433/auth/").unwrap();

    assert!(format!("{:?}", loaded.builder).contains("/auth/"));
}

#[test]
fn the_check_for_leaks_is_on_unless_it_is_said() {
    let silent = load(&with("/selfservice/methods/password/config", json!({})));
    let without_passwords = with("/selfservice/methods/password", json!({ "enabled": false }));

    let key = "selfservice.methods.password.config.haveibeenpwned_enabled";
    let fault = (!cfg!(feature = "breach-http")).then_some(key);
    assert_eq!(silent.err().as_ref().map(LoadError::key), fault);
    assert!(load(&without_passwords).is_ok());
}
