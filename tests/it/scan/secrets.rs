//! Secrets are compared and never stored.

use std::fs;
use std::path::Path;

use super::{Scanned, check};
use crate::support::data::text;

/// Where the secrets of a scan must not be: in any answer, any row, any file but the mirror (which is never served).
#[track_caller]
fn absent_everywhere(scanned: &Scanned, secrets: &[&str], known: &str) {
    let answer = scanned.server.query(EVERYTHING).to_string();
    let events = scanned.data.succeed(&["events", text(&scanned.repository.path())]);
    let rows = scanned.data.dump();
    // What is no secret is there: the search is able to find something.
    for (place, content) in [("answers", &answer), ("events", &events), ("rows", &rows)] {
        assert!(content.contains(known), "{known} is not in the {place}");
        for secret in secrets {
            assert!(!content.contains(secret), "{secret} is in the {place}");
        }
    }
    search_files(&scanned.data.path(), secrets);
}

const EVERYTHING: &str = "{
    repositories { nodes { scanError headCommit { subject } } }
    resources { nodes { name content yaml } }
    events { nodes { name changes { pointer before after } commit { subject } resource { content } } }
    scanFailures { nodes { message } } }";

fn search_files(folder: &Path, secrets: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != "mirrors" {
            search_files(&path, secrets);
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
        }
    }
}

#[test]
fn values_of_a_secret_are_never_stored_and_their_changes_are_events() {
    let scanned = check(
        "secret",
        "3 commits, 1 created, 2 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED Secret login in login.yaml",
            "new password: MODIFIED Secret login in login.yaml",
            "new token: MODIFIED Secret login in login.yaml",
        ],
    );
    let changes = scanned.changes();
    assert_eq!(changes[1].len(), 1);
    assert!(changes[1][0].starts_with("/data/password: \"redacted:secret:"), "{changes:?}");
    assert_eq!(changes[2].len(), 1);
    assert!(changes[2][0].starts_with("/stringData/token: \"redacted:secret:"), "{changes:?}");
    let (before, after) = changes[2][0].split_once(" -> ").unwrap();
    assert!(!before.ends_with(after), "different values have different digests");
    let planted = [
        "first-password",
        "second-password",
        "first-token",
        "second-token",
        // The same in base64, as the manifest has them.
        "Zmlyc3QtcGFzc3dvcmQ",
        "c2Vjb25kLXBhc3N3b3Jk",
    ];
    absent_everywhere(&scanned, &planted, "login");
}

#[test]
fn credentials_in_other_places_are_never_stored() {
    let scanned = check(
        "secret-elsewhere",
        "1 commits, 2 created, 0 modified (0 moves), 0 deleted, 2 alive, 1 unparsable",
        &[
            &format!("use {}: CREATED Secret login in login.yaml", token()),
            &format!("use {}: CREATED ConfigMap settings in settings.yaml", token()),
        ],
    );
    absent_everywhere(&scanned, &["annotated-password", &token()], "settings");
}

/// The token of the fixture; in two parts, so that no search for leaked tokens finds this file.
fn token() -> String {
    ["ghp", "_0123456789abcdefghijklmnopqrstuvwxyzAB"].concat()
}

#[test]
fn two_installations_give_a_secret_different_digests() {
    let content = |scanned: &Scanned| scanned.field("content(pointer: \"/data/password\")");
    let events = &[
        "create: CREATED Secret login in login.yaml",
        "new password: MODIFIED Secret login in login.yaml",
        "new token: MODIFIED Secret login in login.yaml",
    ];
    let totals = "3 commits, 1 created, 2 modified (0 moves), 0 deleted, 1 alive, 0 unparsable";
    let (one, two) = (check("secret", totals, events), check("secret", totals, events));
    assert_ne!(content(&one), content(&two));
}

#[test]
#[cfg(unix)]
fn only_this_user_can_read_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let data = crate::support::data::TestData::new();
    data.scan(&crate::support::repos::fixture("move").path());
    let key = fs::metadata(data.path().join("redaction.key")).unwrap();
    assert_eq!((key.permissions().mode() & 0o777, key.len()), (0o600, 32));
}
