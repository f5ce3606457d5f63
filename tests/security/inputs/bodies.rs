//! L5, TH-L5, TH-L8: bodies at the limit and beyond, in every way that HTTP can carry them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use serde_json::json;
use tower_registration::methods::Password;
use tower_registration::testing::App;
use tower_registration::{Schema, Style};

use super::door::{Answer, Door, FORM, JSON, NAVIGATION, Opened, submit_path};

const LIMIT: usize = 64 * 1024;
const GOOD: &str = r#"{"method":"password","password":"correct horse","traits":{"email":"ada@example.org"}}"#;

#[tokio::test]
async fn l5_a_body_of_the_largest_size_registers() {
    let door = Door::default_app();

    let answer = submit(&door, &padded(LIMIT), JSON).await;

    assert_eq!((answer.status, door.stored().identities), (200, 1));
}

#[tokio::test]
async fn l5_one_byte_more_is_too_large_for_every_client() {
    let door = Door::default_app();

    let native = submit(&door, &padded(LIMIT + 1), JSON).await;
    let form = submit(&door, &"a=b&".repeat(LIMIT / 4 + 1), FORM).await;
    let page = as_page(&door, &"a=b&".repeat(LIMIT / 4 + 1)).await;

    assert_eq!([&native, &form, &page].map(envelope), [413; 3].map(|status| (status, true, JSON.to_owned())));
    assert_eq!((door.stored().identities, door.hashes()), (0, 0));
}

/// The size is not known beforehand: what comes is counted.
#[tokio::test]
async fn l5_a_body_without_a_length_is_cut_at_the_limit() {
    let door = Door::default_app();
    let (endless, asked) = Stream::new(usize::MAX, None);

    let answer = send(&door, endless).await;

    assert_eq!((answer.status, answer.is_clear_refusal()), (413, true), "{}", answer.brief());
    assert!(asked.load(Ordering::Relaxed) <= LIMIT / Stream::CHUNK + 2, "{asked:?} chunks were read");
}

#[tokio::test]
async fn l5_a_body_without_a_length_registers_when_it_fits() {
    let door = Door::default_app();
    let (whole, _) = Stream::new(3, None);

    let answer = send(&door, whole).await;

    assert_eq!((answer.status, door.stored().identities), (200, 1), "{}", answer.brief());
}

/// What a client claims costs nothing: it is refused before a byte is read.
#[tokio::test]
async fn l5_a_body_that_claims_too_much_is_not_read_at_all() {
    let door = Door::default_app();
    let (huge, asked) = Stream::new(usize::MAX, Some(u64::MAX));

    let answer = send(&door, huge).await;

    assert_eq!((answer.status, asked.load(Ordering::Relaxed)), (413, 0), "{}", answer.brief());
}

#[tokio::test]
async fn l5_a_body_that_breaks_off_is_a_clear_refusal() {
    let door = Door::default_app();
    let (broken, _) = Stream::new(1, None);

    let answer = send(&door, broken.breaking()).await;

    assert_eq!((answer.status, answer.is_clear_refusal()), (400, true), "{}", answer.brief());
    assert_eq!(door.stored().identities, 0);
}

/// TH-L8: a compressed body is never unpacked, whatever it is.
#[tokio::test]
async fn l5_an_encoded_body_is_not_supported() {
    let door = Door::default_app();
    let codings =
        ["gzip", "deflate", "br", "zstd", "compress", "x-gzip", "GZIP", "gzip, identity", "identity, gzip", "*", "x"];

    let answers = submit_encoded(&door, &codings).await;

    assert_eq!(answers, codings.map(|coding| (coding, 415, true, 1)));
    assert_eq!((door.stored().identities, door.hashes()), (0, 0));
}

/// TH-L8: parts are not read, so nobody claims the submission, and a browser's lacks its token.
#[tokio::test]
async fn l5_multipart_counts_as_an_empty_form() {
    let door = Door::default_app();
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts =
        [part("method", "password"), part("password", "correct horse"), part("traits.email", "ada@example.org")];

    let native = submit(&door, &(parts.concat() + "--x--"), "multipart/form-data; boundary=x").await;

    let messages: Vec<u64> = native.page_messages().iter().map(|(number, _)| *number).collect();
    assert_eq!((native.status, messages), (400, vec![4_010_003]));
    assert_eq!(door.stored().identities, 0);
}

#[tokio::test]
async fn l5_ten_thousand_fields_are_one_refusal() {
    let door = Door::default_app();

    let form = submit(&door, &"a=b&".repeat(10_000), FORM).await;
    let members: Vec<String> = (0..6_000).map(|n| format!("\"k{n}\":1")).collect();
    let json = submit(&door, &format!("{{{}}}", members.join(",")), JSON).await;

    let undecodable = (400, vec!["Unable to decode form as JSON.".to_owned()]);
    assert_eq!([&form, &json].map(|answer| (answer.status, texts(answer))), [undecodable.clone(), undecodable]);
}

/// A refused body leaves the flow as it was: afterwards it still registers.
#[tokio::test]
async fn l5_a_flow_survives_what_was_sent_to_it() {
    let door = Door::default_app();
    let opened = door.open_native().await;
    let bad = [
        padded(LIMIT + 1),
        "{".to_owned(),
        "[".repeat(50_000),
        "\0".to_owned(),
        format!("{{\"a\":\"{}\"}}", "x".repeat(5_000)),
    ];

    let refused = submit_all(&door, &opened, &bad).await;
    let untouched = door.version_of(&opened.flow).await;
    let answer = door.submit_native(&opened.flow, JSON, GOOD).await;

    assert_eq!((refused, untouched), ([413, 400, 400, 400, 400].to_vec(), 1));
    assert_eq!((answer.status, door.stored().identities), (200, 1));
}

