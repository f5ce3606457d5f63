//! Serves a Kratos configuration file: the registration part of Kratos, on the same address, for the same clients.
//!
//! ```sh
//! cargo run --release --all-features --example drop_in -- --config kratos.json [--base-url URL] \
//!     [--dsn memory|sqlite://FILE|postgres://USER@HOST/DATABASE]
//! ```
//!
//! What is kept in memory is gone when the program ends. In a database, the tables are made at the start; several of these
//! programs may share one.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_registration::kratos::{self, Cors};
use tower_registration::memory::Memory;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::{Builder, ClientAddress, Registration};

type Served = BoxCloneSyncService<Request<Incoming>, Response<Full<Bytes>>, Infallible>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let text = std::fs::read_to_string(&arguments.config)?;
    let loaded = match &arguments.base_url {
        Some(url) => kratos::load_at(&text, url)?,
        None => kratos::load(&text)?,
    };
    let registration = with_store(loaded.builder, &arguments.dsn).await?.build()?;
    registration.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    let dispatcher = registration.dispatcher().on_give_up(|letter| eprintln!("not delivered: {letter:?}"));
    tokio::spawn(async move { dispatcher.run_until(std::future::pending()).await });
    let sweeper = registration.sweeper();
    tokio::spawn(async move { sweeper.run_until(std::future::pending()).await });
    let service = with_cors(registration, loaded.cors.as_ref());

    let host = if loaded.listen.host.is_empty() { "0.0.0.0" } else { &loaded.listen.host };
    let listener = TcpListener::bind((host, loaded.listen.port)).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress::new(peer));
            request
        });
        tokio::spawn(async move {
            // A client that goes away in the middle of a request is no trouble of ours.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
                .await;
        });
    }
}

/// Keeps everything where the data source name says.
async fn with_store(builder: Builder, dsn: &str) -> Result<Builder, Box<dyn Error>> {
    if let Some(file) = dsn.strip_prefix("sqlite://") {
        // Settings of other drivers may follow the name of the file.
        let file = file.split('?').next().unwrap_or_default();
        let storage = SqliteStorage::from_pool(sqlite::open(file).await?);
        storage.migrate().await?;
        let identities = storage.identities();
        identities.migrate().await?;
        return Ok(builder.storage(storage).identities(identities));
    }
    if dsn.starts_with("postgres://") || dsn.starts_with("postgresql://") {
        let storage = PostgresStorage::from_pool(PgPool::connect(dsn).await?);
        storage.migrate().await?;
        let identities = storage.identities();
        identities.migrate().await?;
        return Ok(builder.storage(storage).identities(identities));
    }
    let memory = Memory::new();
    Ok(builder.storage(memory.clone()).identities(memory))
}

/// Answers preflights and marks answers as the file says.
fn with_cors(registration: Registration, cors: Option<&Cors>) -> Served {
    let Some(cors) = cors else { return BoxCloneSyncService::new(registration) };
    let parsed = |names: &[String]| names.iter().filter_map(|name| name.parse::<HeaderName>().ok()).collect::<Vec<_>>();
    let methods: Vec<Method> = cors.methods.iter().filter_map(|method| method.parse().ok()).collect();
    let origins = cors.origins.clone();
    let mut layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.iter().any(|allowed| covers(allowed, origin))))
        .allow_methods(methods)
        .allow_headers(parsed(&cors.headers))
        .expose_headers(parsed(&cors.exposed))
        .allow_credentials(cors.credentials);
    if let Some(seconds) = cors.max_age {
        layer = layer.max_age(Duration::from_secs(seconds));
    }
    BoxCloneSyncService::new(layer.layer(registration))
}

/// Whether an entry of the file, with at most one star in it, covers an origin.
fn covers(allowed: &str, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    match allowed.split_once('*') {
        None => allowed == origin,
        Some((start, end)) => {
            origin.len() >= start.len() + end.len() && origin.starts_with(start) && origin.ends_with(end)
        }
    }
}

struct Arguments {
    config: String,
    base_url: Option<String>,
    dsn: String,
}

impl Arguments {
    fn read() -> Result<Self, String> {
        let (mut config, mut base_url, mut dsn) = (None, None, "memory".to_owned());
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--config" => config = Some(value()?),
                "--base-url" => base_url = Some(value()?),
                "--dsn" => dsn = known(value()?)?,
                _ => return Err(format!("unknown argument {word}; known are --config, --base-url and --dsn")),
            }
        }
        Ok(Self { config: config.ok_or("--config FILE is missing")?, base_url, dsn })
    }
}

/// A data source name of a kind that there is.
fn known(dsn: String) -> Result<String, String> {
    let kinds = ["sqlite://", "postgres://", "postgresql://"];
    if dsn == "memory" || kinds.iter().any(|kind| dsn.starts_with(kind)) {
        return Ok(dsn);
    }
    // It may hold a password: it is not repeated.
    Err("--dsn takes `memory`, `sqlite://FILE` or `postgres://…`".to_owned())
}
