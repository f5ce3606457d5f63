//! No claim sets what the mapper does not name.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::{Map, Value, json};
use tower_registration::host::Kind;

use super::{WELCOME, begin, plain_app, provider};
use crate::inputs::chance::{block_on, for_all};

/// Names that an attacker would try, and values of every kind.
fn claims() -> impl Strategy<Value = Map<String, Value>> {
    let names = prop_oneof![
        Just("traits".to_owned()),
        Just("identity".to_owned()),
        Just("metadata_public".to_owned()),
        Just("metadata_admin".to_owned()),
        Just("verified_addresses".to_owned()),
        Just("email_verified".to_owned()),
        Just("external_id".to_owned()),
        Just("state".to_owned()),
        Just("schema_id".to_owned()),
        Just("name".to_owned()),
        Just("__proto__".to_owned()),
        "[a-z_]{1,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,20}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(names, value, 0..10).prop_map(|members| members.into_iter().collect())
}

#[test]
fn o2_a_claim_sets_nothing_that_the_mapper_does_not_name() {
    for_all(claims(), |mut claims| {
        for fixed in ["iss", "aud", "azp", "exp", "iat", "nbf"] {
            claims.remove(fixed);
        }
        claims.extend([("sub".to_owned(), json!("1")), ("email".to_owned(), json!("ada@example.org"))]);
        let shown = Value::Object(claims.clone());
        let provider = provider();
        provider.set_claims(shown.clone());
        // A claim of this name is the kit's way to refuse.
        if claims.contains_key("error") {
            return Ok(());
        }
        let app = plain_app(&provider);
        let location = block_on(async {
            let mut ada = app.browser();
            let back = begin(&mut ada, &provider, "local").await;
            ada.follow(&back).await.location().to_owned()
        });

        proptest::prop_assert_eq!(location, WELCOME, "{}", &shown);
        let identity = app.identities().remove(0);
        proptest::prop_assert_eq!(identity.traits(), &json!({ "email": "ada@example.org", "name": {} }), "{}", &shown);
        let known = format!("{identity:?}");
        proptest::prop_assert!(
            known.contains("external_id: None") && known.contains("metadata_public: None"),
            "{}",
            known
        );
        proptest::prop_assert!(known.contains("state: Pending") && known.contains("state: Active"), "{}", known);
        proptest::prop_assert_eq!(app.memory().count(Kind::Session), 1);
        Ok(())
    });
}
