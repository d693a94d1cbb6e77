//! Credentials for https and http remotes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A user name and a secret, sent as an HTTP Basic `Authorization` header. Never printed, never in an argument or file.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    secret: String,
}

impl Credentials {
    /// An access token of a forge. GitHub, GitLab and Gitea accept any user name beside it; this one is GitHub's own.
    pub fn token(token: impl Into<String>) -> Self {
        Self::basic("x-access-token", token)
    }

    /// A user name and a password.
    pub fn basic(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), secret: password.into() }
    }

    /// The header's line: `Authorization: Basic …`.
    pub(super) fn header(&self) -> String {
        let pair = format!("{}:{}", self.username, self.secret);
        format!("Authorization: Basic {}", STANDARD.encode(pair))
    }

    /// A message without them: a server may say back whatever it was sent.
    pub(super) fn hide_in(&self, message: &str) -> String {
        let header = self.header();
        let encoded = header.rsplit(' ').next().unwrap_or_default();
        // A token may stand as the user's name, without a password.
        let secret = if self.secret.is_empty() { &self.username } else { &self.secret };
        let hide = |text: String, secret: &str| if secret.is_empty() { text } else { text.replace(secret, "…") };
        hide(hide(message.to_owned(), encoded), secret)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(hidden)")
    }
}
