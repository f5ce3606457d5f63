//! C2: whatever call of the host fails or hangs, a registration happens as a whole or not at all, the answer says so,
//! and trying again ends well.

use serde_json::json;
use tower_registration::Style;
use tower_registration::host::{HostErrorKind, SystemRandom};
use tower_registration::testing::{Call, Client, ClientKind, Fault, Faults, Reply, When};

use super::host_sessions::HostSessions;
use super::site::{PASSWORD, Site, working};

const ADA: &str = "ada@example.org";

/// Whose sessions the service uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionsOf {
    Library,
    Host,
}

/// One way through a registration.
#[derive(Clone, Copy, Debug)]
struct Story {
    kind: ClientKind,
    style: Style,
    sessions: SessionsOf,
}

/// One request of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Open,
    Profile,
    Register,
    Whoami,
}

const FAULTS: [Fault; 8] = [
    Fault::Before(HostErrorKind::Unavailable),
    Fault::After(HostErrorKind::Unavailable),
    Fault::Before(HostErrorKind::Other),
    Fault::After(HostErrorKind::Other),
    Fault::HangBefore,
    Fault::HangAfter,
    Fault::PanicBefore,
    Fault::PanicAfter,
];

#[tokio::test]
async fn c2_a_native_registration_survives_every_fault() {
    assert!(play_all(ClientKind::Native).await >= 10 * FAULTS.len() * 4);
}

#[tokio::test]
async fn c2_the_registration_of_a_script_survives_every_fault() {
    assert!(play_all(ClientKind::Spa).await >= 10 * FAULTS.len() * 4);
}

#[tokio::test]
async fn c2_the_registration_of_a_browser_survives_every_fault() {
    assert!(play_all(ClientKind::Browser).await >= 10 * FAULTS.len() * 4);
}

/// Plays both styles with both kinds of sessions, and says how many registrations met a fault.
async fn play_all(kind: ClientKind) -> usize {
    let _working = working().await;
    let mut played = 0;
    for style in [Style::Unified, Style::ProfileFirst] {
        for sessions in [SessionsOf::Library, SessionsOf::Host] {
            for fault in FAULTS {
                played += play_until_clean(Story { kind, style, sessions }, fault).await;
            }
        }
    }
    played
}

/// Lets the first call fail, then the second, until a run meets no fault any more.
async fn play_until_clean(story: Story, fault: Fault) -> usize {
    for number in 1..100 {
        let plan = Faults::new();
        plan.set(&[(When::Nth(number), fault)]);
        let site = site(story, &plan);
        play(&site, story, fault, &plan).await;
        if !plan.fired() {
            return number - 1;
        }
    }
    panic!("{story:?}: a hundred calls were not enough");
}

fn site(story: Story, plan: &Faults) -> Site {
    Site::with(|builder, memory| {
        let faulty = plan.around(memory.clone());
        let sessions = plan.around(HostSessions(faulty.clone()));
        let builder = builder.style(story.style).storage(faulty.clone()).identities(faulty);
        if story.sessions == SessionsOf::Host { builder.sessions(sessions) } else { builder }
    })
}

/// Plays the story; a request that meets the fault is sent once more.
async fn play(site: &Site, story: Story, fault: Fault, plan: &Faults) {
    let mut client = site.client(story.kind);
    let mut page = None;
    let acts: &[Act] = match story.style {
        Style::ProfileFirst => &[Act::Open, Act::Profile, Act::Register, Act::Whoami],
        _ => &[Act::Open, Act::Register, Act::Whoami],
    };
    for act in acts {
        let (mut reply, met) = attempt(&mut client, *act, page.as_ref(), plan).await;
        let place = format!("{story:?} {fault:?} at {} in {act:?}", plan.victim().map_or("", Call::as_str));
        whole(site, &place);
        if met && !(forgiven(story, *act, fault, plan) && reply.is_some()) {
            if let Some(reply) = &reply {
                told(site, reply, fault, &place).await;
            }
            if *act == Act::Register && site.rows().identities == 1 {
                taken(&mut client, page.as_ref().unwrap(), plan, &place).await;
                break;
            }
            (reply, _) = attempt(&mut client, *act, page.as_ref(), plan).await;
        }
        let reply = reply.unwrap();
        assert!(succeeded(&reply, story, *act), "{place}: {reply:?}");
        if matches!(act, Act::Open | Act::Profile) {
            page = Some(reply);
        }
    }
    let rows = site.rows();
    assert_eq!((rows.identities, rows.sessions, rows.spent), (1, 1, 1), "{story:?} {fault:?} {:?}", plan.calls());
}

/// Sends one request. Nothing comes back when a call hung: then the client went away.
async fn attempt(client: &mut Client, act: Act, page: Option<&Reply>, plan: &Faults) -> (Option<Reply>, bool) {
    let before = plan.fired();
    let reply = tokio::select! {
        reply = perform(client, act, page) => Some(reply),
        () = plan.hung() => None,
    };
    (reply, !before && plan.fired())
}

