//! URLs of remotes: reading, normalising, and hiding of credentials.

use url::Url;

use super::credentials::Credentials;
use super::error::GitError;

/// What a remote URL says, for `scheme://[user[:password]@]host[:port]/path` and for `[user@]host:path`.
pub(super) struct RemoteUrl {
    /// `https`, `http`, `ssh` or `git`.
    pub scheme: String,
    /// User name and password, as they stand, undone from percent-encoding.
    pub username: String,
    pub password: Option<String>,
    /// Lower case; IPv6 addresses in brackets.
    pub host: String,
    /// Only when it is written and not the scheme's own.
    pub port: Option<u16>,
    /// Without leading slashes, otherwise as written (percent-encoded, `.git` kept).
    pub path: String,
    /// The scp form, `host:path`.
    pub is_scp: bool,
}

impl RemoteUrl {
    /// `None` when the text is no URL of a scheme that we fetch from.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(|character: char| character.is_control() || character.is_whitespace()) {
            return None;
        }
        let parsed = match text.contains("://") {
            true => Self::parse_url(text),
            false => Self::parse_scp(text),
        };
        parsed.filter(|url| !url.host.is_empty() && !url.host.starts_with('-') && !url.path.is_empty())
    }

    fn parse_url(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let own_port = match url.scheme() {
            "https" => 443,
            "http" => 80,
            "ssh" => 22,
            "git" => 9418,
            _ => return None,
        };
        Some(Self {
            scheme: url.scheme().to_owned(),
            username: percent_decode(url.username()),
            password: url.password().map(percent_decode),
            host: url.host_str()?.to_ascii_lowercase(),
            port: url.port().filter(|port| *port != own_port),
            path: url.path().trim_start_matches('/').to_owned(),
            is_scp: false,
        })
    }

    /// `[user@]host:path`: no slash before the first colon, as git reads it.
    fn parse_scp(text: &str) -> Option<Self> {
        let (authority, path) = text.split_once(':')?;
        if authority.contains('/') || authority.starts_with('-') {
            return None;
        }
        let (username, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        // A path with an `@` is rather a mistyped `user:password@host:path`.
        if path.contains('@') {
            return None;
        }
        // `[host]:path` and IPv6 addresses are not taken: ssh:// says those better.
        let valid = |character: char| character.is_alphanumeric() || "-._".contains(character);
        if !host.chars().all(valid) {
            return None;
        }
        Some(Self {
            scheme: "ssh".to_owned(),
            username: username.to_owned(),
            password: None,
            host: host.to_ascii_lowercase(),
            port: None,
            path: path.trim_start_matches('/').to_owned(),
            is_scp: true,
        })
    }

    pub fn is_http(&self) -> bool {
        self.scheme == "https" || self.scheme == "http"
    }

    /// The credentials in the URL itself, if it is an http one.
    pub fn credentials(&self) -> Option<Credentials> {
        let password = self.password.as_deref().unwrap_or_default();
        let given = self.is_http() && !(self.username.is_empty() && password.is_empty());
        given.then(|| Credentials::basic(&self.username, password))
    }

    /// `scheme://host[:port]`.
    pub fn origin(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme, self.host)
    }

    /// The identity of the repository behind the URL; see [`normalise_url`].
    fn identity(&self) -> Option<String> {
        let origin = match (self.scheme.as_str(), self.port) {
            ("https", _) | ("http" | "git", Some(_)) => self.origin(),
            _ => format!("https://{}", self.host),
        };
        let path = self.path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        (!path.is_empty()).then(|| format!("{origin}/{path}"))
    }
}

/// The one form of a repository's URL, by which it is recognised however it was reached: `https://host/owner/name`.
///
/// No credentials, no query, no trailing slash or `.git`; the host in lower case, the path as written (most forges
/// tell paths apart by case). `http`, `ssh`, `git` and `git@host:owner/name` become `https`, because forges serve one
/// repository by all of them. A port is kept where it belongs to https, http or git, and such an http or git URL stays one: no forge serves
/// it, and nothing else leads there.
pub fn normalise_url(url: &str) -> Result<String, GitError> {
    RemoteUrl::parse(url)
        .and_then(|parsed| parsed.identity())
        .ok_or_else(|| GitError::Source { name: redact_source(url), problem: "not the URL of a repository".to_owned() })
}

/// A source text with its user information removed, whatever it turns out to be.
pub(super) fn redact_source(source: &str) -> String {
    match (source.contains("://"), source.find(':'), source.rfind('@')) {
        // `user:password@host:path` is no source, but somebody may well type it.
        (false, Some(colon), Some(at)) if colon < at => redact(&source[at + 1..]),
        _ => redact(source),
    }
}

/// The text with the user information of every URL in it removed, and control characters made harmless. It rather
/// hides too much (up to the last `@` of a word) than a password that holds a slash.
pub(super) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        shown.push_str(before);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        rest = after[..end].rfind('@').map_or(after, |at| &after[at + 1..]);
    }
    shown.push_str(rest);
    shown.replace(char::is_control, " ")
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let pair = bytes.get(index + 1..index + 3);
        let byte = pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        match byte {
            Some(byte) if bytes[index] == b'%' => {
                decoded.push(byte);
                index += 3;
            }
            _ => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
