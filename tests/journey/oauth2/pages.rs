//! The library's own pages let a browser go on to clients that nobody here knows.

use tower_registration::Verification;
use tower_registration::testing::{App, UI};

use super::{app_with, sent, server};

fn form_action(policy: &str) -> String {
    policy.split(';').map(str::trim).find(|rule| rule.starts_with("form-action")).unwrap().to_owned()
}

#[tokio::test]
async fn forms_may_lead_to_any_page_of_the_web_once_there_is_an_oauth2_server() {
    let server = server();
    let own = |builder: tower_registration::Builder| {
        builder.registration_ui("").verification(Verification::by_code(format!("{UI}/verify")))
    };
    let with = app_with(&server, own);
    let without = App::with(|builder| own(builder.method(tower_registration::methods::Password::new()))).unwrap();
    let query = sent(&server, &mut server.visitor()).await;

    let mut browser = with.browser();
    let begun = browser.get(&format!("/self-service/registration/browser?{query}")).await;
    let page = browser.follow(begun.location()).await;
    let mut browser = without.browser();
    let begun = browser.get("/self-service/registration/browser").await;
    let plain = browser.follow(begun.location()).await;

    assert_eq!((page.status(), plain.status()), (200, 200));
    let targets = form_action(page.header("content-security-policy"));
    assert!(targets.split(' ').any(|target| target == "https:") && !targets.contains(" http: "), "{targets}");
    let targets = form_action(plain.header("content-security-policy"));
    assert!(!targets.split(' ').any(|target| target == "https:"), "{targets}");
}
