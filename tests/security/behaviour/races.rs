//! R1: whoever is faster, one identifier makes one identity and one flow makes at most one.
//!
//! At most sixteen requests are under way at once. A client that is told to come back does so when it was told to.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tower_registration::Schema;
use tower_registration::testing::{Client, ClientKind, Reply};

use super::site::{PASSWORD, Rows, Site, sign_up, working};

const AT_ONCE: usize = 16;
const KINDS: [ClientKind; 3] = [ClientKind::Native, ClientKind::Spa, ClientKind::Browser];

/// How a submission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Registered,
    /// The identifier belongs to somebody else.
    Taken,
    /// The flow became somebody else.
    Replaced,
}

/// Submits until the answer is another one than "come back later".
async fn persist(mut client: Client, page: &Reply, answer: &Value, gate: &Semaphore) -> End {
    for _ in 0..20 {
        let permit = gate.acquire().await.unwrap();
        let reply = client.submit(page, answer.clone()).await;
        drop(permit);
        if reply.status() != 503 {
            return end(&mut client, page, reply).await;
        }
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&seconds), "{reply:?}");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    panic!("twenty tries were not enough");
}

async fn end(client: &mut Client, page: &Reply, reply: Reply) -> End {
    match reply.status() {
        200 => End::Registered,
        303 if reply.location() == "https://app.example.org/welcome" => End::Registered,
        303 if reply.location_parameter("flow") != page.flow_id() => End::Replaced,
        410 => End::Replaced,
        400 | 302 => {
            // A browser's page is shared by all who submit the flow: it shows what was said last.
            let shown = client.page(reply).await;
            assert_eq!(shown.messages(), [4000007], "{shown:?}");
            End::Taken
        }
        status => panic!("{status}: {reply:?}"),
    }
}

/// Lets these submissions run, in this order as far as there is room, and collects their ends by group.
async fn race(entries: Vec<(usize, Client, Reply, Value)>) -> Vec<Vec<End>> {
    let groups = entries.iter().map(|(group, ..)| group + 1).max().unwrap_or_default();
    let (gate, mut all) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for (group, client, page, answer) in entries {
        let gate = Arc::clone(&gate);
        all.spawn(async move { (group, persist(client, &page, &answer, &gate).await) });
    }
    let mut ends = vec![Vec::new(); groups];
    while let Some(joined) = all.join_next().await {
        let (group, end) = joined.unwrap();
        ends[group].push(end);
    }
    ends
}

/// Sixteen flows for each of these people, each to be answered in one of four spellings.
async fn entries(site: &Site, people: &[[Value; 4]]) -> Vec<(usize, Client, Reply, Value)> {
    let mut entries = Vec::new();
    for (group, spellings) in people.iter().enumerate() {
        for number in 0..AT_ONCE {
            let mut client = site.client(KINDS[number % KINDS.len()]);
            let page = client.open().await;
            let answer = json!({ "method": "password", "password": PASSWORD, "traits": spellings[number / 4] });
            entries.push((group, client, page, answer));
        }
    }
    entries
}

fn count(ends: &[End], end: End) -> usize {
    ends.iter().filter(|own| **own == end).count()
}

fn one_of_each(ends: &[Vec<End>]) {
    for (person, ends) in ends.iter().enumerate() {
        assert_eq!(count(ends, End::Registered), 1, "{person}: {ends:?}");
        assert_eq!(count(ends, End::Taken), AT_ONCE - 1, "{person}: {ends:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_an_address_makes_one_identity_however_it_is_spelt() {
    let _working = working().await;
    let site = Site::new();
    let spellings = |n: usize| {
        let texts = [
            format!("ada-{n}@example.org"),
            format!("ADA-{n}@EXAMPLE.ORG"),
            format!("Ada-{n}@example.org"),
            format!("ada-{n}@Example.Org"),
        ];
        texts.map(|email| json!({ "email": email }))
    };
    let people: Vec<[Value; 4]> = (0..250).map(spellings).collect();

    let ends = race(entries(&site, &people).await).await;

    one_of_each(&ends);
    let Rows { identities, sessions, spent, .. } = site.rows();
    assert_eq!((identities, sessions, spent), (250, 250, 250));
}

const NAMED: &str = r#"{ "type": "object", "properties": { "traits": { "type": "object", "required": ["name"],
    "properties": { "name": { "type": "string", "ory.sh/kratos": {
        "credentials": { "password": { "identifier": true }, "webauthn": { "identifier": true } } } } } } } }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_name_makes_one_identity_however_it_is_spelt() {
    let _working = working().await;
    let schema = Schema::parse("named", NAMED).unwrap();
    let site = Site::with(|builder, _| builder.schema(schema).default_schema("named"));
    let spellings = |n: usize| {
        let texts = [
            format!("lovelace{n}"),
            format!("LoveLace{n}"),
            format!("ｌｏｖｅｌａｃｅ{n}"),
            format!(" love\u{200b}lace{n} "),
        ];
        texts.map(|name| json!({ "name": name }))
    };
    let people: Vec<[Value; 4]> = (0..250).map(spellings).collect();

    let ends = race(entries(&site, &people).await).await;

    one_of_each(&ends);
    let Rows { identities, sessions, spent, .. } = site.rows();
    assert_eq!((identities, sessions, spent), (250, 250, 250));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_flow_makes_one_identity_whoever_submits_it() {
    let _working = working().await;
    let site = Site::new();
    let mut entries = Vec::new();
    for flow in 0..200 {
        let mut client = site.client(KINDS[flow % KINDS.len()]);
        let page = client.open().await;
        for number in 0..AT_ONCE {
            let person = if number % 2 == 0 { flow } else { 1_000 * (flow + 1) + number };
            let answer = sign_up(&format!("ada-{person}@example.org"));
            entries.push((flow, client.clone(), page.clone(), answer));
        }
    }

    let ends = race(entries).await;

    for (flow, ends) in ends.iter().enumerate() {
        assert_eq!(count(ends, End::Registered), 1, "{flow}: {ends:?}");
    }
    let Rows { identities, sessions, spent, .. } = site.rows();
    assert_eq!((identities, sessions, spent), (200, 200, 200));
    let replaced: usize = ends.iter().map(|ends| count(ends, End::Replaced)).sum();
    let taken: usize = ends.iter().map(|ends| count(ends, End::Taken)).sum();
    assert!(replaced >= 200 * 8 && taken + replaced == 200 * 15, "{replaced} {taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_sixteen_flows_that_start_together_for_one_address_make_one_identity() {
    let _working = working().await;
    for _ in 0..20 {
        let (site, barrier) = (Site::new(), Arc::new(Barrier::new(AT_ONCE)));
        let mut all = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (mut client, barrier) = (site.native(), Arc::clone(&barrier));
            all.spawn(async move {
                let page = client.open().await;
                barrier.wait().await;
                client.submit(&page, sign_up("ada@example.org")).await.status()
            });
        }

        let statuses = all.join_all().await;

        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 503)), "{statuses:?}");
        let Rows { identities, sessions, spent, .. } = site.rows();
        assert_eq!((identities, sessions, spent), (1, 1, 1));
    }
}
