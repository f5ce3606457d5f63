//! The service and the layer: ours if the route is ours, otherwise the host's.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use secrecy::SecretString;

use crate::call::{Answer, Call, Failed, Outcome};
use crate::engine::Engine;
use crate::html::{Asked, Site};
use crate::route::{Route, below, cleaned};
use crate::seal::{Purpose, from_hex};
use crate::stop::Failure;
use crate::upkeep::{Dispatcher, Post, Sweeper};
use crate::wire::{Headers, Received, caller, clean, is_for_later, receive, respond};

type BoxError = Box<dyn Error + Send + Sync>;
type Answering<T> = Pin<Box<dyn Future<Output = Result<T, Infallible>> + Send>>;

/// Self-service registration, ready to be mounted: a [`tower::Service`] and a hyper service for requests with any body.
///
/// Clones share everything. Made by [`Registration::builder`](crate::Registration::builder).
///
/// Mounted below a prefix, the service takes requests with and without the prefix in their path, since routers strip
/// it; the URLs it writes always come from the configured base URL.
#[derive(Clone)]
pub struct Registration {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<Engine>,
    post: Arc<Post>,
    headers: Headers,
    /// Pages of the library's own.
    site: Option<Site>,
    warnings: Vec<String>,
}

impl Registration {
    pub(crate) fn new(engine: Engine, post: Post, site: Option<Site>, warnings: Vec<String>) -> Self {
        let headers = Headers::new(&engine.config);
        let (engine, post) = (Arc::new(engine), Arc::new(post));
        Self { inner: Arc::new(Inner { engine, post, headers, site, warnings }) }
    }

    /// A layer that answers our routes and passes everything else to the host's service.
    pub fn layer(&self) -> RegistrationLayer {
        RegistrationLayer { registration: self.clone(), stripped: false }
    }

    /// Delivers letters; the host runs it beside the service. Without one no letter is sent.
    pub fn dispatcher(&self) -> Dispatcher {
        Dispatcher::new(Arc::clone(&self.inner.engine), Arc::clone(&self.inner.post))
    }

    /// Removes expired records; the host runs it beside the service.
    pub fn sweeper(&self) -> Sweeper {
        Sweeper::new(Arc::clone(&self.inner.engine.storage), Arc::clone(&self.inner.engine.clock))
    }

    /// What weakens this service, in words for whoever set it up. Each was logged when the service was built.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// Opens a token of a social provider that a credential holds sealed, for a host that calls the provider's services
    /// on the person's behalf. Nothing for a text that was not sealed by one of the service's secrets.
    #[must_use]
    pub fn open_provider_token(&self, sealed: &str) -> Option<SecretString> {
        let plain = self.inner.engine.seal.open(Purpose::ProviderToken, b"", &from_hex(sealed)?)?;
        std::str::from_utf8(&plain).ok().map(SecretString::from)
    }

    /// How many passwords were hashed since the start.
    #[must_use]
    pub fn hashes_computed(&self) -> usize {
        self.inner.engine.governor.computed()
    }

    async fn handle<B>(self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let engine = &self.inner.engine;
        let config = &engine.config;
        let path = below(config.base.prefix(), request.uri().path()).unwrap_or(request.uri().path()).to_owned();
        if let Some(clean) = cleaned(&path) {
            return self.move_to(request.method(), &clean, request.uri().query());
        }
        if let Some((site, asked)) = self.page(&request, &path) {
            return self.show(site, asked, request).await;
        }
        let visitor = self.inner.site.as_ref().map(|site| (site, site.visitor(&request)));
        let Received { call, reply } = receive(request, &path, config).await;
        let answer = self.answer(call).await;
        match visitor {
            Some((site, visitor)) if is_for_later(&answer.outcome, &reply) => {
                self.with_headers(site.respond(Asked::Later, Some(answer), &visitor, config))
            }
            _ => respond(answer, &reply, config, &self.inner.headers),
        }
    }

