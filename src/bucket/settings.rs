//! How to reach the clouds: their own environment variables, the network, and how long to try.

use std::fmt;

use super::Patience;
use crate::youtube::client::Network;

/// The beginnings of the names of the variables that are read.
pub(super) const PREFIXES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// The settings for all buckets of an invocation. `Debug` hides the values of the variables.
pub struct Settings {
    variables: Vec<(String, String)>,
    pub(super) network: Network,
    pub(super) patience: Patience,
}

impl Settings {
    /// `variables` are those of the environment; others than the clouds' are ignored.
    pub fn new(variables: impl Iterator<Item = (String, String)>, network: Network, patience: Patience) -> Settings {
        let is_of_cloud = |(name, _): &(String, String)| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        Settings { variables: variables.filter(is_of_cloud).collect(), network, patience }
    }

    /// The variables whose names begin so, by name in lower case.
    pub(super) fn variables(&self, prefix: &str) -> impl Iterator<Item = (String, &str)> {
        let of_cloud = self.variables.iter().filter(move |(name, _)| name.starts_with(prefix));
        of_cloud.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Hides the values of secret variables in a text: a server may repeat what it was sent.
    pub(super) fn redact(&self, text: &str) -> String {
        let secrets = self.variables.iter().filter(|(name, _)| is_secret(name)).flat_map(|(_, value)| parts(value));
        secrets.fold(text.to_owned(), |text, secret| text.replace(&secret, "[hidden]"))
    }
}

fn is_secret(name: &str) -> bool {
    ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD"].iter().any(|word| name.contains(word)) && !name.ends_with("_FILE")
}

/// A secret, and if it is a query such as `sv=2024&sig=abc%3D`, the values in it, as they are and decoded.
fn parts(value: &str) -> Vec<String> {
    let pairs = url::form_urlencoded::parse(value.trim_start_matches('?').as_bytes());
    let decoded = pairs.map(|(_, value)| value.into_owned());
    let encoded = value.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
    // A shorter text occurs by chance.
    let is_long = |part: &String| part.len() >= 12;
    std::iter::once(value.to_owned()).chain(decoded).chain(encoded).filter(is_long).collect()
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.variables.iter().map(|(name, _)| name).collect();
        f.debug_struct("Settings")
            .field("variables", &names)
            .field("network", &self.network)
            .field("patience", &self.patience)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::new(variables, Network::default(), Patience::default())
    }

    #[test]
    fn only_variables_of_the_clouds_are_kept() {
        let settings =
            settings(&[("AWS_REGION", "eu-west-1"), ("YOUTUBE_API_KEY", "AIza"), ("AZURE_STORAGE_KEY", "x")]);
        assert_eq!(settings.variables("AWS_").collect::<Vec<_>>(), [("aws_region".to_owned(), "eu-west-1")]);
        assert_eq!((settings.get("AZURE_STORAGE_KEY"), settings.get("YOUTUBE_API_KEY")), (Some("x"), None));
    }

    #[test]
    fn secrets_are_hidden_in_texts_and_in_debug() {
        let settings = settings(&[
            ("AWS_SECRET_ACCESS_KEY", "the-secret-of-aws"),
            ("AZURE_STORAGE_SAS_TOKEN", "?sv=2024-11-04&sig=c2lnbmF0dXJlLW9mLXNhcw%3D%3D"),
            ("AWS_REGION", "a-region-that-is-long"),
        ]);
        for (text, expected) in [
            ("a the-secret-of-aws b", "a [hidden] b"),
            ("sig=c2lnbmF0dXJlLW9mLXNhcw%3D%3D", "sig=[hidden]"),
            ("sig=c2lnbmF0dXJlLW9mLXNhcw==", "sig=[hidden]"),
            ("a-region-that-is-long", "a-region-that-is-long"),
        ] {
            assert_eq!(settings.redact(text), expected);
        }
        let debug = format!("{settings:?} {:#?}", Patience { timeout: Duration::ZERO, ..Patience::default() });
        assert!(debug.contains("AWS_SECRET_ACCESS_KEY") && !debug.contains("the-secret"), "{debug}");
    }
}
