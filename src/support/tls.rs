//! TLS certificates: which ones are trusted, and a message for each reason to refuse one.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::support::sanitize::one_line;

/// The certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`. They replace the platform's.
#[derive(Debug, Clone)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
}

impl Authorities {
    /// Certificates that cannot be parsed are ignored. `None` if none is left.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Authorities> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        (!roots.is_empty()).then(|| Authorities { certificates, roots: Arc::new(roots) })
    }

    /// A configuration for HTTP/2 and HTTP/1.1 that trusts only these.
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

/// Checks whether a certificate is valid for a server of this name.
pub(crate) type CheckName = fn(&CertificateDer<'_>, &ServerName<'_>) -> Result<(), Error>;

/// Checks the certificate's subject alternative names (RFC 6125 §6.4).
///
/// # Errors
/// When none of them is the server's.
pub(crate) fn check_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)
}

/// A configuration that accepts what `by_authority` accepts, and server certificates that are among `trusted`. If a
/// certificate has no alternative name, `check_name` decides.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn client_config(
    provider: Arc<CryptoProvider>,
    by_authority: Arc<dyn ServerCertVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    check_name: CheckName,
) -> Result<ClientConfig, String> {
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let verifier = Arc::new(TrustedLeafVerifier { by_authority, trusted, check_name });
    // Despite the method's name, this verifier is as strict as the default one.
    Ok(versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// A verifier that also accepts server certificates that are trusted themselves.
///
/// webpki trusts authorities and what they signed. A self-signed certificate made by `openssl req -x509` is an authority
/// that a server uses as its own certificate. webpki refuses that (`CaUsedAsEndEntity`); OpenSSL accepts it.
#[derive(Debug)]
struct TrustedLeafVerifier {
    by_authority: Arc<dyn ServerCertVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    check_name: CheckName,
}

impl ServerCertVerifier for TrustedLeafVerifier {
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
            // webpki checks the dates before the authority, and the name last. So these errors imply valid dates, and a
            // missing authority implies that the name is yet to be checked.
            Err(Error::InvalidCertificate(why))
                if lacks_name(&why)
                    || lacks_authority(&why) && self.trusted.iter().any(|trusted| trusted == end_entity) =>
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

/// Whether the only defect of a certificate is that it has no alternative name.
pub(crate) fn lacks_name(why: &CertificateError) -> bool {
    matches!(why, CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty())
}

/// Whether the only defect of a certificate is that its issuer is not trusted.
pub(crate) fn lacks_authority(why: &CertificateError) -> bool {
    // BadSignature: a trusted authority has the issuer's name, but another key.
    matches!(why, CertificateError::UnknownIssuer | CertificateError::BadSignature) || is_authority(why)
}

/// Whether the certificate is that of an authority itself.
fn is_authority(why: &CertificateError) -> bool {
    // rustls does not export the type of this webpki error.
    matches!(why, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// The message for a refused server certificate, with the remedy.
pub(crate) fn explain(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else {
        return "the server showed no certificate; check its address, and whether a proxy is in between".to_owned();
    };
    if let Some((why, remedy)) = explain_dates(why) {
        return format!("{why}; {remedy}");
    }
    match why {
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is for {}, not for {}; check its address, and whether a proxy or a login page is in between",
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

/// The message and the remedy if the certificate has expired or is not valid yet.
pub(crate) fn explain_dates(why: &CertificateError) -> Option<(String, &'static str)> {
    match why {
        CertificateError::ExpiredContext { time, not_after } => Some((
            format!(
                "the server's certificate expired at {}, and this machine's clock says {}",
                utc(*not_after),
                utc(*time)
            ),
            "set the clock if it is wrong; otherwise the server needs a new certificate",
        )),
        CertificateError::NotValidYetContext { time, not_before } => Some((
            format!(
                "the server's certificate is not valid before {}, and this machine's clock says {}",
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

/// Lists the names in a certificate. rustls formats them as `DnsName("example.org")`.
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
