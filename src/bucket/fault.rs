//! What goes wrong with a bucket, and the remedy.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;

use http::HeaderMap;
use object_store::client::HttpErrorKind;

use super::address::{Address, Cloud};
use crate::model::error::ErrorKind;
use crate::support::sanitize::one_line;

/// Why one attempt failed. The library passes it on as the source of its error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Refusal(Refusal),
    #[error("{message}")]
    Network { kind: ErrorKind, message: String },
    #[error("too large")]
    TooLarge,
    #[error("no credentials")]
    NoCredentials,
    #[error("{host} would be asked over plain http")]
    Plain { host: String },
}

/// A response that is an error.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    /// Its code, such as `SlowDown`.
    code: Option<String>,
    message: Option<String>,
    /// Where the bucket is, if it is not where it was looked for.
    region: Option<String>,
    host: String,
}

impl Refusal {
    /// Reads the XML of S3, Google and Azure, and the JSON of services that give tokens.
    pub(super) fn new(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        host: String,
        redact: impl Fn(&str) -> String,
    ) -> Refusal {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = String::from_utf8_lossy(body);
        let tidy = |text: String| one_line(&redact(&text), 200);
        let code = header("x-ms-error-code").or_else(|| element(&body, "Code")).or_else(|| member(&body, "error"));
        let message = element(&body, "Message").or_else(|| member(&body, "error_description"));
        let region = header("x-amz-bucket-region").or_else(|| element(&body, "Region"));
        Refusal { status, code: code.map(tidy), message: message.map(tidy), region: region.map(tidy), host }
    }

    fn is_transient(&self) -> bool {
        let is_server_error = self.status >= 500 && !matches!(self.status, 501 | 505 | 507);
        let code = self.code.as_deref().unwrap_or_default();
        is_server_error
            || matches!(self.status, 408 | 429)
            // S3's answer to an upload that stalls is a 400.
            || matches!(code, "RequestTimeout" | "SlowDown" | "InternalError" | "OperationAborted")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code.as_deref().unwrap_or("without a code"))
    }
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

fn member(json: &str, name: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(json).ok()?;
    json.get(name)?.as_str().map(str::to_owned)
}

impl Fault {
    pub(super) fn timeout() -> Fault {
        Fault::Network { kind: ErrorKind::Timeout, message: "no complete answer in time".into() }
    }

    pub(super) fn malformed(message: &str) -> Fault {
        Fault::Network { kind: ErrorKind::BadResponse, message: message.into() }
    }

    /// Tells the library whether another attempt may succeed. It repeats after `Connect` and `Request`, and, if the
    /// request may be repeated, after `Timeout` and `Interrupted`.
    pub(super) fn kind(&self) -> HttpErrorKind {
        match self {
            Fault::Refusal(refusal) if refusal.is_transient() => HttpErrorKind::Request,
            Fault::Network { kind, .. } => match kind {
                ErrorKind::Timeout => HttpErrorKind::Timeout,
                ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy => HttpErrorKind::Connect,
                ErrorKind::Truncated => HttpErrorKind::Interrupted,
                _ => HttpErrorKind::Unknown,
            },
            Fault::Refusal(_) | Fault::TooLarge | Fault::NoCredentials | Fault::Plain { .. } => HttpErrorKind::Unknown,
        }
    }
}

/// Why an object cannot be read or written: the cause, and after the semicolon the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct BucketError {
    text: String,
    pub(super) is_missing: bool,
    pub(super) is_forbidden: bool,
}

impl BucketError {
    pub(super) fn new(text: String) -> BucketError {
        BucketError { text, is_missing: false, is_forbidden: false }
    }

    /// An error of what renders the content.
    pub(super) fn of_content(error: &io::Error) -> BucketError {
        BucketError::new(format!("{error}; nothing is written"))
    }

