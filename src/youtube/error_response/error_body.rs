//! Parses the JSON of an error. It has two layouts, `errors[]` and `details[]`, often both. Every field may be missing.
//!
//! Sources: "YouTube Data API - Errors"; `google.rpc.ErrorInfo`, `RetryInfo`, `BadRequest`; and recorded bodies.

use std::time::Duration;

use serde_json::Value;

use super::limit::Limit;
use super::parse_seconds;
use crate::normalize::repair::repair_json;
use crate::support::sanitize::strip_bom;

/// The longest error body that is read; the rest is ignored. Recorded errors have about 1 KB.
pub(super) const MAX_ERROR_BODY: usize = 64 << 10;

/// The deepest nesting that is read, as in `serde_json`.
const MAX_DEPTH: usize = 128;

/// The fields that matter. All are empty if the body is not JSON.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    /// The most specific one first: `error.details[].reason`, then `error.errors[].reason` or a string in place of the
    /// object, then `error.status`, the name of a gRPC code.
    pub(super) reasons: Vec<String>,
    /// `error.message`
    pub(super) message: String,
    /// The invalid parameters, in lower case without `_`.
    parameters: Vec<String>,
    /// Whether the error is in the domain `usageLimits`, which concerns the key and its project.
    pub(super) is_usage_limit: bool,
    pub(super) limit: Limit,
    /// From `google.rpc.RetryInfo`.
    pub(super) retry_delay: Option<Duration>,
}

impl ErrorBody {
    pub(super) fn parse(body: &[u8]) -> ErrorBody {
        let Some(value) = first_value(body) else { return ErrorBody::default() };
        match &value["error"] {
            Value::String(reason) => {
                let message = value["error_description"].as_str().unwrap_or(reason).to_owned();
                let limit = Limit::parse(&[], &message);
                ErrorBody { reasons: vec![reason.clone()], limit, message, ..ErrorBody::default() }
            }
            error => ErrorBody::from_object(error),
        }
    }

    fn from_object(error: &Value) -> ErrorBody {
        let list = |name: &str| error[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let (details, errors) = (list("details"), list("errors"));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let reasons = details.iter().chain(errors).filter_map(|item| text(&item["reason"]));
        let is_header = |item: &&Value| item["locationType"] == "header";
        let locations = errors.iter().filter(|item| !is_header(item)).filter_map(|item| item["location"].as_str());
        let violations = details.iter().filter_map(|item| item["fieldViolations"].as_array()).flatten();
        let parameters = locations.chain(violations.filter_map(|violation| violation["field"].as_str()));
        let message = text(&error["message"]).unwrap_or_default();
        ErrorBody {
            reasons: reasons.chain(text(&error["status"])).collect(),
            parameters: parameters.map(normalized).filter(|name| !name.is_empty()).collect(),
            is_usage_limit: errors.iter().any(|item| item["domain"] == "usageLimits"),
            limit: Limit::parse(details, &message),
            retry_delay: details
                .iter()
                .find_map(|detail| parse_seconds(detail["retryDelay"].as_str()?.strip_suffix('s')?)),
            message,
        }
    }

    /// Whether the error is about this parameter: by its locations, or else by its message.
    pub(super) fn names_parameter(&self, parameter: &str) -> bool {
        match self.parameters.as_slice() {
            [] => self.message.contains(parameter),
            parameters => parameters.contains(&normalized(parameter)),
        }
    }

    /// Whether a location names the invalid parameter.
    pub(super) fn has_location(&self) -> bool {
        !self.parameters.is_empty()
    }
}

/// `regionCode` and `region_code` are the same parameter.
fn normalized(parameter: &str) -> String {
    parameter.replace('_', "").to_lowercase()
}

/// Parses the JSON value at the start of a body and ignores what follows it. If the value is truncated, its complete
/// members count. An incomplete string is dropped, since it may be the beginning of another reason.
pub(super) fn first_value(body: &[u8]) -> Option<Value> {
    let mut body = strip_bom(&body[..body.len().min(MAX_ERROR_BODY)]).to_vec();
    // A message that is cut within a character must not make the reason unreadable.
    repair_json(&mut body);
    let text = String::from_utf8_lossy(&body);
    match serde_json::Deserializer::from_str(&text).into_iter().next()? {
        Ok(value) => Some(value),
        Err(error) if error.is_eof() => serde_json::from_str(&complete_json(&text)?).ok(),
        Err(_) => None,
    }
}

/// Cuts truncated JSON after its last complete value, and closes its brackets.
fn complete_json(text: &str) -> Option<String> {
    let (mut open, mut in_string, mut is_escaped, mut is_value) = (Vec::new(), false, false, false);
    let mut last_complete = None;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' if in_string => {
                in_string = false;
                if is_value {
                    last_complete = Some((index + 1, open.clone()));
                }
            }
            _ if in_string => {}
            b'"' => in_string = true,
            b':' => is_value = true,
            b',' => {
                is_value = false;
                last_complete = Some((index, open.clone()));
            }
            b'{' | b'[' if open.len() == MAX_DEPTH => return None,
            b'{' => {
                is_value = false;
                open.push('}');
            }
            b'[' => open.push(']'),
            b'}' | b']' => {
                open.pop()?;
                last_complete = Some((index + 1, open.clone()));
            }
            _ => {}
        }
    }
    let (end, open) = last_complete?;
    Some(text[..end].chars().chain(open.into_iter().rev()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_json_values_do_not_cost_the_reason() {
        for invalid in [r#""message":"\ud83d""#, r#""code":1e999"#] {
            let body = format!(r#"{{"error":{{{invalid},"errors":[{{"reason":"quotaExceeded"}}]}}}}"#);
            assert_eq!(ErrorBody::parse(body.as_bytes()).reasons, ["quotaExceeded"], "{invalid}");
        }
    }

    #[test]
    fn complete_members_of_a_truncated_body_count() {
        let whole =
            r#"{"error":{"code":403,"message":"A \"b\", {c","errors":[{"reason":"quotaExceeded"},{"x":[1,2]}]}}"#;
        let message = |length: usize| first_value(&whole.as_bytes()[..length]).unwrap_or_default();
        for length in 0..whole.len() {
            let value = message(length);
            let error = &value["error"];
            let has = |part: &str| length >= whole.find(part).unwrap() + part.len();
            assert_eq!(error["code"] == 403, has("403,"), "{value}");
            assert_eq!(error["message"] == "A \"b\", {c", has("{c\""), "{value}");
            assert_eq!(error["errors"][0]["reason"] == "quotaExceeded", has("quotaExceeded\""), "{value}");
            // A truncated reason does not count.
            assert!(error["errors"][0]["reason"].as_str().is_none_or(|word| word == "quotaExceeded"), "{value}");
        }
    }

    #[test]
    fn what_follows_the_value_is_ignored() {
        for after in ["", " ", "{}", "</html>", "\0", r#"{"error":"b"}"#] {
            assert_eq!(first_value(format!("\u{feff} {{\"error\":\"a\"}}{after}").as_bytes()).unwrap()["error"], "a");
        }
        let long = format!(r#"{{"error":"a","x":"{}"}}"#, "x".repeat(MAX_ERROR_BODY));
        assert_eq!(first_value(long.as_bytes()).unwrap()["error"], "a");
        for none in
            ["", "{", "<html>", "{]", "{\"a\":}", "tru", &"[".repeat(MAX_ERROR_BODY), &"[0,".repeat(MAX_ERROR_BODY)]
        {
            assert_eq!(first_value(none.as_bytes()), None, "{}", &none[..none.len().min(9)]);
        }
    }
}