async fn perform(client: &mut Client, act: Act, page: Option<&Reply>) -> Reply {
    let traits = json!({ "email": ADA });
    match act {
        Act::Open => client.open().await,
        Act::Profile => {
            let moved = client.submit(page.unwrap(), json!({ "method": "profile", "traits": traits })).await;
            client.page(moved).await
        }
        Act::Register => {
            let answer = json!({ "method": "password", "password": PASSWORD, "traits": traits });
            let done = client.submit(page.unwrap(), answer).await;
            if let Some(token) = done.at("/session_token").as_str() {
                *client = client.clone().with_header("x-session-token", token);
            }
            done
        }
        Act::Whoami => client.get_json("/sessions/whoami").await,
    }
}

fn succeeded(reply: &Reply, story: Story, act: Act) -> bool {
    match act {
        Act::Open => reply.status() == 200,
        // The second page is a refusal for JSON, and shown again to a browser.
        Act::Profile => {
            let status = if story.kind == ClientKind::Browser { 200 } else { 400 };
            (reply.status(), reply.messages()) == (status, vec![1040009])
        }
        Act::Register if story.kind == ClientKind::Browser => {
            reply.status() == 303 && reply.location() == "https://app.example.org/welcome"
        }
        Act::Register | Act::Whoami => reply.status() == 200,
    }
}

/// A browser that begins a flow is taken for signed out when its session cannot be read; a panic is nobody's answer.
fn forgiven(story: Story, act: Act, fault: Fault, plan: &Faults) -> bool {
    let panics = matches!(fault, Fault::PanicBefore | Fault::PanicAfter);
    act == Act::Open && story.kind != ClientKind::Native && plan.victim() == Some(Call::Current) && !panics
}

/// Compares the answer to a request that met the fault: it says that the host is away, or that something is broken.
async fn told(site: &Site, reply: &Reply, fault: Fault, place: &str) {
    let away = matches!(fault, Fault::Before(HostErrorKind::Unavailable) | Fault::After(HostErrorKind::Unavailable));
    let expected = if away { 503 } else { 500 };
    if reply.status() == 303 {
        // A navigating browser is led to the page that shows the error.
        let id = reply.location_parameter("id").unwrap_or_else(|| panic!("{place}: {reply:?}"));
        let kept = site.native().get_json(&format!("/self-service/errors?id={id}")).await;
        assert_eq!(kept.at("/error/code"), expected, "{place}: {kept:?}");
    } else if away {
        assert_eq!(reply.status(), 503, "{place}: {reply:?}");
        assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{place}: {reply:?}");
    } else {
        // A native client hears of inner errors with 400 around the code 500.
        assert!(matches!(reply.status(), 400 | 500), "{place}: {reply:?}");
        assert_eq!(reply.at("/error/code"), 500, "{place}: {reply:?}");
    }
}

/// All or nothing: an identity, its session and the flow it came from.
fn whole(site: &Site, place: &str) {
    let rows = site.rows();
    let counts = [rows.identities, rows.sessions, rows.spent];
    assert!(counts == [0; 3] || counts == [1; 3], "{place}: {rows:?}");
}

/// The commit happened and its answer was lost: whoever sends the form again hears that the address is taken.
async fn taken(client: &mut Client, page: &Reply, plan: &Faults, place: &str) {
    let (again, _) = attempt(client, Act::Register, Some(page), plan).await;
    let shown = client.page(again.unwrap()).await;
    assert_eq!(shown.messages(), [4000007], "{place}: {shown:?}");
}

#[tokio::test]
async fn c2_without_randomness_nothing_is_promised_to_a_native_client() {
    assert!(without_randomness(ClientKind::Native).await > 4);
}

#[tokio::test]
async fn c2_without_randomness_nothing_is_promised_to_a_script() {
    assert!(without_randomness(ClientKind::Spa).await > 6);
}

/// Lets the first draw fail, then the second, until a run draws less often; says how often that was.
async fn without_randomness(kind: ClientKind) -> usize {
    for number in 1..40 {
        let plan = Faults::new();
        plan.set(&[(When::Nth(number), Fault::Before(HostErrorKind::Unavailable))]);
        let site = Site::with(|builder, _| builder.random(plan.around(SystemRandom::new())));
        let mut client = site.client(kind);

        let opened = client.open().await;
        let page = if opened.status() == 503 { client.open().await } else { opened.clone() };
        let first = perform(&mut client, Act::Register, Some(&page)).await;
        whole(&site, &format!("{kind:?} {number}"));
        let committed = site.rows().identities == 1;
        let done = if committed { first.clone() } else { perform(&mut client, Act::Register, Some(&page)).await };

        let refused = [&opened, &first].into_iter().filter(|reply| reply.status() == 503).count();
        assert_eq!(refused, usize::from(plan.fired()), "{kind:?} {number}");
        // A browser's session is there before its next secret is drawn.
        let in_time = done.status() == 200 || kind == ClientKind::Spa && client.whoami().await.is_some();
        assert!(in_time && whole_and_there(&site), "{kind:?} {number}: {done:?}");
        if !plan.fired() {
            return number - 1;
        }
    }
    panic!("forty draws were not enough");
}

fn whole_and_there(site: &Site) -> bool {
    let rows = site.rows();
    [rows.identities, rows.sessions, rows.spent] == [1; 3]
}
