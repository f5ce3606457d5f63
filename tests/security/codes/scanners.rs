//! S5: whoever looks at mail before its reader does, opens links. None of that proves anything.

use http::Method;
use serde_json::json;
use tower_registration::identity::AddressState;
use tower_registration::methods::Password;
use tower_registration::testing::{App, ClientKind, Reply};
use tower_registration::{After, Verification};

use super::ADA;

/// A scanner: its headers, and the verbs that it uses one after the other.
type Scanner = (&'static [(&'static str, &'static str)], &'static [Method]);

const SCANNERS: [Scanner; 6] = [
    (&[], &[Method::GET]),
    (&[], &[Method::HEAD]),
    (&[("sec-purpose", "prefetch"), ("purpose", "prefetch")], &[Method::GET]),
    (&[], &[Method::GET, Method::GET]),
    (&[("user-agent", "Mozilla/5.0 HeadlessChrome"), ("sec-fetch-mode", "navigate")], &[Method::HEAD, Method::GET]),
    (&[("accept", "application/json")], &[Method::GET, Method::OPTIONS]),
];

async fn registered(app: &App) -> (tower_registration::testing::Client, Reply, String) {
    let mut client = app.client(ClientKind::Spa);
    let page = client.open().await;
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": ADA } });
    let done = client.submit(&page, answer).await;
    let page = client.verification_page(done).await;
    app.deliver().await.unwrap();
    let link = app.mailbox().latest_link(ADA).unwrap();
    (client, page, link.strip_prefix("https://app.example.org/auth").unwrap().to_owned())
}

fn state(app: &App) -> AddressState {
    app.identities()[0].verifiable_addresses()[0].state()
}

#[tokio::test]
async fn s5_scanners_prove_nothing_and_the_first_browser_stays() {
    for by_link in [false, true] {
        let verification = match by_link {
            true => Verification::by_link("/verify"),
            false => Verification::by_code("/verify"),
        };
        let app = App::with(|builder| {
            let after = After::new().show_verification_ui(true);
            builder.method(Password::new()).verification(verification).after(after)
        })
        .unwrap();
        let (mut first, page, link) = registered(&app).await;
        let flow = page.flow_id().unwrap();

        for (headers, verbs) in SCANNERS {
            let mut scanner = app.browser();
            for (name, value) in headers {
                scanner = scanner.with_header(name, value);
            }
            for verb in verbs {
                let _ = scanner.send(verb.clone(), &link, None, "*/*").await;
                assert_eq!(state(&app), AddressState::Sent, "{verb} {headers:?}");
            }
        }
        assert_eq!(first.show_verification(&flow).await.status(), 200, "the first browser stays bound");

        // The reader opens it at last, and presses the button.
        let mut reader = app.browser();
        let opened = reader.get(&link).await;
        let page = reader.verification_page(opened).await;
        let field = if by_link { "token" } else { "code" };
        let answer = json!({ "method": page.at("/active"), field: page.value_of(field) });
        let done = reader.submit_verification(&page, answer).await;
        let done = reader.verification_page(done).await;
        assert_eq!(done.at("/state"), "passed_challenge", "{done:?}");
        assert!(matches!(state(&app), AddressState::Verified(_)));
    }
}
