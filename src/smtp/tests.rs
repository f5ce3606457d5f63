use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::host::Model;
use crate::identity::{Address, Channel};
use crate::mail::LetterKind;

const FROM: &str = "no-reply@example.org";

fn courier() -> SmtpBuilder {
    SmtpCourier::builder("mail.example.org", FROM)
}

fn letter(to: &Address, subject: &str, text: &str) -> Rendered {
    let model = Model {
        id: Uuid::from_u128(7),
        kind: LetterKind::RegistrationCode,
        identity: None,
        to,
        code: None,
        link: None,
        expires_in_minutes: 60,
        domain: "",
        traits: &Value::Null,
        transient: &Value::Null,
        request_url: "",
        request_headers: &Value::Null,
    };
    Rendered::new(&model, subject, text)
}

fn ada() -> Address {
    Address::new(Channel::Email, "ada@example.org")
}

fn written(courier: SmtpBuilder, letter: &Rendered) -> String {
    let mail = courier.build().unwrap().sender.write(letter).unwrap();
    String::from_utf8(mail.bytes).unwrap()
}

/// The names of the headers, before the first empty line.
fn headers(mail: &str) -> Vec<&str> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    let begins = |line: &&str| !line.starts_with([' ', '\t']);
    head.split("\r\n").filter(begins).map(|line| line.split(':').next().unwrap()).collect()
}

#[test]
fn a_letter_has_the_headers_of_the_contract_and_an_id_of_its_own() {
    let mail = written(
        courier().from_name("Exämple"),
        &letter(&ada(), "Use code 012345", "Hello.\n").with_html("<p>Hello.</p>"),
    );

    assert_eq!(headers(&mail), ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]);
    assert!(mail.contains("\r\nTo: ada@example.org\r\nSubject: Use code 012345\r\n"), "{mail}");
    assert!(mail.contains("\r\nMessage-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n"), "{mail}");
    assert!(mail.contains("Content-Type: multipart/alternative;"), "{mail}");
    assert!(mail.find("text/plain").unwrap() < mail.find("text/html").unwrap());
}

#[test]
fn without_html_a_letter_is_text() {
    let mail = written(courier(), &letter(&ada(), "Hello", "Hello."));

    assert!(mail.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"), "{mail}");
    assert!(!mail.contains("multipart"));
}

#[test]
fn a_host_can_add_headers_but_take_the_place_of_none() {
    let mail = written(courier().header("X-SES-SOURCE-ARN", "arn:aws:ses:x"), &letter(&ada(), "Hello", "Hello."));
    let refused =
        |name: &str, value: &str| matches!(courier().header(name, value).build(), Err(SmtpError::Header { .. }));

    assert!(mail.contains("\r\nX-SES-SOURCE-ARN: arn:aws:ses:x\r\n"), "{mail}");
    assert!(refused("BCC", "eve@example.net") && refused("X-A", "b\r\nBcc: eve@example.net"));
    assert!(refused("X-A: b\r\nBcc", "eve@example.net") && refused("", "x") && refused("X A", "x"));
}

#[test]
fn an_address_is_written_to_as_it_stands_or_not_at_all() {
    let whole = ["ada@example.org", "a+b=c!#$%&'*-/?^_`{|}~@x-y.example", "a@b", "ü@example.org", "ada@bücher.example"];
    let other = [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example.org,eve@example.net",
        "ada@example.org, eve@example.net",
        "eve@example.net@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "list:ada@example.org;",
        "@example.net:ada@example.org",
        "\"ada\"@example.org",
        "\"a>\r\nRCPT TO:<eve@example.net>\"@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.net",
        "ada@example.org\r\nDATA",
        "ada@example.org ",
        " ada@example.org",
        "ada@[127.0.0.1]",
        "ada(comment)@example.org",
        "ada@example.org SIZE=1",
        ".ada@example.org",
        "ada..b@example.org",
        "ada@example..org",
        "ada@example.org.",
        "ada\u{0}@example.org",
        "ada\u{a0}b@example.org",
        "eve\u{ff20}example.net@example.org",
        "ada@example.org\u{ff0c}eve",
        "\u{ff41}da@example.org",
        "ada@ex\u{ff41}mple.org",
        &format!("{}@example.org", "a".repeat(65)),
        &format!("a@{}.org", "b".repeat(260)),
    ];

    for text in whole {
        assert_eq!(letter::parse(text).map(|address| address.to_string()).as_deref(), Some(text));
    }
    for text in other {
        assert!(letter::parse(text).is_none(), "{text:?}");
    }
    assert!(courier().build().unwrap().sender.write(&letter(&Address::new(Channel::Sms, "+4911"), "", "")).is_err());
}

#[tokio::test]
async fn an_address_that_cannot_be_written_to_is_given_up() {
    let nowhere = courier().tls(Tls::Plain).build().unwrap();
    let to = Address::new(Channel::Email, "\"ada lovelace\"@example.org");

    let error = nowhere.deliver(&letter(&to, "Hello", "Hello.")).await.unwrap_err();

    assert!(error.is_for_good());
    assert!(!format!("{error:?}").contains("lovelace"));
}

#[test]
fn a_connection_uri_says_everything_about_the_server() {
    let read = |uri: &str| SmtpCourier::from_uri(uri, FROM).unwrap().build().unwrap();
    let is =
        |courier: &SmtpCourier, host: &str, port: u16| (courier.server.host == host) && courier.server.port == port;
    let security = |courier: &SmtpCourier| match courier.server.security {
        connection::Security::Plain => Tls::Plain,
        connection::Security::StartTls(..) => Tls::StartTls,
        connection::Security::Implicit(..) => Tls::Implicit,
    };

    let whole =
        read("smtps://ada%40example.org:p%3Aw%2F%C3%BC@mail.example.org:1465/?skip_ssl_verify=true&server_name=x.org");
    assert!(is(&whole, "mail.example.org", 1465) && security(&whole) == Tls::Implicit);
    let (user, password) = whole.server.credentials.as_ref().unwrap();
    assert_eq!((user.as_str(), secrecy::ExposeSecret::expose_secret(password)), ("ada@example.org", "p:w/ü"));
    let plain = read("smtp://127.0.0.1:2525/?disable_starttls=true");
    assert!(is(&plain, "127.0.0.1", 2525) && security(&plain) == Tls::Plain && plain.server.credentials.is_none());
    let short = read("smtp://mail.example.org");
    assert!(is(&short, "mail.example.org", 587) && security(&short) == Tls::StartTls);
    assert!(is(&read("smtps://[::1]/?disable_starttls=0"), "::1", 465));
    assert!(is(&read("smtp://localhost/?disable_starttls=1"), "localhost", 25));
}

#[test]
fn a_connection_uri_that_cannot_be_is_refused_without_being_repeated() {
    for (uri, why) in [
        ("mail.example.org:25", "begins with"),
        ("http://mail.example.org", "begins with"),
        ("smtp://", "host"),
        ("smtp:///path", "host"),
        ("smtp://mail.example.org:99999/", "port"),
        ("smtp://mail.example.org/inbox", "behind the port"),
        ("smtp://:secret@mail.example.org/", "no user"),
        ("smtp://ada:%ff@mail.example.org/", "UTF-8"),
        ("smtp://ada:secret@mail.example.org/?disable_starttls=maybe", "disable_starttls"),
        ("smtp://ada:secret@mail.example.org/?legacy_ssl=true", "legacy_ssl"),
    ] {
        let error = SmtpCourier::from_uri(uri, FROM).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("secret"), "{uri}: {error}");
    }
}

