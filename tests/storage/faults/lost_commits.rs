//! C4: the connection is cut during a commit, before or after the server hears of it. What became of it is found out, or
//! the person is told to come again: nobody is there twice, and nobody hears that they exist before they do.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tower_registration::postgres::PostgresStorage;
use tower_registration::testing::Mailbox;

use super::chance::Chance;
use super::proxy::{Cut, Proxy};
use super::site::{Store, Tables, by_code, come_again, native, password, rounds, service};
use crate::server::server;

/// How the commits went, as the clients saw it.
#[derive(Debug, Default)]
struct Seen {
    /// The answer was there at the first try.
    answered: usize,
    /// Told to come again, and made by the second try.
    made_again: usize,
    /// Told to come again, and then that it had happened.
    had_happened: usize,
}

/// `C4_COMMITS=1000` plays the full size; `SEED` plays the same cuts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_what_became_of_a_commit_whose_answer_is_lost_is_found_out() {
    let (commits, chance) = (rounds("C4_COMMITS", 60), Chance::new());
    let proxy = Proxy::to(server().folder());
    let pool = PgPoolOptions::new().max_connections(6).connect(&proxy.dsn()).await.unwrap();
    let storage = PostgresStorage::from_pool(pool).with_schema("lost_commits").unwrap();
    let store = Store::Postgres(storage);
    store.set_up().await;
    let registration = service(&store, &Mailbox::new(), by_code(), |builder| builder);
    let beside = PgPoolOptions::new().connect(&server().dsn()).await.unwrap();
    let tables = Tables::Postgres(beside, "lost_commits");
    let mut seen = Seen::default();

    for number in 0..commits {
        let mut client = native(&registration);
        let page = client.open().await;
        let cut = match chance.below(3) {
            0 => Cut::Unsent,
            1 => Cut::AnswerLost,
            _ => Cut::SentLate(Duration::from_micros(chance.below(20_000) as u64)),
        };
        proxy.cut_next(cut);
        let answer = password(&format!("person-{number}@example.org"));
        let first = client.submit(&page, answer.clone()).await;
        match first.status() {
            200 => seen.answered += 1,
            503 => {
                come_again(&first, Duration::ZERO, Duration::ZERO);
                let again = client.submit(&page, answer).await;
                match (again.status(), again.messages().as_slice()) {
                    (200, _) => seen.made_again += 1,
                    (400, [4_000_007]) => seen.had_happened += 1,
                    _ => panic!("{cut:?}, then {again:?}"),
                }
            }
            _ => panic!("{cut:?}: {first:?}"),
        }
        assert_eq!(tables.whole(&format!("{cut:?}")).await, i64::try_from(number + 1).unwrap(), "{cut:?}");
    }

    assert_eq!(proxy.cuts(), commits, "every commit was cut");
    println!("C4: {commits} commits cut, 0 doubled, 0 said to exist before they did; {seen:?}");
}
