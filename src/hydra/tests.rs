use std::sync::Mutex;

use time::Duration as Life;
use uuid::Uuid;

use super::*;
use crate::host::Unfetched;
use crate::identity::IdentityId;

/// Answers with the same again and again, and remembers what it was asked.
struct Says {
    answer: Result<(u16, &'static str), UnfetchedKind>,
    asked: Mutex<Vec<FetchRequest>>,
}

#[async_trait]
impl Fetch for Says {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        self.asked.lock().unwrap().push(request);
        let (status, body) = self.answer.map_err(|kind| Unfetched::new(kind, "away"))?;
        Ok(Fetched::new(StatusCode::from_u16(status).unwrap()).with_body(body))
    }
}

fn hydra(answer: Result<(u16, &'static str), UnfetchedKind>) -> (Hydra, Arc<Says>) {
    let says = Arc::new(Says { answer, asked: Mutex::default() });
    let hydra = Hydra::builder(Arc::clone(&says), "http://ada:canary@hydra.example.org/x/").header("x-key", "canary");
    (hydra.build().unwrap(), says)
}

fn login() -> AcceptedLogin {
    AcceptedLogin {
        subject: IdentityId::new(Uuid::nil()),
        session: Uuid::max(),
        remember: true,
        remember_for: Life::hours(1),
        amr: vec!["password".to_owned()],
    }
}

#[tokio::test]
async fn the_requests_are_those_of_the_admin_api() {
    let (hydra, says) = hydra(Ok((200, r#"{ "skip": false, "redirect_to": "https://id.example.org/?v=1" }"#)));

    let asked = hydra.login_request("a&b=c").await.unwrap();
    let to = hydra.accept("a&b=c", &login()).await.unwrap();

    assert!(!asked.skip() && to.as_str() == "https://id.example.org/?v=1");
    let asked = says.asked.lock().unwrap();
    let url = "http://hydra.example.org/x/admin/oauth2/auth/requests/login";
    assert_eq!(
        (asked[0].method(), asked[0].url().as_str()),
        (&Method::GET, &*format!("{url}?login_challenge=a%26b%3Dc"))
    );
    let accept = format!("{url}/accept?login_challenge=a%26b%3Dc");
    assert_eq!((asked[1].method(), asked[1].url().as_str()), (&Method::PUT, &*accept));
    assert!(asked[0].headers()["x-key"] == "canary" && asked[0].headers()["authorization"].is_sensitive());
    let body: Value = serde_json::from_slice(asked[1].body()).unwrap();
    let expected = json!({ "subject": Uuid::nil(), "identity_provider_session_id": Uuid::max(), "remember": true,
        "remember_for": 3600, "amr": ["password"] });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_three_times_and_nothing_else() {
    let cases = [
        (Ok((500, "")), 3),
        (Ok((503, "")), 3),
        (Err(UnfetchedKind::TimedOut), 3),
        (Err(UnfetchedKind::Unreachable), 3),
        (Err(UnfetchedKind::TooLarge), 1),
        (Err(UnfetchedKind::Refused), 1),
        (Ok((404, "")), 1),
        (Ok((302, "")), 1),
        (Ok((200, "<html>")), 1),
        (Ok((200, "[]")), 1),
        (Ok((204, "")), 1),
    ];
    for (answer, tries) in cases {
        let (hydra, says) = hydra(answer);

        assert!(hydra.login_request("c").await.is_err(), "{answer:?}");
        assert_eq!(says.asked.lock().unwrap().len(), tries, "{answer:?}");
        assert!(hydra.accept("c", &login()).await.is_err(), "{answer:?}");
        assert_eq!(says.asked.lock().unwrap().len(), 2 * tries, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_has_a_hint_where_there_is_an_error_document() {
    let hint = |error: OAuth2Error| match error {
        OAuth2Error::Refused { hint, .. } => hint,
        OAuth2Error::Unusable(why) => panic!("{why}"),
    };
    let cases = [
        ((404, "{}"), Some("")),
        ((404, r#"{ "error_hint": "Begin again." }"#), Some("Begin again.")),
        ((403, "no"), None),
        ((410, r#"{ "redirect_to": "https://id.example.org/" }"#), None),
    ];
    for (answer, expected) in cases {
        let (hydra, _) = hydra(Ok(answer));

        assert_eq!(hint(hydra.login_request("c").await.unwrap_err()).as_deref(), expected, "{answer:?}");
    }
}

#[test]
fn nothing_shows_logins_and_headers() {
    let (built, _) = hydra(Ok((200, "")));
    let builder = Hydra::builder(Arc::clone(&built.fetch), "https://ada:canary@x/").header("x-key", "canary");

    assert!(!format!("{built:?}{builder:?}").contains("canary"));
    let faults = [
        Hydra::builder(Arc::clone(&built.fetch), "ftp://canary").build(),
        Hydra::builder(Arc::clone(&built.fetch), "https://x/?canary").build(),
        Hydra::builder(Arc::clone(&built.fetch), "https://x/").header("x-key", "canary\n").build(),
        Hydra::builder(Arc::clone(&built.fetch), "https://x/").header("Host", "canary").build(),
    ];
    for fault in faults {
        assert!(!fault.unwrap_err().to_string().contains("canary"));
    }
}