    pub(super) fn of_library(error: &object_store::Error, address: &Address, redact: impl Fn(&str) -> String) -> Self {
        let fault = causes(error).find_map(|cause| cause.downcast_ref::<Fault>());
        let Some(fault) = fault else {
            // The texts of outer errors may contain a URL with a signature.
            let root = causes(error).last().map(ToString::to_string).unwrap_or_default();
            return BucketError::new(format!("{}; check its address and settings", redact(&one_line(&root, 300))));
        };
        let status = if let Fault::Refusal(refusal) = fault { refusal.status } else { 0 };
        BucketError {
            text: explain(fault, address),
            is_missing: status == 404,
            is_forbidden: matches!(status, 401 | 403),
        }
    }
}

fn causes(error: &object_store::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    fn source<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        error.source()
    }
    let first: &(dyn Error + 'static) = error;
    successors(Some(first), source)
}

fn explain(fault: &Fault, Address { cloud, bucket, .. }: &Address) -> String {
    let credentials = match cloud {
        Cloud::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        Cloud::Google => "GOOGLE_APPLICATION_CREDENTIALS",
        Cloud::Azure => "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    };
    match fault {
        Fault::Refusal(refusal) => explain_refusal(refusal, *cloud, bucket, credentials),
        Fault::TooLarge => "it is larger than 512 MiB, which no document is; correct the key".to_owned(),
        Fault::NoCredentials => format!("there are no credentials for it; set {credentials}"),
        Fault::Plain { host } => format!(
            "the data would travel in the clear to {host}; use https:, or, in a network that you trust, set {}_ALLOW_HTTP=true",
            if *cloud == Cloud::Azure { "AZURE" } else { "AWS" }
        ),
        Fault::Network { kind: ErrorKind::Timeout, .. } => {
            "it did not answer in time; try again, or raise --timeout".to_owned()
        }
        // Its message names the remedy.
        Fault::Network { kind: ErrorKind::Certificate, message } => message.clone(),
        Fault::Network { kind: ErrorKind::Proxy | ErrorKind::ProxyLogin, message } => {
            format!("{message}; correct its address, or name exceptions in NO_PROXY")
        }
        Fault::Network { message, .. } => format!("{message}; check the endpoint and the network"),
    }
}

fn explain_refusal(refusal: &Refusal, cloud: Cloud, bucket: &str, credentials: &str) -> String {
    let Refusal { status, code, message, region, host } = refusal;
    let answer = code.as_deref().map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    let kind = cloud.bucket();
    match (status, code.as_deref().unwrap_or_default()) {
        (_, "ExpiredToken" | "TokenRefreshRequired" | "RequestExpired") => {
            format!("the credentials have expired ({answer}); get new ones, with their AWS_SESSION_TOKEN")
        }
        (_, "RequestTimeTooSkewed") => format!("this machine's clock is wrong ({answer}); set it"),
        (300..=399, _) | (400, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => match region {
            Some(region) => format!("the bucket is in the region {region} ({answer}); set AWS_REGION={region}"),
            None => format!("the bucket is elsewhere ({answer}); set AWS_REGION and the endpoint to where it is"),
        },
        (404, "NoSuchBucket" | "ContainerNotFound") => {
            format!("there is no {kind} {bucket} at {host} ({answer}); create it, or correct its name")
        }
        (404, "NoSuchKey" | "BlobNotFound") => "there is no such object; correct the key".to_owned(),
        (404, _) => format!("there is no such object or {kind} at {host} ({answer}); correct the address"),
        (401, _)
        | (
            _,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "InvalidSecurity"
            | "AuthenticationFailed"
            | "invalid_grant"
            | "invalid_client"
            | "AuthFailure",
        ) => format!("its credentials are not accepted ({answer}); correct {credentials}"),
        (403, _) => format!("the credentials do not allow that ({answer}); grant them the right to it"),
        (429 | 503, _) => format!("the store asks for fewer requests ({answer}); try again later, or raise --retries"),
        (507, _) => format!("the store is full ({answer}); make room"),
        (500..=599, _) => format!("the store has a fault ({answer}); try again later"),
        _ => {
            let message = message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
            format!("the store refuses it ({answer}{message}); check its address and settings")
        }
    }
}
