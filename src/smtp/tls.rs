//! TLS with one chosen provider, whatever the process as a whole has installed.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::SmtpError;

/// What the courier trusts, and who it is.
#[derive(Clone, Default)]
pub(super) struct Trust {
    /// Certificates of internal authorities, in PEM.
    pub(super) roots: Vec<Vec<u8>>,
    /// A certificate of its own with its key, in PEM.
    pub(super) own: Option<(Vec<u8>, SecretString)>,
    /// Whether any certificate of a server will do.
    pub(super) anyone: bool,
}

impl Trust {
    /// What makes TLS connections with this trust.
    pub(super) fn connector(&self) -> Result<TlsConnector, SmtpError> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| SmtpError::Certificate(error.to_string()))?;
        let config = match self.anyone {
            true => config.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
            false => config.with_root_certificates(self.roots()?),
        };
        let config = match &self.own {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(certificates(chain)?, private_key(key)?)
                .map_err(|error| SmtpError::Certificate(error.to_string()))?,
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore, SmtpError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for pem in &self.roots {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|error| SmtpError::Certificate(error.to_string()))?;
            }
        }
        Ok(roots)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SmtpError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(SmtpError::Certificate("there is none in the text; PEM is expected".to_owned())),
        Err(error) => Err(SmtpError::Certificate(error.to_string())),
    }
}

fn private_key(pem: &SecretString) -> Result<PrivateKeyDer<'static>, SmtpError> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes());
    // The cause may quote the text.
    key.map_err(|_| SmtpError::Certificate("the private key is none; PEM is expected".to_owned()))
}

/// Accepts whatever certificate a server shows, if the server has its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
