//! A certificate authority for one test.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority, and what it signed for one name.
pub(crate) struct Certificates {
    /// The authority, in PEM.
    pub(crate) authority: String,
    /// The certificate and its key, in PEM.
    pub(crate) certificate: String,
    pub(crate) key: String,
    root: CertificateDer<'static>,
    chain: CertificateDer<'static>,
    private: Vec<u8>,
}

impl Certificates {
    /// A good certificate.
    pub(crate) fn for_name(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// A certificate that has run out.
    pub(crate) fn expired(name: &str) -> Self {
        Self::with(name, |params| params.not_after = date_time_ymd(2001, 1, 1))
    }

    fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).unwrap();
        Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            root: authority.der().clone(),
            chain: certificate.der().clone(),
            private: key.serialize_der(),
        }
    }

    /// A server with this certificate.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.serve(None)
    }

    /// A server with this certificate that wants to see one of this authority.
    pub(crate) fn acceptor_for(&self, clients: &Self) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(clients.root.clone()).unwrap();
        self.serve(Some(roots))
    }

    fn serve(&self, clients: Option<RootCertStore>) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(roots) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.private.clone()));
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![self.chain.clone()], private).unwrap()))
    }
}