#[tokio::test]
async fn l5_ten_identifiers_are_enough_for_anybody() {
    let person = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": { "names": {
        "type": "array",
        "items": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } }
    } } } } });
    let schema = Schema::parse("person", &person.to_string()).unwrap();
    let app = App::bare(|builder| builder.schema(schema).style(Style::Unified).method(Password::new())).unwrap();
    let door = Door::of(&app);
    let names = |count: usize| (0..count).map(|n| format!("name-{n}")).collect::<Vec<_>>();
    let answer =
        |count| json!({ "method": "password", "password": "correct horse", "traits": { "names": names(count) } });

    let eleven = submit(&door, &answer(11).to_string(), JSON).await;
    let none_yet = door.stored().identities;
    let ten = submit(&door, &answer(10).to_string(), JSON).await;

    assert_eq!((eleven.status, eleven.is_clear_refusal(), none_yet), (400, true, 0), "{}", eleven.brief());
    assert_eq!((ten.status, door.stored().identities), (200, 1), "{}", ten.brief());
}

#[tokio::test]
async fn l5_a_transient_payload_is_bounded_and_never_stored() {
    let door = Door::default_app();
    let with = |payload: &serde_json::Value| {
        let mut answer: serde_json::Value = serde_json::from_str(GOOD).unwrap();
        answer["transient_payload"] = payload.clone();
        answer.to_string()
    };
    let parts = |count: usize| -> serde_json::Value {
        (0..count).map(|n| (format!("k{n}"), json!("canary".repeat(600)))).collect()
    };

    let too_much = submit(&door, &with(&parts(5)), JSON).await;
    let enough = submit(&door, &with(&parts(4)), JSON).await;

    assert_eq!((too_much.status, too_much.is_clear_refusal()), (400, true), "{}", too_much.brief());
    assert_eq!(enough.status, 200, "{}", enough.brief());
    assert!(!door.holds("canary"));
}

/// Status, shape and content type of a refusal.
fn envelope(answer: &Answer) -> (u16, bool, String) {
    let kind = answer.headers["content-type"].to_str().unwrap().to_owned();
    (answer.status, answer.is_clear_refusal(), kind)
}

fn texts(answer: &Answer) -> Vec<String> {
    answer.page_messages().into_iter().map(|(_, text)| text).collect()
}

/// Answers a fresh flow in each encoding: the status, whether that is a clear refusal, and how often the flow is written.
async fn submit_encoded<'c>(door: &Door, codings: &[&'c str]) -> Vec<(&'c str, u16, bool, i64)> {
    let mut seen = Vec::new();
    for coding in codings {
        let opened = door.open_native().await;
        let head = [("accept", JSON), ("content-type", JSON), ("content-encoding", coding)];
        let answer = door.submit(&opened.flow, &head.map(|(name, value)| (name, value.as_bytes())), GOOD).await;
        seen.push((*coding, answer.status, answer.is_clear_refusal(), door.version_of(&opened.flow).await));
    }
    seen
}

/// Sends each body to the same flow.
async fn submit_all(door: &Door, opened: &Opened, bodies: &[String]) -> Vec<u16> {
    let mut seen = Vec::new();
    for body in bodies {
        seen.push(door.submit_native(&opened.flow, JSON, body.clone()).await.status);
    }
    seen
}

fn padded(size: usize) -> String {
    format!("{GOOD}{}", " ".repeat(size - GOOD.len()))
}

async fn submit(door: &Door, body: &str, content_type: &str) -> Answer {
    let opened = door.open_native().await;
    door.submit_native(&opened.flow, content_type, body.to_owned()).await
}

async fn as_page(door: &Door, body: &str) -> Answer {
    let opened = door.open_browser("").await;
    let head =
        [("accept", NAVIGATION.as_bytes()), ("content-type", FORM.as_bytes()), ("cookie", opened.cookie.as_bytes())];
    door.submit(&opened.flow, &head, body.to_owned()).await
}

/// Answers a fresh flow of a native client with a body that comes in chunks.
async fn send(door: &Door, body: Stream) -> Answer {
    let opened = door.open_native().await;
    let request = Request::builder().method(Method::POST).uri(submit_path(&opened.flow));
    door.send(request.header("accept", JSON).header("content-type", JSON).body(body).unwrap()).await
}

/// A body in chunks: a good submission, and blanks for as long as they are asked for.
struct Stream {
    left: usize,
    claimed: Option<u64>,
    breaks: bool,
    asked: Arc<AtomicUsize>,
}

impl Stream {
    const CHUNK: usize = 4096;

    fn new(chunks: usize, claimed: Option<u64>) -> (Self, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        (Self { left: chunks, claimed, breaks: false, asked: Arc::clone(&asked) }, asked)
    }

    fn breaking(self) -> Self {
        Self { breaks: true, ..self }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            let broken = self.breaks.then(|| Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
            self.breaks = false;
            return Poll::Ready(broken);
        }
        self.left -= 1;
        let first = self.asked.fetch_add(1, Ordering::Relaxed) == 0;
        let start = if first { GOOD } else { "" };
        let chunk = format!("{start}{}", " ".repeat(Self::CHUNK - start.len()));
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.claimed.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The kit sends whole bodies; both kinds reach the service as what they are.
#[tokio::test]
async fn l5_an_empty_body_is_told_as_one() {
    let door = Door::default_app();
    let opened = door.open_native().await;
    let request = Request::builder().method(Method::POST).uri(submit_path(&opened.flow)).header("accept", JSON);

    let answer = door.send(request.body(Full::new(Bytes::new())).unwrap()).await;

    assert_eq!(
        texts(&answer),
        ["Unable to decode HTTP Request Body because its HTTP Header \"Content-Length\" is zero."]
    );
}
