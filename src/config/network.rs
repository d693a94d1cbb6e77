//! What the environment says of the network, in the variables that git and other programs read, too.

use std::ffi::OsString;
use std::path::PathBuf;

use url::Url;

use super::Problem;
use super::environment;
use super::values::{Origin, Values};

/// In the order in which git looks at them.
const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
const CA_FILE: [&str; 1] = ["SSL_CERT_FILE"];
/// What a proxy may speak.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// How other machines are reached.
#[derive(Clone)]
pub struct NetworkConfig {
    /// On the way to https URLs; it may hold user name and password.
    pub proxy: Option<Url>,
    /// Hosts that are reached without it, separated by commas.
    pub no_proxy: String,
    /// PEM file of the authorities to trust; `None`: the system's.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The proxy's password stays out of logs.
        f.debug_struct("NetworkConfig").field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

impl NetworkConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let proxy = environment::first_of(&PROXY).and_then(|(name, value)| match proxy_of(value) {
            Some(url) => Some(url),
            None => {
                // It may hold a password: it is not repeated.
                let reason = "the value is no proxy; expected one such as http://HOST:PORT".to_owned();
                let origin = Origin::Variable("the environment".to_owned());
                values.report(Problem::Value { key: name.to_owned(), origin, reason });
                None
            }
        });
        let text = |(_, value): (&str, OsString)| value.to_string_lossy().into_owned();
        Self {
            proxy,
            no_proxy: environment::first_of(&NO_PROXY).map(text).unwrap_or_default(),
            ca_file: environment::first_of(&CA_FILE).map(|(_, value)| PathBuf::from(value)),
        }
    }
}

/// The proxy of a variable: a URL, whose scheme may be left out.
fn proxy_of(value: OsString) -> Option<Url> {
    let text = value.into_string().ok()?;
    let url = if text.contains("://") { Url::parse(&text) } else { Url::parse(&format!("http://{text}")) };
    url.ok().filter(|url| SCHEMES.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::proxy_of;

    #[test]
    fn proxies_are_urls_whose_scheme_may_be_left_out() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(proxy_of(text.into()).as_ref().map(url::Url::as_str), expected, "{text}");
        };
        check("http://proxy:3128", Some("http://proxy:3128/"));
        check("proxy:3128", Some("http://proxy:3128/"));
        check("me:secret@proxy:3128", Some("http://me:secret@proxy:3128/"));
        check("https://proxy", Some("https://proxy/"));
        check("socks5h://proxy:1080", Some("socks5h://proxy:1080"));
        for wrong in ["http://", "ftp://proxy", "socks4://proxy", "no proxy"] {
            check(wrong, None);
        }
    }
}
