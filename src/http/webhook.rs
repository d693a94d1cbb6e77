//! `POST /webhooks/github`: GitHub says that something was pushed, and the repository is synced at once.
//!
//! Everything a delivery says is believed only after its signature was checked over the bytes as they came:
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::Context;
use crate::graphql::global_id_of_job;
use crate::jobs::{JobsError, Service};
use crate::model::{ForgeId, JobArguments, JobKind, JobRequest, Repository, RepositoryStatus, Requester};
use crate::store::{Reader, StoreError};

/// Bytes of a delivery. GitHub sends up to 25 MB; a push so large is found by the next sync.
const MAX_BODY: usize = 8 << 20;
/// Actions of the event `repository` after which the forge has to be asked what became of it.
const ACTIONS: [&str; 8] =
    ["renamed", "edited", "archived", "unarchived", "deleted", "transferred", "privatized", "publicized"];

type Answer = (StatusCode, Json<Value>);

/// The route; without a secret there is none. Of two limits of a body the inner one counts, which is this.
pub fn routes(secret: Option<&Arc<str>>) -> Router<Context> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()).cloned() else { return Router::new() };
    let deliver = move |State(context): State<Context>, headers: HeaderMap, body: Bytes| async move {
        deliver(&context, &secret, &headers, &body).await
    };
    Router::new().route("/webhooks/github", post(deliver)).layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What a delivery says of its repository, and of what happened to it.
#[derive(Deserialize)]
struct Payload {
    repository: Subject,
    /// push: the full name of what was pushed to.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// repository: what was done.
    action: Option<String>,
}

#[derive(Deserialize)]
struct Subject {
    id: u64,
    html_url: String,
    default_branch: Option<String>,
}

async fn deliver(context: &Context, secret: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
    if !is_signed(secret, text(headers, "x-hub-signature-256"), body) {
        return refuse(StatusCode::UNAUTHORIZED, "X-Hub-Signature-256 is not the signature of this body");
    }
    let Some(event) = text(headers, "x-github-event") else {
        return refuse(StatusCode::BAD_REQUEST, "X-GitHub-Event is missing");
    };
    if event == "ping" {
        return (StatusCode::OK, Json(json!({ "pong": true })));
    }
    let media_type = text(headers, header::CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|sent| sent.trim().eq_ignore_ascii_case("application/json")) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "set the webhook's content type to application/json");
    }
    if !["push", "repository"].contains(&event) {
        return ignore("only the events push and repository are listened to");
    }
    let Ok(payload) = serde_json::from_slice::<Payload>(body) else {
        return refuse(StatusCode::BAD_REQUEST, "the body is no payload of this event");
    };
    if let Some(reason) = payload.leaves_all_as_it_is(event) {
        return ignore(reason);
    }
    // A delivery that comes again means the same job for as long as that goes on.
    match sync(context.jobs.as_ref(), &context.reader, &payload).await {
        Ok(accepted) => (StatusCode::ACCEPTED, Json(accepted)),
        Err((status, body)) => (status, Json(body)),
    }
}

/// Whether a header of the form `sha256=HEX` signs the body. The comparison takes the same time wherever the first difference is.
fn is_signed(secret: &str, signature: Option<&str>, body: &[u8]) -> bool {
    let Some(signature) = signature.and_then(|value| value.strip_prefix("sha256=")).and_then(bytes_of_hex) else {
        return false;
    };
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    key.chain_update(body).verify_slice(&signature).is_ok()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

impl Payload {
    /// Why a delivery is of no consequence.
    fn leaves_all_as_it_is(&self, event: &str) -> Option<&'static str> {
        match event {
            "push" => {
                let branch = self.reference.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
                let is_default = branch.is_some() && branch == self.repository.default_branch.as_deref();
                (!is_default).then_some("the push was not to the default branch")
            }
            _ => {
                let is_listened_to = self.action.as_deref().is_some_and(|action| ACTIONS.contains(&action));
                (!is_listened_to).then_some("this action changes nothing that is stored")
            }
        }
    }

    /// The names by which the repository may be known: by its forge's id, or by its URL alone.
    fn aliases(&self) -> Option<[String; 2]> {
        let url = url::Url::parse(&self.repository.html_url).ok()?;
        let host = url.host_str()?;
        let forge = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        // As URLs of repositories are normalised everywhere.
        let scheme = if url.scheme() == "http" && url.port().is_some() { "http" } else { "https" };
        let alias = format!("{scheme}://{forge}{}", url.path().trim_end_matches('/').trim_end_matches(".git"));
        Some([ForgeId { forge, id: self.repository.id.to_string() }.alias(), alias])
    }
}

