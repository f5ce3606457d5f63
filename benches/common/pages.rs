//! The pages that are measured beside a bare handler, and that handler.

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_registration::{Hashing, Registration};

use super::host::{self, PREFIX};

const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// How many flows are shown in turn.
const SHOWN: usize = 256;

/// A page, and who asks for it.
#[derive(Clone, Copy)]
pub(crate) enum Page {
    OpenNative,
    OpenBrowser,
    ShowNative,
    ShowBrowser,
    /// The library's own page, as HTML.
    Html,
}

impl Page {
    pub(crate) const ALL: [Self; 5] =
        [Self::OpenNative, Self::OpenBrowser, Self::ShowNative, Self::ShowBrowser, Self::Html];

    /// What is done, and by whom.
    pub(crate) fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenNative => ("open", "native"),
            Self::OpenBrowser => ("open", "browser"),
            Self::ShowNative => ("show", "native"),
            Self::ShowBrowser => ("show", "browser"),
            Self::Html => ("page", "browser"),
        }
    }

    fn path(self) -> String {
        let below = match self {
            Self::OpenNative => "api",
            Self::OpenBrowser => "browser",
            Self::ShowNative | Self::ShowBrowser => "flows",
            Self::Html => return format!("{PREFIX}/registration"),
        };
        format!("{PREFIX}/self-service/registration/{below}")
    }

    /// The requests that ask for the page; flows that are to be shown are begun here.
    pub(crate) async fn requests(self, service: &Registration) -> Vec<Request<Bytes>> {
        let mut requests = Vec::new();
        match self {
            Self::OpenNative => requests.push(host::open()),
            Self::OpenBrowser => requests.push(self.open_browser()),
            Self::ShowNative => {
                while requests.len() < SHOWN {
                    let page = answer(service.clone(), host::open()).await;
                    requests.push(self.show(&host::flow_in(page.body()), None));
                }
            }
            Self::ShowBrowser | Self::Html => {
                while requests.len() < SHOWN {
                    let led = answer(service.clone(), Self::OpenBrowser.open_browser()).await;
                    let location = led.headers()[header::LOCATION].to_str().unwrap();
                    let cookie = led.headers()[header::SET_COOKIE].to_str().unwrap();
                    let (_, flow) = location.split_once("flow=").unwrap();
                    requests.push(self.show(flow, cookie.split(';').next()));
                }
            }
        }
        requests
    }

    /// A browser without cookies follows a link.
    fn open_browser(self) -> Request<Bytes> {
        Request::get(self.path()).header(header::ACCEPT, NAVIGATION).body(Bytes::new()).unwrap()
    }

    fn show(self, flow: &str, cookie: Option<&str>) -> Request<Bytes> {
        let (name, accept) = match self {
            Self::Html => ("flow", NAVIGATION),
            _ => ("id", "application/json"),
        };
        let request = Request::get(format!("{}?{name}={flow}", self.path())).header(header::ACCEPT, accept);
        let request = match cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        };
        request.body(Bytes::new()).unwrap()
    }

    /// A service, and the requests for its pages.
    pub(crate) async fn own(self) -> (Router, Vec<Request<Bytes>>) {
        let service = match self {
            Self::Html => host::builder(Hashing::new()).build().unwrap(),
            _ => host::registration(Hashing::new()),
        };
        let requests = self.requests(&service).await;
        (Router::new().nest_service(PREFIX, service), requests)
    }

    /// A handler that answers the same requests with the status, headers and bytes of one answer of the service.
    pub(crate) async fn bare(self) -> (Router, Vec<Request<Bytes>>) {
        let (own, requests) = self.own().await;
        let (head, body) = answer(own, requests[0].clone()).await.into_parts();
        let handler = move || {
            let mut response = Response::new(Full::new(body.clone()));
            (*response.status_mut(), *response.headers_mut()) = (head.status, head.headers.clone());
            std::future::ready(response.map(axum::body::Body::new))
        };
        (Router::new().route(&self.path(), get(handler)), requests)
    }
}

/// The answer to a request, read to its end.
pub(crate) async fn answer<S, B>(service: S, request: Request<Bytes>) -> Response<Bytes>
where
    S: tower::Service<Request<Full<Bytes>>, Response = Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (head, body) = service.oneshot(request.map(Full::new)).await.unwrap().into_parts();
    let answer = Response::from_parts(head, body.collect().await.unwrap().to_bytes());
    assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
    answer
}
