//! Describes a response that does not explain itself, by its status and by the nature of its body.

use serde::de::IgnoredAny;
use url::Url;

use super::error_body::{ErrorBody, MAX_ERROR_BODY, first_value};
use crate::model::error::{ErrorKind, Remedy};
use crate::support::sanitize::{one_line, strip_bom, strip_html};
use crate::youtube::client::Response;

/// How many characters of a title or a text are quoted.
const MAX_QUOTE: usize = 80;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) message: String,
    /// `None` if the kind alone determines the remedy.
    pub(super) remedy: Option<Remedy>,
}

/// Describes a response whose status is not 200.
pub(super) fn describe(response: &Response, kind: ErrorKind) -> Description {
    let status = response.head.status;
    let content = describe_content(&response.body);
    let target = response.head.location.as_deref().filter(|_| (300..=399).contains(&status)).and_then(target_host);
    let status_text = match (status, kind) {
        (204, _) => "a response without content".into(),
        (206, _) => "partial content, though the whole was requested".into(),
        (304, _) => "not modified, though the request was unconditional; a cache in between is at fault".into(),
        (300..=399, _) => {
            let target = target.as_deref().map(|host| format!(" to {host}")).unwrap_or_default();
            format!("a redirect{target}, which is not followed: the key would go with it")
        }
        (404, ErrorKind::BadResponse) => "not found; is --base-url right?".into(),
        (407, _) => "the proxy requires a login (407)".into(),
        (410, _) => "gone; is --base-url right?".into(),
        (451, _) => "not available for legal reasons; the country or the network forbids it".into(),
        (511, _) => "the network requires a login".into(),
        (_, ErrorKind::RateLimited) => "too many requests".into(),
        (_, ErrorKind::ServerError) => "the server reported an error".into(),
        _ if content.is_some() => format!("HTTP status {status}"),
        _ => format!("HTTP status {status} without an explanation"),
    };
    let remedy = match (status, kind) {
        (511, _) => Some(Remedy::LogInToNetwork),
        // Captive portals redirect to their login page.
        _ if target.is_some() => Some(Remedy::LogInToNetwork),
        (451, _) => Some(Remedy::CheckNetwork),
        // Not JSON, so it does not come from YouTube.
        (_, ErrorKind::Forbidden | ErrorKind::BadRequest) if content.is_some() => Some(Remedy::CheckNetwork),
        _ => None,
    };
    let content = content.map(|content| format!(" ({content})")).unwrap_or_default();
    Description { message: status_text + &content, remedy }
}

/// Describes a response whose status is 200 but whose body is not a chart.
pub(super) fn describe_not_a_chart(body: &[u8]) -> Description {
    let error = one_line(&strip_html(&ErrorBody::parse(body).message), 200);
    if !error.is_empty() {
        return Description { message: format!("an error with status 200: {error}"), remedy: None };
    }
    if let Some(kind) = first_value(body).as_ref().and_then(|value| value["kind"].as_str()) {
        let kind = one_line(kind, MAX_QUOTE);
        return Description { message: format!("the response is not a chart but a '{kind}'"), remedy: None };
    }
    let content = describe_content(body).map(|content| format!(" ({content})")).unwrap_or_default();
    let message = format!("the response is not a YouTube chart{content}; is a proxy or a login page in between?");
    Description { message, remedy: text_prefix(body).is_some_and(is_markup).then_some(Remedy::LogInToNetwork) }
}

/// The host of a `Location`, if it is not the server itself. The rest of the URL is not shown: its query may repeat what
/// was sent.
fn target_host(location: &str) -> Option<String> {
    // Stands for the server itself, whose name is not known here.
    let target = Url::parse("https://same.invalid/").and_then(|same| same.join(location)).ok()?;
    let host = target.host_str().filter(|host| *host != "same.invalid")?;
    Some(one_line(host, MAX_QUOTE))
}

/// Describes a body that is not JSON: a web page by its title, other text by its beginning.
fn describe_content(body: &[u8]) -> Option<String> {
    let text = text_prefix(body)?;
    if is_markup(text) {
        let title = title(text).map(|title| format!(" titled '{title}'"));
        return Some(format!("a web page{}", title.unwrap_or_default()));
    }
    let is_json = text.trim_start().starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_ok();
    let line = one_line(text, MAX_QUOTE);
    (!line.is_empty() && !text.contains('\0') && !is_json).then(|| format!("it says '{line}'"))
}

/// The beginning of the body, if it is text.
fn text_prefix(body: &[u8]) -> Option<&str> {
    let body = strip_bom(&body[..body.len().min(MAX_ERROR_BODY)]);
    match str::from_utf8(body) {
        // The last character is cut.
        Err(error) if error.error_len().is_none() => str::from_utf8(&body[..error.valid_up_to()]).ok(),
        text => text.ok(),
    }
}

fn is_markup(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// The title of a web page, on one line and without character references.
fn title(page: &str) -> Option<String> {
    // In ASCII lower case, so that positions are those of the page.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower[tag..].find('>')? + 1;
    let title = &page[start..start + lower[start..].find("</title")?];
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let title = entities.iter().fold(title.to_owned(), |title, (entity, text)| title.replace(entity, text));
    Some(one_line(&title, MAX_QUOTE)).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_found_decoded_and_put_on_one_line() {
        for (page, expected) in [
            ("<title>Log in</title>", Some("Log in")),
            ("<!DOCTYPE html>\n<HTML><Title lang=de>\n  A &amp; B\n|&nbsp;C </TITLE>", Some("A & B | C")),
            ("<title>\u{1b}[2J</title>", Some(r"\u{1b}[2J")),
            ("<title></title>", None),
            ("<title>cut", None),
            ("<title", None),
            ("<p>İ<title>é</title>", Some("é")),
        ] {
            assert_eq!(title(page).as_deref(), expected, "{page}");
        }
        assert_eq!(title(&format!("<title>{}</title>", "x".repeat(99))).unwrap().chars().count(), MAX_QUOTE);
    }

    #[test]
    fn only_the_host_of_a_redirect_is_named() {
        for (location, host) in [
            ("https://user:secret@Login.Example.org:8443/path?key=secret#x", Some("login.example.org")),
            ("//portal.example.org/x", Some("portal.example.org")),
            ("http://[::1]/", Some("[::1]")),
            ("/elsewhere?secret", None),
            ("", None),
            ("::::", None),
            ("mailto:secret@example.org", None),
        ] {
            assert_eq!(target_host(location).as_deref(), host, "{location}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_described() {
        for (body, expected) in [
            (b" <html><title>Blocked</title>".as_slice(), Some("a web page titled 'Blocked'")),
            (b"\xef\xbb\xbf<p>", Some("a web page")),
            (b"error code: 1020\n", Some("it says 'error code: 1020'")),
            (b"", None),
            (b" \n", None),
            (b"{}", None),
            (b"{\"cut", None),
            (b"null", None),
            (b"a\0b", None),
            (b"\xff\xfe", None),
        ] {
            assert_eq!(describe_content(body).as_deref(), expected, "{}", String::from_utf8_lossy(body));
        }
    }
}
