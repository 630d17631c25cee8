//! Turns an error of PostgreSQL into a sentence with a remedy, and says whether to try again.

use std::error::Error as _;

use rustls::CertificateError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::certificate;
use super::operation::Retry;
use crate::history::{HistoryError, PostgresUrl};

/// Whether the same operation may succeed later: the server requests a retry, is restarting, or is a standby that may
/// become the primary ("PostgreSQL Error Codes", classes 40, 57 and 25). An error without a code means that there is no
/// connection.
pub(super) fn retry(error: &Error) -> Retry {
    let is_lost = || error.is_closed() || causes(error).any(|cause| cause.is::<std::io::Error>());
    match error.code() {
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => Retry::Soon,
        Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW) => Retry::WhenBack,
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Retry::WhenBack,
        None if is_lost() => Retry::WhenBack,
        _ => Retry::Never,
    }
}

/// Adds what to do about an error ("PostgreSQL Error Codes").
pub(super) fn explain(url: &PostgresUrl, error: &Error) -> HistoryError {
    if let Some(why) = refused_certificate(error) {
        let (why, remedy) = certificate::explain(url, why);
        return HistoryError::new(url, why, remedy);
    }
    let code = error.code().map_or("", SqlState::code);
    let remedy = match code {
        "28P01" => password_remedy(url),
        "28000" => "check the user in its address, and what the server's pg_hba.conf allows",
        "3D000" => "create the database first, with createdb",
        "42501" => "the user needs the right to create tables there, and to write into them",
        "42P07" | "42710" => {
            "tables of another program have these names; give trendfetch a database or a schema of its own"
        }
        "25006" => "the server takes no writes; name the primary, not a standby",
        "57P01" | "57P02" | "57P03" => "the server is starting or ending; run again in a moment",
        // "Hot Standby", "Handling Query Conflicts".
        "40001" if cause(error).contains("recovery") => {
            "run again, or read from the primary; hot_standby_feedback = on prevents most of this on a standby"
        }
        "57014" => "raise the server's statement_timeout for this user",
        "53300" => "the server has no connection left; run again, or raise its max_connections",
        "55P03" => "another program keeps its tables locked; end that, and run again",
        _ if code.starts_with("53") => "make room on the server, and run again",
        // The client library gives no other sign of these.
        _ if cause(error).contains("does not allow writes") => "name the primary too, not only standbys",
        _ if cause(error).contains("is not read only") => "name a standby, or use target_session_attrs=prefer-standby",
        _ if cause(error).contains("does not support TLS") => {
            "let the server offer TLS, or add sslmode=disable where nobody can listen"
        }
        _ if error.to_string().contains("TLS") => {
            "check that a server of PostgreSQL answers there, or add sslmode=disable where nobody can listen"
        }
        _ if causes(error).any(|cause| cause.to_string() == "password missing") => password_remedy(url),
        _ if code.is_empty() => "check that the server runs, and that its address is right",
        _ => "run again; if the error persists, please report it",
    };
    HistoryError::new(url, cause(error), remedy)
}

fn password_remedy(url: &PostgresUrl) -> &'static str {
    match url.password_sources() {
        Some(_) => "check the user in its address, and the password there, in PGPASSWORD or in ~/.pgpass",
        None => "check the user and the password in its address; for an address from .env, no other place is searched",
    }
}

/// What is wrong with the server's certificate, if that is the cause.
fn refused_certificate(error: &Error) -> Option<&CertificateError> {
    // TLS errors come inside an I/O error, which does not return them as its source.
    let inner = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>()?.get_ref());
    match inner?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(why),
        _ => None,
    }
}

/// The innermost cause; the others do not say what happened.
fn cause(error: &Error) -> String {
    let innermost = || causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    error.as_db_error().map_or_else(innermost, |error| error.message().to_owned())
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
