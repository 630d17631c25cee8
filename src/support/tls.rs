//! Certificates: which ones are trusted, and why one is not, in words.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::support::sanitize::one_line;

/// The certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`, which are trusted in place of the platform's.
#[derive(Debug, Clone)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
}

impl Authorities {
    /// Takes those that can be read as certificates; `None` where there is none.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Authorities> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        (!roots.is_empty()).then(|| Authorities { certificates, roots: Arc::new(roots) })
    }

    /// TLS for HTTP/2 and HTTP/1.1 that trusts these alone.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let by_authority = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), Arc::clone(&provider))
            .build()
            .map_err(|error| error.to_string())?;
        let mut config = client_config(provider, by_authority, self.certificates.clone(), check_name)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Finds out whether a certificate is for a server of this name.
pub(crate) type CheckName = fn(&CertificateDer<'_>, &ServerName<'_>) -> Result<(), Error>;

/// By the certificate's alternative names ("Internet X.509 Public Key Infrastructure", RFC 6125 §6.4).
///
/// # Errors
/// Where none of them is the server's.
pub(crate) fn check_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)
}

/// TLS that trusts what `by_authority` does, and a server's certificate that is one of `named`. Where a certificate has
/// no alternative name, `check_name` decides.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn client_config(
    provider: Arc<CryptoProvider>,
    by_authority: Arc<dyn ServerCertVerifier>,
    named: Vec<CertificateDer<'static>>,
    check_name: CheckName,
) -> Result<ClientConfig, String> {
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let verifier = Arc::new(Named { by_authority, certificates: named, check_name });
    // The verifier checks as much as the default one; only the name of the method says otherwise.
    Ok(versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// A verifier that also accepts a server's certificate that was named itself.
///
/// webpki trusts authorities and what they signed. A self-signed certificate as `openssl req -x509` makes it is an
/// authority that a server uses as its own certificate, which webpki refuses (`CaUsedAsEndEntity`) and OpenSSL accepts.
#[derive(Debug)]
struct Named {
    by_authority: Arc<dyn ServerCertVerifier>,
    certificates: Vec<CertificateDer<'static>>,
    check_name: CheckName,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.by_authority.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The dates are looked at before an authority is looked for, and the name comes last.
            Err(Error::InvalidCertificate(why))
                if lacks_name(&why)
                    || lacks_authority(&why) && self.certificates.iter().any(|named| named == end_entity) =>
            {
                (self.check_name)(end_entity, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}

/// Whether nothing is wrong with a certificate but that it has no alternative name.
pub(crate) fn lacks_name(why: &CertificateError) -> bool {
    matches!(why, CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty())
}

/// Whether nothing is wrong with a certificate but who signed it.
pub(crate) fn lacks_authority(why: &CertificateError) -> bool {
    // The signature is bad where an authority has the right name and another key.
    matches!(why, CertificateError::UnknownIssuer | CertificateError::BadSignature) || is_authority(why)
}

/// Whether a certificate is that of an authority.
fn is_authority(why: &CertificateError) -> bool {
    // An error of webpki, whose type rustls does not export.
    matches!(why, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// Why a server's certificate was refused, with the remedy.
pub(crate) fn explain(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else {
        return "the server showed no certificate; check --base-url, and whether a proxy is in between".to_owned();
    };
    if let Some((why, remedy)) = explain_dates(why) {
        return format!("{why}; {remedy}");
    }
    match why {
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is for {}, not for {}; check --base-url, and whether a proxy or a login page is in between",
            names(presented),
            expected.to_str()
        ),
        why if is_authority(why) => {
            "the server's certificate is self-signed, or that of an authority, and not trusted here; if it is yours, name its file in SSL_CERT_FILE".to_owned()
        }
        why if lacks_authority(why) => {
            "the server's certificate comes from an authority that is not trusted here; if a proxy of your company is in between, name its authority's file in SSL_CERT_FILE".to_owned()
        }
        other => format!(
            "the server's certificate was refused ({}); is a proxy in between? SSL_CERT_FILE names other authorities",
            one_line(&other.to_string(), 200)
        ),
    }
}

/// What is wrong with a certificate's dates, with the remedy.
pub(crate) fn explain_dates(why: &CertificateError) -> Option<(String, &'static str)> {
    match why {
        CertificateError::ExpiredContext { time, not_after } => Some((
            format!(
                "the server's certificate ended at {}, and this machine's clock says {}",
                utc(*not_after),
                utc(*time)
            ),
            "set the clock if it is wrong, else the server needs a new certificate",
        )),
        CertificateError::NotValidYetContext { time, not_before } => Some((
            format!(
                "the server's certificate begins at {}, and this machine's clock says {}",
                utc(*not_before),
                utc(*time)
            ),
            "set the clock",
        )),
        _ => None,
    }
}

fn utc(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}

/// The names in a certificate; rustls gives them as `DnsName("example.org")`.
pub(crate) fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').to_owned()
    };
    match presented {
        [] => "no name".to_owned(),
        some => one_line(&some.iter().map(bare).collect::<Vec<_>>().join(", "), 100),
    }
}