#[test]
fn settings_that_cannot_be_are_named() {
    let refused = |builder: SmtpBuilder| builder.build().unwrap_err().to_string();

    assert!(refused(SmtpCourier::builder("x", "not an address")).contains("not an address"));
    assert!(refused(SmtpCourier::builder("x", "ü@example.org")).contains("cannot come from"));
    assert!(refused(courier().from_name("a\r\nBcc: eve@example.net")).contains("from_name"));
    assert!(refused(courier().local_name("a b")).contains("local_name"));
    assert!(refused(SmtpCourier::builder("a b", FROM)).contains("server_name"));
    assert!(refused(courier().root_certificate("no PEM")).contains("certificate"));
    assert!(refused(courier().client_certificate("no PEM", SecretString::from("x"))).contains("certificate"));
    assert!(refused(courier().time_limit(time::Duration::ZERO)).contains("time_limit"));
}

#[test]
fn g1_nothing_secret_is_printed() {
    let builder = courier().credentials("ada", SecretString::from("hunter2"));

    let printed = format!("{builder:?}{:?}", builder.clone().build().unwrap());

    assert!(!printed.contains("hunter2"), "{printed}");
}

proptest! {
    /// Whatever templates make of a letter: its headers are the fixed ones, and lines end as they must.
    #[test]
    fn f13_headers_are_fixed_and_no_line_end_is_bare(
        subject in any::<String>(),
        text in "(\\PC|[\r\n.\u{0}\u{85}\u{2028}]){0,200}",
        html in proptest::option::of(any::<String>()),
    ) {
        let mut letter = letter(&ada(), &subject, &text);
        if let Some(html) = html {
            letter = letter.with_html(html);
        }

        let mail = courier().build().unwrap().sender.write(&letter).unwrap();

        let text = String::from_utf8(mail.bytes).unwrap();
        prop_assert!(text.is_ascii() && !text.contains('\0'));
        prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998));
        let fixed = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"];
        let names: Vec<&str> = headers(&text).into_iter().filter(|name| *name != "Content-Transfer-Encoding").collect();
        prop_assert_eq!(names, fixed);
    }
}
