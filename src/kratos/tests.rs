use serde_json::{Value, json};

use super::*;

fn file() -> Value {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } } } } });
    use base64::Engine as _;
    let url = format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(schema.to_string()));
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
        ("/selfservice/methods/oidc/enabled", json!(true), "selfservice.methods.oidc.enabled"),
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
fn another_base_url_can_be_given() {
    let loaded = load_at(&file().to_string(), "http://127.0.0.1:4433/auth/").unwrap();

    assert!(format!("{:?}", loaded.builder).contains("/auth/"));
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
