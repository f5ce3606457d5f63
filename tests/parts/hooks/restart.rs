//! A process that ends between the commit and the call: the next one makes the call.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tower_registration::methods::Password;
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::testing::{BASE_URL, Client, ClientKind, PERSON, TestClock, UI};
use tower_registration::webhooks::Webhooks;
use tower_registration::{Hashing, Registration, Schema, Secret, Style};
use url::Url;

use super::{ada, hook};
use crate::server::{Server, answer};

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tower-registration-restart-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What one process runs: the same file, secret and hooks as the others.
async fn process(folder: &Folder, url: &Url, clock: TestClock) -> (Registration, SqliteStorage) {
    let pool = sqlx::SqlitePool::connect_with(sqlite::options(folder.0.join("registration.db"))).await.unwrap();
    let storage = SqliteStorage::from_pool(pool);
    storage.migrate().await.unwrap();
    let identities = storage.identities();
    identities.migrate().await.unwrap();
    let hooks = Webhooks::new().after(hook(url).build().unwrap());
    let registration = Registration::builder(BASE_URL)
        .secret(Secret::new("the same for all of these processes, always").unwrap())
        .schema(Schema::parse("person", PERSON).unwrap())
        .style(Style::Unified)
        .hashing(Hashing::new().cost(8, 1))
        .method(Password::new())
        .storage(storage.clone())
        .identities(identities)
        .clock(clock)
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .hook(hooks)
        .build()
        .unwrap();
    (registration, storage)
}

#[test]
fn a_call_survives_its_process() {
    let (folder, clock) = (Folder::new(), TestClock::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();

    // The first process ends, with everything that runs in it, when the service hears of the sign-up.
    let first = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    first.block_on(async {
        let (heard, hears) = tokio::sync::oneshot::channel::<()>();
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Some(heard)));
        let silent = Router::new().fallback(move || {
            if let Some(heard) = heard.lock().unwrap().take() {
                heard.send(()).unwrap();
            }
            std::future::pending::<()>()
        });
        let listener = TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move { axum::serve(listener, silent).await });
        let (registration, _) = process(&folder, &url, clock.clone()).await;
        let mut client = Client::new(registration, "/auth", ClientKind::Native);
        let page = client.open().await;
        tokio::select! {
            answer = client.submit(&page, ada()) => panic!("{answer:?}"),
            heard = hears => heard.unwrap(),
        }
    });
    first.shutdown_timeout(Duration::from_secs(1));

    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        let (registration, _) = process(&folder, &url, clock.clone()).await;
        let dispatcher = registration.dispatcher();
        assert_eq!(dispatcher.flush().await.unwrap().delivered, 0, "the request had two minutes");
        let server = Server::start_at(url.socket_addrs(|| None).unwrap()[0], |_, _| answer(204, "")).await;
        clock.advance(time::Duration::minutes(2));

        assert_eq!(dispatcher.flush().await.unwrap().delivered, 1);

        let asked = server.asked();
        assert_eq!(
            (asked.len(), asked[0].json()["identity"]["traits"]["email"].clone()),
            (1, "ada@example.org".into())
        );
    });
}
