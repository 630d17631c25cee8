//! Addresses of objects: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`.

use std::fmt;

use object_store::path::Path;

/// Who stores the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cloud {
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    Google,
    Azure,
}

impl Cloud {
    fn from_scheme(scheme: &str) -> Result<Cloud, String> {
        match scheme {
            "s3" => Ok(Cloud::S3),
            "gs" => Ok(Cloud::Google),
            "az" => Ok(Cloud::Azure),
            "s3a" | "s3n" => Err("write s3://BUCKET/KEY".into()),
            "gcs" => Err("write gs://BUCKET/KEY".into()),
            _ => Err("write az://CONTAINER/KEY, and set AZURE_STORAGE_ACCOUNT_NAME".into()),
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Cloud::S3 => "s3",
            Cloud::Google => "gs",
            Cloud::Azure => "az",
        }
    }

    /// What it calls a bucket.
    pub(super) fn bucket(self) -> &'static str {
        match self {
            Cloud::S3 | Cloud::Google => "bucket",
            Cloud::Azure => "container",
        }
    }
}

/// A parsed address. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) cloud: Cloud,
    pub(super) bucket: String,
    /// The key of an object; or, with a `/` at its end, the beginning of the keys of several. Empty is a whole bucket.
    pub(super) key: String,
}

impl Address {
    /// # Errors
    /// The reason, which does not quote the text: it may contain a password.
    pub(super) fn parse(text: &str) -> Result<Address, String> {
        let (scheme, rest) = text.split_once(':').ok_or("it has no scheme; write s3://BUCKET/KEY")?;
        let cloud = Cloud::from_scheme(&scheme.to_ascii_lowercase())?;
        let form = || format!("write {}://{}/KEY", cloud.scheme(), cloud.bucket().to_uppercase());
        let rest = rest.strip_prefix("//").ok_or_else(form)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains(['@', ':', '?']) {
            return Err(format!(
                "the address holds neither a login nor a port; {}, and give both by environment variables",
                form()
            ));
        }
        let is_name = |character: char| character.is_ascii_alphanumeric() || ".-_$".contains(character);
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(format!("that is not the name of a {}; {}", cloud.bucket(), form()));
        }
        if key.is_empty() && !rest.ends_with('/') {
            return Err(format!("that names the {} alone; {}", cloud.bucket(), form()));
        }
        let address = Address { cloud, bucket: bucket.to_owned(), key: key.to_owned() };
        match address.path().to_string() == key.strip_suffix('/').unwrap_or(key) && !key.starts_with('/') {
            true => Ok(address),
            false => Err("a key has no empty part, '.', '..' or control character; choose another".into()),
        }
    }

    /// The address of `name` below this one.
    pub(super) fn child(&self, name: &str) -> Address {
        Address { key: format!("{}{name}", self.key), ..self.clone() }
    }

    /// The beginning of the keys beside this one: `s3://bucket/a/` of `s3://bucket/a/b` and `s3://bucket/a/b/`.
    pub(super) fn folder(&self) -> Address {
        let key = self.key.strip_suffix('/').unwrap_or(&self.key);
        let length = key.rfind('/').map_or(0, |slash| slash + 1);
        Address { key: key[..length].to_owned(), ..self.clone() }
    }

    pub(super) fn path(&self) -> Path {
        Path::parse(&self.key).unwrap_or_default()
    }

    pub(super) fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.cloud.scheme(), self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_bucket_and_a_key() {
        for (text, cloud, bucket, key, is_folder) in [
            ("s3://charts/latest.json", Cloud::S3, "charts", "latest.json", false),
            ("S3://charts/a/b c.json.gz", Cloud::S3, "charts", "a/b c.json.gz", false),
            ("gs://charts/%41*?.csv", Cloud::Google, "charts", "%41*?.csv", false),
            ("az://charts/lake/", Cloud::Azure, "charts", "lake/", true),
            ("az://$web/index.html", Cloud::Azure, "$web", "index.html", false),
            ("s3://charts/", Cloud::S3, "charts", "", true),
        ] {
            let address = Address::parse(text).unwrap();
            let expected = Address { cloud, bucket: bucket.into(), key: key.into() };
            assert_eq!((&address, address.is_folder()), (&expected, is_folder), "{text}");
            assert_eq!(Address::parse(&address.to_string()), Ok(expected), "{text}");
        }
        let lake = Address::parse("s3://charts/lake/").unwrap();
        for (text, folder) in [("a/b", "a/"), ("a/b/", "a/"), ("a", ""), ("a/", ""), ("", "")] {
            assert_eq!(Address { key: text.into(), ..lake.clone() }.folder().key, folder, "{text}");
        }
        assert_eq!(lake.child("entries/x.parquet").to_string(), "s3://charts/lake/entries/x.parquet");
    }

    #[test]
    fn anything_else_is_refused_without_quoting_it() {
        for (text, why) in [
            ("s3:charts/x.json", "write s3://BUCKET/KEY"),
            ("az:/charts/x.json", "write az://CONTAINER/KEY"),
            ("s3://charts", "names the bucket alone"),
            ("az://charts", "names the container alone"),
            ("s3:///x.json", "not the name of a bucket"),
            ("s3://ch arts/x.json", "not the name of a bucket"),
            ("s3://AKIASECRET:hunter2@charts/x.json", "neither a login"),
            ("s3://charts:9000/x.json", "nor a port"),
            ("az://charts?sig=hunter2", "neither a login"),
            ("s3://charts//x.json", "no empty part"),
            ("s3://charts/a//x.json", "no empty part"),
            ("s3://charts/a/../x.json", "no empty part"),
            ("s3://charts/a\nx.json", "no empty part"),
            ("s3a://charts/x.json", "write s3://"),
            ("gcs://charts/x.json", "write gs://"),
            ("abfss://charts@account.dfs.core.windows.net/x", "AZURE_STORAGE_ACCOUNT_NAME"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
