use uuid::Uuid;

use super::*;
use crate::identity::{Address, IdentityId};

fn rendered(kind: LetterKind, via: Channel) -> Rendered {
    let to = Address::new(via, if via == Channel::Email { "ada@example.org" } else { "+4915112345678" });
    let traits = json!({ "email": "ada@example.org", "name": "<b>buy pills at http://evil.example.com</b>" });
    BuiltIn::new().render(&Model {
        id: Uuid::nil(),
        kind,
        identity: Some(IdentityId::new(Uuid::max())).filter(|_| kind != LetterKind::RegistrationCode),
        to: &to,
        code: Some("012345"),
        link: Some("https://app.example.org/self-service/verification?code=012345&flow=f"),
        expires_in_minutes: 60,
        domain: "app.example.org",
        traits: &traits,
        transient: &json!({}),
        request_url: "https://app.example.org/self-service/registration/api",
        request_headers: &json!({}),
    })
}

#[test]
fn subjects_and_words_are_the_contracts() {
    let code = rendered(LetterKind::RegistrationCode, Channel::Email);
    let verify = rendered(LetterKind::VerificationCode, Channel::Email);
    let link = rendered(LetterKind::VerificationLink, Channel::Email);

    assert_eq!(code.subject(), "Use code 012345 to complete your account registration");
    assert!(code.text().contains("with the following code:\n\n012345\n\nThis code expires in 60 minutes.\n"));
    assert_eq!(verify.subject(), "Use code 012345 to verify your account");
    assert!(verify.text().find("012345").unwrap() < verify.text().find("http").unwrap());
    assert_eq!(link.subject(), "Please verify your email address");
    assert!(link.text().contains("This link expires in 60 minutes."));
}

#[test]
fn a_text_message_ends_with_the_host_that_the_code_is_for() {
    let code = rendered(LetterKind::RegistrationCode, Channel::Sms);

    let text = "Your registration code is: 012345\n\nIt expires in 60 minutes.\n\n@app.example.org #012345\n";
    assert_eq!((code.subject(), code.text(), code.html()), ("", text, None));
}

#[test]
fn m2_nothing_a_person_typed_stands_in_a_letter() {
    for kind in [
        LetterKind::RegistrationCode,
        LetterKind::VerificationCode,
        LetterKind::VerificationLink,
        LetterKind::UnknownAddressCode,
        LetterKind::UnknownAddressLink,
    ] {
        for via in [Channel::Email, Channel::Sms] {
            let letter = rendered(kind, via);
            let all = format!("{}{}{}", letter.subject(), letter.text(), letter.html().unwrap_or_default());
            assert!(!all.contains("pills") && !all.contains("evil"), "{kind:?}");
        }
    }
}

#[test]
fn facts_are_named_as_gateways_know_them() {
    let traits = json!({ "email": "ada@example.org", "name": "<b>buy pills at http://evil.example.com</b>" });
    let whole = json!({ "id": Uuid::max(), "traits": traits });
    let data = |kind, via, name: &str| rendered(kind, via).data().get(name).cloned();

    for via in [Channel::Email, Channel::Sms] {
        assert_eq!(data(LetterKind::VerificationCode, via, "identity"), Some(whole.clone()), "{via:?}");
        assert_eq!(data(LetterKind::UnknownAddressCode, via, "identity"), None);
    }
    assert_eq!(data(LetterKind::VerificationLink, Channel::Email, "identity"), Some(whole));
    assert_eq!(data(LetterKind::RegistrationCode, Channel::Email, "traits"), Some(traits.clone()));
    assert_eq!(data(LetterKind::RegistrationCode, Channel::Sms, "identity"), Some(traits));
}

#[test]
fn links_are_links_in_html_and_escaped() {
    let letter = rendered(LetterKind::VerificationCode, Channel::Email);

    assert!(letter.html().unwrap().contains("verification?code=012345&amp;flow=f\">https://app"));
}
