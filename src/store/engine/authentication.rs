//! User and password of the test mode, read where a server reads them: headers, basic authentication, the URL.

use super::exception::{Exception, code};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use sha2::Sha256;
use url::form_urlencoded;
use uuid::Uuid;

const USER_HEADER: &str = "x-clickhouse-user";
const PASSWORD_HEADER: &str = "x-clickhouse-key";

/// What every request must carry. Kept and compared as keyed hashes, so that the time of a comparison says nothing
/// about the words.
pub(super) struct Authentication {
    key: [u8; 16],
    expected: Vec<u8>,
}

impl Authentication {
    pub(super) fn new(user: &str, password: &str) -> Self {
        let mut authentication = Self { key: Uuid::new_v4().into_bytes(), expected: Vec::new() };
        authentication.expected = authentication.hash(user, password).finalize().into_bytes().to_vec();
        authentication
    }

    /// The answer for a request without credentials (401) or with wrong ones (403), code 516 in both; `None` for one
    /// that may go on.
    pub(super) fn refusal(&self, request: &Parts) -> Option<Response> {
        let Some((user, password)) = credentials(request) else {
            let mut response = refused("this server asks for user and password").into_response();
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let realm = HeaderValue::from_static("Basic realm=\"ClickHouse\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
            return Some(response);
        };
        let matches = self.hash(&user, &password).verify_slice(&self.expected);
        let reason = "Authentication failed: password is incorrect, or there is no user with such name";
        matches.err().map(|_| refused(&format!("{user}: {reason}")).into_response())
    }

    fn hash(&self, user: &str, password: &str) -> Hmac<Sha256> {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update(&user.len().to_le_bytes());
        hash.update(user.as_bytes());
        hash.update(password.as_bytes());
        hash
    }
}

fn refused(reason: &str) -> Exception {
    Exception::new(code::AUTHENTICATION_FAILED, reason)
}

/// User and password from the first place that has a user.
fn credentials(request: &Parts) -> Option<(String, String)> {
    let header = |name: &str| request.headers.get(name)?.to_str().ok().map(str::to_owned);
    if let Some(user) = header(USER_HEADER) {
        return Some((user, header(PASSWORD_HEADER).unwrap_or_default()));
    }
    if let Some(encoded) =
        header(header::AUTHORIZATION.as_str()).as_deref().and_then(|text| text.strip_prefix("Basic "))
    {
        let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        return decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()));
    }
    let query = request.uri.query().unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    parameter("user").map(|user| (user, parameter("password").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(uri: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let refusal = Authentication::new("me", "secret").refusal(&parts);
        refusal.map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn credentials_are_taken_from_headers_basic_authentication_and_url() {
        assert_eq!(status("/", &[("x-clickhouse-user", "me"), ("x-clickhouse-key", "secret")]), 200);
        assert_eq!(status("/", &[("authorization", "Basic bWU6c2VjcmV0")]), 200);
        assert_eq!(status("/?user=me&password=secret", &[]), 200);
    }

    #[test]
    fn missing_and_wrong_credentials_differ() {
        assert_eq!(status("/", &[]), 401);
        assert_eq!(status("/?user=me", &[]), 403);
        assert_eq!(status("/?user=mesecret", &[]), 403);
        assert_eq!(status("/", &[("x-clickhouse-user", "other"), ("x-clickhouse-key", "secret")]), 403);
    }
}
