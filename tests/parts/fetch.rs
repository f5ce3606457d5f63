//! The ready-made client: what it sends, and what an answer is.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, UnfetchedKind};

use crate::server::{Server, answer, drips, nobody, says};

/// A client that calls this machine too.
fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let server = Server::start(|_, _| answer(201, "made")).await;
    let request = FetchRequest::new(Method::PUT, server.at("/a%20b?c=d#e"))
        .with_basic_auth("ada", &"secret".into())
        .with_json(&serde_json::json!({ "n": 1 }));

    let fetched = client().fetch(request).await.unwrap();

    assert_eq!((fetched.status(), fetched.body().as_ref()), (StatusCode::CREATED, b"made".as_ref()));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/a%20b?c=d"));
    assert_eq!(asked.header("authorization"), "Basic YWRhOnNlY3JldA==");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("host"), server.url.authority());
    assert_eq!(asked.header("user-agent"), "tower-registration");
    assert_eq!(asked.json(), serde_json::json!({ "n": 1 }));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(|_, _| answer(200, "again")).await;
    let client = client();

    for _ in 0..5 {
        drop(client.fetch(FetchRequest::get(server.url.clone())).await.unwrap());
        drop(client.fetch(FetchRequest::get(server.url.clone()).status_only()).await.unwrap());
    }

    assert_eq!((server.asked().len(), server.connections()), (10, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer_whatever_its_status() {
    let elsewhere = Server::start(|_, _| answer(200, "")).await;
    let to = HeaderValue::from_str(elsewhere.url.as_str()).unwrap();
    let server = Server::start(move |_, asked| {
        let mut answer = answer(asked.path[1..].parse().unwrap(), "");
        answer.headers_mut().insert("location", to.clone());
        answer.headers_mut().insert("refresh", HeaderValue::from_static("0; url=/elsewhere"));
        answer
    })
    .await;

    for status in ["300", "301", "302", "303", "305", "307", "308"] {
        for request in [FetchRequest::get(server.at(status)), FetchRequest::post(server.at(status)).status_only()] {
            let fetched = client().fetch(request).await.unwrap();
            assert_eq!(fetched.status().as_str(), status);
            assert_eq!(fetched.headers()["location"], elsewhere.url.as_str());
        }
    }
    assert_eq!(server.asked().len(), 14);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn where_the_status_counts_the_body_does_not() {
    let large = Server::start(|_, _| answer(202, vec![b'x'; 100_000])).await;
    let slow = drips(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n", Duration::from_millis(20)).await;

    for url in [large.url.clone(), slow] {
        let request = FetchRequest::get(url).with_size_limit(100).status_only();
        let fetched = client().fetch(request).await.unwrap();
        assert_eq!((fetched.status(), fetched.body().len()), (StatusCode::ACCEPTED, 0));
    }
}

#[tokio::test]
async fn a_service_that_is_away_or_breaks_off_is_unreachable() {
    let broken = says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart of it").await;

    for url in [nobody().await, broken] {
        let fetched = client().fetch(FetchRequest::get(url)).await;
        assert_eq!(fetched.unwrap_err().kind(), UnfetchedKind::Unreachable);
    }
}
