//! Words for an answer that does not explain itself: by its status, and by what its body is.

use serde::de::IgnoredAny;
use url::Url;

use super::error_body::{ErrorBody, LONGEST, first_value};
use crate::model::error::{ErrorKind, Remedy};
use crate::support::sanitize::{one_line, strip_bom, strip_html};
use crate::youtube::client::Response;

/// As much of a title or of a text as is quoted.
const QUOTED: usize = 80;

/// What to say of an answer, and what to do where its kind does not say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) message: String,
    pub(super) remedy: Option<Remedy>,
}

/// Describes an answer whose status is not 200.
pub(super) fn describe(reply: &Response, kind: ErrorKind) -> Description {
    let status = reply.head.status;
    let content = content(&reply.body);
    let target = reply.head.location.as_deref().filter(|_| (300..=399).contains(&status)).and_then(host_of);
    let words = match (status, kind) {
        (204, _) => "an answer without content, where a chart was asked for".into(),
        (206, _) => "a part of an answer, though the whole was asked for".into(),
        (304, _) => "not modified, it says, though no earlier answer was named; a cache in between is at fault".into(),
        (300..=399, _) => {
            let target = target.as_deref().map(|host| format!(" to {host}")).unwrap_or_default();
            format!("a redirect{target}, which is not followed: the key would go with it")
        }
        (404, ErrorKind::BadResponse) => "nothing there; is --base-url right?".into(),
        (407, _) => "the proxy wants a login (407)".into(),
        (410, _) => "nothing there any more; is --base-url right?".into(),
        (451, _) => "not available for legal reasons; the country or the network forbids it".into(),
        (511, _) => "the network wants a login".into(),
        (_, ErrorKind::RateLimited) => "too many requests".into(),
        (_, ErrorKind::ServerError) => "the server has trouble".into(),
        _ if content.is_some() => format!("HTTP status {status}"),
        _ => format!("HTTP status {status} without an explanation"),
    };
    let remedy = match (status, kind) {
        (511, _) => Some(Remedy::LogInToNetwork),
        // Where a network sends those who have not logged in.
        _ if target.is_some() => Some(Remedy::LogInToNetwork),
        (451, _) => Some(Remedy::CheckNetwork),
        // YouTube explains itself in JSON.
        (_, ErrorKind::Forbidden | ErrorKind::BadRequest) if content.is_some() => Some(Remedy::CheckNetwork),
        _ => None,
    };
    let content = content.map(|content| format!(" ({content})")).unwrap_or_default();
    Description { message: words + &content, remedy }
}

/// Describes an answer whose status is 200, though it is no chart.
pub(super) fn describe_other(body: &[u8]) -> Description {
    let error = one_line(&strip_html(&ErrorBody::read(body).message), 200);
    if !error.is_empty() {
        return Description { message: format!("an error with status 200: {error}"), remedy: None };
    }
    if let Some(kind) = first_value(body).as_ref().and_then(|value| value["kind"].as_str()) {
        let kind = one_line(kind, QUOTED);
        return Description { message: format!("the answer is no chart but a '{kind}'"), remedy: None };
    }
    let content = content(body).map(|content| format!(" ({content})")).unwrap_or_default();
    let message = format!("the answer is no chart of YouTube's{content}; is a proxy or a login page in between?");
    Description { message, remedy: beginning(body).is_some_and(is_markup).then_some(Remedy::LogInToNetwork) }
}

/// The host that a `Location` points to, where it is another one. Nothing else of the address is shown: a query may
/// hold what was sent.
fn host_of(location: &str) -> Option<String> {
    // A name for the server itself, whose address is not known here.
    let target = Url::parse("https://same.invalid/").and_then(|same| same.join(location)).ok()?;
    let host = target.host_str().filter(|host| *host != "same.invalid")?;
    Some(one_line(host, QUOTED))
}

/// Describes a body that is not JSON: a web page by its title, other text by its beginning.
fn content(body: &[u8]) -> Option<String> {
    let text = beginning(body)?;
    if is_markup(text) {
        let title = title(text).map(|title| format!(" titled '{title}'"));
        return Some(format!("a web page{}", title.unwrap_or_default()));
    }
    let is_json = text.trim_start().starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_ok();
    let line = one_line(text, QUOTED);
    (!line.is_empty() && !text.contains('\0') && !is_json).then(|| format!("it says '{line}'"))
}

/// The body, or the beginning of a long one, as text.
fn beginning(body: &[u8]) -> Option<&str> {
    let body = strip_bom(&body[..body.len().min(LONGEST)]);
    match str::from_utf8(body) {
        // A character that is cut in two at the end.
        Err(error) if error.error_len().is_none() => str::from_utf8(&body[..error.valid_up_to()]).ok(),
        text => text.ok(),
    }
}

fn is_markup(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// The title of a web page, on one line.
fn title(page: &str) -> Option<String> {
    // Of the same length as the page.
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title")?;
    let begin = begin + lower[begin..].find('>')? + 1;
    let title = &page[begin..begin + lower[begin..].find("</title")?];
    let references = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let title = references.iter().fold(title.to_owned(), |title, (name, text)| title.replace(name, text));
    Some(one_line(&title, QUOTED)).filter(|title| !title.is_empty())
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
        assert_eq!(title(&format!("<title>{}</title>", "x".repeat(99))).unwrap().chars().count(), QUOTED);
    }

    #[test]
    fn a_redirect_names_the_host_alone() {
        for (location, host) in [
            ("https://user:secret@Login.Example.org:8443/path?key=secret#x", Some("login.example.org")),
            ("//portal.example.org/x", Some("portal.example.org")),
            ("http://[::1]/", Some("[::1]")),
            ("/elsewhere?secret", None),
            ("", None),
            ("::::", None),
            ("mailto:secret@example.org", None),
        ] {
            assert_eq!(host_of(location).as_deref(), host, "{location}");
        }
    }

    #[test]
    fn what_is_no_json_is_named() {
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
            assert_eq!(content(body).as_deref(), expected, "{}", String::from_utf8_lossy(body));
        }
    }
}
