//! W1, check 17: what is stored of a key is what its authenticator said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower_registration::identity::MethodId;
use tower_registration::methods::Passkey;
use tower_registration::testing::{Authenticator, Ceremony};
use uuid::Uuid;

use super::{app_with, by_passkey, ceremony, party};

/// Signs up with this ceremony; what is stored of the key, and of the credential.
async fn stored(authenticator: Authenticator, change: impl FnOnce(&mut Ceremony)) -> (Ceremony, Value, Value) {
    let app = app_with(Passkey::new(party()));
    let mut client = app.native();
    let page = client.open().await;
    let mut made = ceremony(&authenticator, &page);
    change(&mut made);
    let answer = client.submit(&page, by_passkey("ada@example.org", &made.answer().to_string())).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.json());

    let ada = app.identities().pop().unwrap();
    let credentials = app.memory().credentials(ada.id());
    let credential = credentials.iter().find(|own| *own.kind() == MethodId::new("passkey")).unwrap();
    let config = credential.config().clone();
    assert_eq!(config["credentials"].as_array().unwrap().len(), 1);
    let handle = STANDARD.decode(config["user_handle"].as_str().unwrap()).unwrap();
    assert_eq!(credential.identifiers(), [String::from_utf8(handle).unwrap()]);
    let key = config["credentials"][0].clone();
    (made, key, config)
}

#[tokio::test]
async fn w1_17_everything_the_contract_names_is_kept() {
    let cases = [
        (0x41, 0, vec!["internal"]),
        (0x45, 0, vec!["usb"]),
        (0x49, 1, vec!["usb", "nfc"]),
        (0x4d, 7, vec!["hybrid"]),
        (0x59, 255, vec!["ble"]),
        (0x5d, 256, vec!["internal", "hybrid"]),
        (0x41, 65_536, vec!["smart-card"]),
        (0x45, u32::MAX, vec![]),
        (0x49, 3, vec!["something-new"]),
        (0x4d, 2, vec!["usb", "usb"]),
        (0x59, 9, vec!["nfc"]),
        (0x5d, 10, vec!["cable"]),
    ];
    for (flags, sign_count, transports) in cases {
        let aaguid = Uuid::new_v4();
        let authenticator = Authenticator::new().aaguid(aaguid).transports(&transports);

        let (made, key, _) = stored(authenticator, |made| {
            made.flags = flags;
            made.sign_count = sign_count;
        })
        .await;

        assert_eq!(key["id"], STANDARD.encode(&made.credential_id));
        assert_eq!(key["public_key"], STANDARD.encode(&made.public_key));
        assert_eq!((&key["attestation_type"], &key["is_passwordless"]), (&json!("none"), &json!(true)));
        let authenticator = json!({
            "aaguid": STANDARD.encode(aaguid.as_bytes()), "sign_count": sign_count, "clone_warning": false
        });
        assert_eq!(key["authenticator"], authenticator);
        let bit = |bit: u8| flags & bit != 0;
        let flags = json!({
            "user_present": bit(0x01), "user_verified": bit(0x04), "backup_eligible": bit(0x08),
            "backup_state": bit(0x10),
        });
        assert_eq!(key["flags"], flags);
        let listed = if transports.is_empty() { Value::Null } else { json!(transports) };
        assert_eq!(key.get("transport").cloned().unwrap_or_default(), listed);
        assert!(key.get("attestation").is_none(), "there is nothing to be judged in an empty one");
        assert_eq!(key["display_name"], "");
    }
}

#[tokio::test]
async fn w1_15_a_byte_order_mark_is_no_part_of_the_client_data() {
    let (made, key, _) =
        stored(Authenticator::new(), |made| drop(made.client_data.splice(0..0, *b"\xef\xbb\xbf"))).await;

    assert_eq!(key["id"], STANDARD.encode(&made.credential_id));
}

#[tokio::test]
async fn w1_16_extensions_that_nobody_asked_for_change_nothing() {
    // {"credProtect": 2} and {"hmac-secret": true, "x": [1, {"y": h'00'}]}
    let extensions: [&[u8]; 2] = [b"\xa1\x6bcredProtect\x02", b"\xa2\x6bhmac-secret\xf5\x61x\x82\x01\xa1\x61y\x41\0"];
    for extensions in extensions {
        let (made, key, _) = stored(Authenticator::new(), |made| {
            made.flags |= 0x80;
            made.extensions = extensions.to_vec();
        })
        .await;

        assert_eq!(key["public_key"], STANDARD.encode(&made.public_key), "the key ends where the extensions begin");
    }
}

#[tokio::test]
async fn an_attestation_that_the_key_signs_is_kept_for_the_host() {
    let (made, key, _) = stored(Authenticator::new().attests_itself(), |_| {}).await;

    assert_eq!(key["attestation_type"], "packed");
    let attestation = &key["attestation"];
    assert_eq!(attestation["client_dataJSON"], STANDARD.encode(&made.client_data));
    assert_eq!(attestation["authenticator_data"], STANDARD.encode(made.authenticator_data()));
    assert_eq!(attestation["public_key_algorithm"], -7);
}

#[tokio::test]
async fn the_longest_id_that_is_allowed_is_kept() {
    let (made, key, _) = stored(Authenticator::new(), |made| made.credential_id = vec![7; 1023]).await;

    assert_eq!(key["id"], STANDARD.encode(&made.credential_id));
}
