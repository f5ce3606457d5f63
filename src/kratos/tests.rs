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
            "selfservice.flows.registration.before.hooks.0.config.url",
        ),
        ("/hashers/algorithm", json!("bcrypt"), "hashers.algorithm"),
        ("/hashers/argon2/memory", json!("much"), "hashers.argon2.memory"),
        ("/cookies/secure", json!(true), "cookies.secure"),
        ("/secrets/cookie", json!(["short"]), "secrets.cookie"),
        ("/oauth2_provider/url", json!("127.0.0.1:4445"), "oauth2_provider.url"),
        ("/oauth2_provider/nonsense", json!(1), "oauth2_provider.nonsense"),
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
    for pointer in
        ["/log", "/serve/admin", "/courier/templates", "/selfservice/flows/login", "/selfservice/methods/totp"]
    {
        load(&with(pointer, json!({ "anything": 1 }))).unwrap();
    }
}

#[test]
fn codes_that_people_sign_up_with_are_on_whatever_the_other_switch_says() {
    let built = |code: Value| {
        let memory = crate::memory::Memory::new();
        let loaded = load(&with("/selfservice/methods/code", code)).unwrap();
        let built = loaded.builder.storage(memory.clone()).identities(memory).build().unwrap();
        format!("{built:?}").contains("\"code\"")
    };

    assert!(built(json!({ "enabled": false, "passwordless_enabled": true })));
    assert!(!built(json!({ "enabled": true, "passwordless_enabled": false })));
    assert!(!built(json!({ "enabled": false })));
}

#[test]
fn letters_by_text_message_need_somebody_who_carries_them() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "phone": { "type": "string", "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "sms" } } } } } } } });
    let mut file = file();
    file["identity"]["schemas"][0]["url"] = base64(&schema.to_string());
    // Whoever signs people up with codes has switched codes on.
    file["selfservice"]["methods"]["code"] = json!({ "enabled": false, "passwordless_enabled": true });
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

#[cfg(feature = "smtp")]
#[test]
fn the_server_of_the_courier_carries_emails() {
    let verification = json!({ "enabled": true, "ui_url": "http://127.0.0.1:4455/verify" });
    let built = |smtp: Value| {
        let mut file: Value =
            serde_json::from_str(&with("/selfservice/flows/verification", verification.clone())).unwrap();
        file["identity"]["schemas"][0]["url"] = schema_with_verification().into();
        file["courier"] = json!({ "smtp": smtp });
        let memory = crate::memory::Memory::new();
        load(&file.to_string()).unwrap().builder.storage(memory.clone()).identities(memory).build()
    };

    assert!(built(json!({ "connection_uri": "smtp://127.0.0.1:2525/?disable_starttls=true" })).is_ok());
    assert!(built(json!({ "from_name": "Example" })).unwrap_err().to_string().contains("courier"));
}

#[cfg(feature = "smtp")]
fn schema_with_verification() -> String {
    use base64::Engine as _;
    let email = json!({ "type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": { "password": { "identifier": true } }, "verification": { "via": "email" } } });
    let schema = json!({ "type": "object", "properties": { "traits": {
        "type": "object", "properties": { "email": email } } } });
    format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(schema.to_string()))
}

#[cfg(feature = "smtp")]
#[test]
fn what_the_courier_cannot_do_is_named() {
    let cases = [
        ("connection_uri", json!("http://mail.example.org/"), "connection_uri"),
        ("connection_uri", json!("smtp://ada:hunter2@mail.example.org/?auth=plain"), "connection_uri"),
        ("from_address", json!("Example"), "from_address"),
        ("from_name", json!("a\nb"), "from_name"),
        ("local_name", json!("a b"), "local_name"),
        ("headers", json!({ "Bcc": "eve@example.net" }), "headers"),
        ("headers", json!({ "X-Source": 1 }), "headers.X-Source"),
        ("client_cert_path", json!("/nowhere/cert.pem"), "client_cert_path"),
        ("client_key_path", json!("/nowhere/key.pem"), "client_key_path"),
        ("frm_name", json!("Example"), "frm_name"),
    ];
    for (name, value, key) in cases {
        let error = load(&with(&format!("/courier/smtp/{name}"), value)).unwrap_err();

        assert_eq!(error.key(), format!("courier.smtp.{key}"));
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[cfg(feature = "webauthn")]
mod keys {
    use super::*;

    fn with_keys(method: &str, config: Value) -> String {
        with(&format!("/selfservice/methods/{method}"), json!({ "enabled": true, "config": config }))
    }

    fn rp() -> Value {
        json!({ "id": "localhost", "display_name": "Example", "origins": ["http://localhost:4455"] })
    }

    #[test]
    fn the_settings_of_keys_are_taken_over() {
        let passkey = json!({
            "rp": rp(),
            "authenticator_selection": { "attachment": "platform", "resident_key": "preferred",
                "user_verification": "required" },
            "attestation": { "preference": "indirect" },
            "timeouts": { "registration": "90s", "login": "1m" },
        });
        let older = json!({ "passwordless": true, "rp": { "id": "localhost", "display_name": "Example",
            "origin": "http://localhost:4455", "icon": "https://example.org/icon.png" } });

        for file in [with_keys("passkey", passkey), with_keys("webauthn", older)] {
            let memory = crate::memory::Memory::new();
            let builder = load(&file).unwrap().builder.storage(memory.clone()).identities(memory);
            assert!(builder.build().is_ok());
        }
    }

    #[test]
    fn a_key_without_its_party_or_with_an_unknown_word_is_named() {
        let rp = rp();
        let cases = [
            ("passkey", json!({}), "passkey.config.rp.id"),
            ("passkey", json!({ "rp": { "id": "localhost" } }), "passkey.config.rp.display_name"),
            (
                "passkey",
                json!({ "rp": rp, "authenticator_selection": { "attachment": "x" } }),
                "passkey.config.authenticator_selection.attachment",
            ),
            (
                "passkey",
                json!({ "rp": rp, "authenticator_selection": { "resident_key": "x" } }),
                "passkey.config.authenticator_selection.resident_key",
            ),
            (
                "passkey",
                json!({ "rp": rp, "authenticator_selection": { "user_verification": 1 } }),
                "passkey.config.authenticator_selection.user_verification",
            ),
            (
                "passkey",
                json!({ "rp": rp, "attestation": { "preference": "x" } }),
                "passkey.config.attestation.preference",
            ),
            (
                "passkey",
                json!({ "rp": rp, "timeouts": { "registration": "x" } }),
                "passkey.config.timeouts.registration",
            ),
            ("passkey", json!({ "rp": rp, "nonsense": 1 }), "passkey.config.nonsense"),
            ("webauthn", json!({ "passwordless": true }), "webauthn.config.rp.id"),
            (
                "webauthn",
                json!({ "passwordless": true, "rp": { "id": "localhost", "display_name": "Example",
                    "origin": "http://localhost", "origins": ["http://localhost"] } }),
                "webauthn.config.rp.origin",
            ),
        ];
        for (method, config, key) in cases {
            let error = load(&with_keys(method, config)).unwrap_err();

            assert_eq!(error.key(), format!("selfservice.methods.{key}"));
        }
    }

    #[test]
    fn a_second_factor_is_no_way_to_register() {
        let file = with_keys("webauthn", json!({ "passwordless": false, "rp": rp() }));

        let memory = crate::memory::Memory::new();
        let registration = load(&file).unwrap().builder.storage(memory.clone()).identities(memory).build().unwrap();
        assert!(!format!("{registration:?}").contains("webauthn"));
    }
}
