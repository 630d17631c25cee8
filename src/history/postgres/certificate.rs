//! Checks the name in the server's certificate, and explains why a certificate is refused.

use std::borrow::Cow;

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;

use crate::history::PostgresUrl;
use crate::support::sanitize::one_line;
use crate::support::tls;

/// Checks that a certificate is for a server of this name. Its alternative names are compared, or, if there are none,
/// its common name, as in PostgreSQL's own client library: a certificate that is created as PostgreSQL's documentation
/// describes has no alternative names ("Creating Certificates").
///
/// # Errors
/// When it is for another name.
pub(super) fn check_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<(), rustls::Error> {
    let checked = tls::check_name(certificate, server_name);
    match &checked {
        Err(rustls::Error::InvalidCertificate(why)) if tls::lacks_name(why) => {
            let name = server_name.to_str();
            let is_same = common_name(certificate).is_some_and(|common_name| common_name.eq_ignore_ascii_case(&name));
            if is_same { Ok(()) } else { checked }
        }
        _ => checked,
    }
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let mut names = certificate.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let name = names.find(|name| name.oid == COMMON_NAME)?;
    std::str::from_utf8(name.value.value()).ok().map(str::to_owned)
}

/// Returns why the certificate was refused, and what to do.
pub(super) fn explain(url: &PostgresUrl, why: &CertificateError) -> (String, Cow<'static, str>) {
    if let Some((why, remedy)) = tls::explain_dates(why) {
        return (why, remedy.into());
    }
    match why {
        CertificateError::NotValidForNameContext { expected, presented } => {
            let name = expected.to_str();
            let kind = if matches!(expected, ServerName::IpAddress(_)) { "IP" } else { "DNS" };
            let why = if presented.is_empty() {
                format!("the server's certificate has no subject alternative name, and its common name is not {name}")
            } else {
                format!("the server's certificate is for {}, not for {name}", tls::names(presented))
            };
            let remedy = format!(
                "use the name in the certificate (with hostaddr=IP to reach the server), or make a certificate with subjectAltName={kind}:{name}"
            );
            (why, remedy.into())
        }
        why if tls::lacks_authority(why) => (
            "the server's certificate comes from an authority that is not trusted here".to_owned(),
            match url.root_certificate() {
                Some(_) => "let sslrootcert name this server's authority, or the certificate itself".into(),
                None => "name its authority, or the certificate itself, with sslrootcert=FILE".into(),
            },
        ),
        other => (
            format!("the server's certificate was refused ({})", one_line(&other.to_string(), 200)),
            "the server needs another one".into(),
        ),
    }
}
