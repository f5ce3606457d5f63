//! How a client is put together.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;
use url::Url;

use super::connect::{Connector, LOOKUPS, Patient};
use super::trust::Trust;
use super::{Client, Pool};

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How many unused connections to one service are kept.
const MOST_IDLE: usize = 8;
/// How long the head of an answer may be, in bytes.
const LONGEST_HEAD: usize = 64 << 10;

/// Builds a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    trust: Trust,
    roots: Vec<Vec<u8>>,
    patience: Duration,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self { trust: Trust::default(), roots: Vec::new(), patience: Duration::from_secs(5) }
    }
}

impl ClientBuilder {
    /// Allows addresses of this host that are not on the public internet: a name or an address, as it stands in the URL,
    /// without a port. Another name for the same machine is not meant.
    pub fn allow_private_host(mut self, host: &str) -> Self {
        self.trust.add_host(host);
        self
    }

    /// Allows addresses that are not on the public internet where the URL of a request is one that this says yes to.
    pub fn allow_private_where(mut self, trusted: impl Fn(&Url) -> bool + Send + Sync + 'static) -> Self {
        self.trust.add_judge(trusted);
        self
    }

    /// Sets whether every address may be called; otherwise public ones only.
    ///
    /// # Weakens
    ///
    /// Whoever can choose a URL that is called, or what its name means, reaches services that only this machine and its
    /// network should reach.
    pub fn allow_private(mut self, allowed: bool) -> Self {
        self.trust.set_everything(allowed);
        self
    }

    /// Trusts the certificates of these authorities too: a text in PEM, such as a company's bundle.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_vec());
        self
    }

    /// Sets how long opening a connection may take, from the look-up of the name to the end of the handshake; 5 seconds
    /// otherwise. The limit of the request counts besides.
    pub fn connect_time_limit(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ClientError`] when a certificate cannot be read, or when a text has none.
    pub fn build(self) -> Result<Client, ClientError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for text in &self.roots {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|error| ClientError(Box::new(error)))?;
                roots.add(certificate).map_err(|error| ClientError(Box::new(error)))?;
            }
            if roots.len() == before {
                return Err(ClientError("the text is not in PEM".into()));
            }
        }
        // Given, not looked up: a host may have another one for the whole process.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| ClientError(Box::new(error)))?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        let pool = |public_only| pool(tls.clone(), Connector::new(public_only, self.patience, &lookups), self.patience);
        Ok(Client { public: pool(true), any: pool(false), trust: Arc::new(self.trust) })
    }
}

fn pool(tls: ClientConfig, connector: Connector, patience: Duration) -> Pool {
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(LONGEST_HEAD)
        .build(Patient::new(connector, patience))
}

/// Without the certificates: they are long, and the host knows them.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ClientBuilder");
        out.field("trust", &self.trust).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// A client cannot be built like this.
#[derive(Debug, thiserror::Error)]
#[error("`.root_certificates(…)` needs certificates that can be read")]
pub struct ClientError(#[source] Box<dyn Error + Send + Sync>);