/// Asks for the sync of the repository that a delivery means.
///
/// # Errors
/// The answer, when there is no job.
async fn sync(jobs: Option<&Service>, reader: &Reader, payload: &Payload) -> Result<Value, (StatusCode, Value)> {
    let Some(aliases) = payload.aliases() else {
        return Err((StatusCode::BAD_REQUEST, json!({ "error": "repository.html_url is no URL" })));
    };
    let known = find(reader, &aliases).await.map_err(|error| failed(&error))?;
    let Some(repository) = known else {
        return Err((StatusCode::ACCEPTED, json!({ "ignored": "the repository is not known here" })));
    };
    if repository.status == RepositoryStatus::Blocked {
        return Err((StatusCode::ACCEPTED, json!({ "ignored": "the repository is blocked" })));
    }
    let Some(jobs) = jobs else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "this server runs no jobs" })));
    };
    let request = JobRequest {
        kind: JobKind::Sync,
        repository: Some(repository.id),
        arguments: JobArguments { fetch: true, ..JobArguments::default() },
        requested_by: Requester::Webhook,
    };
    match jobs.queue.enqueue(request).await {
        Ok(enqueued) => Ok(json!({ "job": global_id_of_job(enqueued.job.id), "joined": enqueued.joined })),
        Err(JobsError::Store(error)) => Err(failed(&error)),
        Err(failure) => Err((StatusCode::SERVICE_UNAVAILABLE, json!({ "error": failure.to_string() }))),
    }
}

async fn find(reader: &Reader, aliases: &[String]) -> Result<Option<Repository>, StoreError> {
    for alias in aliases {
        if let Some(repository) = reader.repository_by_alias(alias).await? {
            return Ok(Some(repository));
        }
    }
    Ok(None)
}

fn failed(error: &StoreError) -> (StatusCode, Value) {
    tracing::error!(%error, "a delivery of a webhook failed");
    (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the database cannot be reached at the moment; send it again" }))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn refuse(status: StatusCode, message: &str) -> Answer {
    (status, Json(json!({ "error": message })))
}

fn ignore(reason: &str) -> Answer {
    (StatusCode::ACCEPTED, Json(json!({ "ignored": reason })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_signature_of_githubs_documentation_is_right() {
        assert!(is_signed(SECRET, Some(SIGNATURE), BODY));
        assert!(is_signed(SECRET, Some(&format!("sha256={}", SIGNATURE[7..].to_uppercase())), BODY));
    }

    #[test]
    fn any_other_is_not() {
        assert!(!is_signed(SECRET, None, BODY));
        assert!(!is_signed("another", Some(SIGNATURE), BODY));
        assert!(!is_signed(SECRET, Some(SIGNATURE), b"Hello, World"));
        for signature in [
            "",
            "sha256=",
            &SIGNATURE[7..],
            &SIGNATURE[..SIGNATURE.len() - 1],
            &SIGNATURE[..SIGNATURE.len() - 2],
            &format!("{SIGNATURE}00"),
            &SIGNATURE.replace("sha256", "sha1"),
            &SIGNATURE.replace('7', "8"),
            "sha256=ähem",
        ] {
            assert!(!is_signed(SECRET, Some(signature), BODY), "{signature}");
        }
    }

    fn payload(json: Value) -> Payload {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn pushes_to_the_default_branch_count() {
        let push = |reference: &str| {
            let subject = json!({ "id": 7, "html_url": "https://GitHub.com/ada/cluster", "default_branch": "main" });
            payload(json!({ "ref": reference, "repository": subject }))
        };
        assert_eq!(push("refs/heads/main").leaves_all_as_it_is("push"), None);
        for reference in ["refs/heads/main2", "refs/tags/main", "main", ""] {
            assert!(push(reference).leaves_all_as_it_is("push").is_some(), "{reference}");
        }
        let aliases = push("").aliases().unwrap();
        assert_eq!(aliases, ["github.com#7", "https://github.com/ada/cluster"].map(str::to_owned));
    }
}