    async fn answer(&self, call: Result<Call, Failure>) -> Answer {
        match call {
            Ok(call) => self.inner.engine.answer(call).await,
            Err(failure) => {
                let outcome = Outcome::Failed(Failed { failure, kind: None, kept: None });
                Answer { outcome, cookies: Vec::new() }
            }
        }
    }

    /// What a request asks of the library's own pages.
    fn page<B>(&self, request: &Request<B>, path: &str) -> Option<(&Site, Asked)> {
        let site = self.inner.site.as_ref()?;
        let asked = site.find(request.method(), path, request.uri().query().unwrap_or_default())?;
        Some((site, asked))
    }

    /// Shows a page of the library's own.
    async fn show<B>(&self, site: &Site, asked: Asked, request: Request<B>) -> Response<Full<Bytes>> {
        let config = &self.inner.engine.config;
        let visitor = site.visitor(&request);
        let (head, _) = request.into_parts();
        let call = asked.wish().map(|wish| Ok(Call { caller: caller(head, config)?, guarded: true, wish }));
        let answer = match call {
            Some(call) => Some(self.answer(call).await),
            None => None,
        };
        self.with_headers(site.respond(asked, answer, &visitor, config))
    }

    /// What a page says of itself counts before what is said of every answer.
    fn with_headers(&self, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        let own = std::mem::take(response.headers_mut());
        self.inner.headers.add(response.headers_mut());
        response.headers_mut().extend(own);
        response
    }

    /// A path with empty or dot segments is another spelling of a clean one.
    fn move_to(&self, verb: &http::Method, path: &str, query: Option<&str>) -> Response<Full<Bytes>> {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let location = format!("{}{path}{query}", self.inner.engine.config.base.prefix());
        clean(verb, &location, &self.inner.headers)
    }

    /// The path of one of our routes below the base URL.
    fn owns(&self, path: &str, stripped: bool) -> bool {
        let prefix = if stripped { "" } else { self.inner.engine.config.base.prefix() };
        let get = http::Method::GET;
        let is_page = |path| self.inner.site.as_ref().is_some_and(|site| site.find(&get, path, "").is_some());
        below(prefix, path).is_some_and(|path| Route::find(&get, path) != Route::Unknown || is_page(path))
    }
}

impl<B> tower::Service<Request<B>> for Registration
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answering<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move { Ok(own.handle(request).await) })
    }
}

impl<B> hyper::service::Service<Request<B>> for Registration
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answering<Self::Response>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move { Ok(own.handle(request).await) })
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

/// Wraps a host's service: takes exactly the routes of the registration, by whole segments, and passes everything else
/// on untouched.
///
/// A request for one of our routes waits until the wrapped service is ready, as tower asks of a layer.
#[derive(Clone, Debug)]
#[must_use]
pub struct RegistrationLayer {
    registration: Registration,
    stripped: bool,
}

impl RegistrationLayer {
    /// For a layer inside of a router that has already stripped the prefix of the base URL from the path.
    pub fn below_stripped_prefix(mut self) -> Self {
        self.stripped = true;
        self
    }
}

impl<S> tower::Layer<S> for RegistrationLayer {
    type Service = WithRegistration<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithRegistration { own: self.clone(), inner }
    }
}

/// A host's service with the registration in front, made by [`RegistrationLayer`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WithRegistration<S> {
    own: RegistrationLayer,
    inner: S,
}

impl<S, B, R> tower::Service<Request<B>> for WithRegistration<S>
where
    S: tower::Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Either<Full<Bytes>, R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.own.registration.owns(request.uri().path(), self.own.stripped) {
            let registration = self.own.registration.clone();
            return Box::pin(async move { Ok(registration.handle(request).await.map(Either::Left)) });
        }
        // The service that was polled ready is the one to be called; its fresh clone waits for the next request.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move { Ok(ready.call(request).await?.map(Either::Right)) })
    }
}
