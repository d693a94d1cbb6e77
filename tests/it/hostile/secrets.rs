//! Secrets of every rule, wherever a repository can hold them: no row, no answer, no log and no file has one.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Scanned, scan_with};
use crate::support::data::TestData;
use crate::support::repos::{TempRepo, fixture};

/// Nothing of a scan holds a secret: no answer, no row of any table (the engine's own logs, too), no line of a log, no file
/// but the mirrors, which hold the repository itself and are never served. `known` is no secret and shows that there is
/// something to be found.
#[track_caller]
pub(super) fn absent_everywhere(scanned: &Scanned, secrets: &[String], known: &str) {
    let answer = scanned.server.query(EVERYTHING).to_string();
    let rows = scanned.data.dump();
    assert!(answer.contains(known) && rows.contains(known), "{known} is not found");
    let places = [
        ("answers", answer),
        ("rows", rows),
        ("engine's tables", engine_tables(&scanned.data)),
        ("server's log", scanned.server.log()),
        ("log of the scan", scanned.ran.stderr.clone()),
        ("summaries", scanned.ran.stdout.clone()),
    ];
    for (place, content) in &places {
        for secret in secrets {
            // JSON may write a character in more ways than one.
            let plain = content.replace("\\/", "/").replace("\\\\", "\\").replace("\\\"", "\"");
            assert!(
                !content.contains(secret.as_str()) && !plain.contains(secret.as_str()),
                "{secret} is in the {place}"
            );
        }
    }
    search_files(&scanned.data.path(), secrets);
}

const EVERYTHING: &str = "{
    repositories { nodes { name fullName url defaultBranch scanError headCommit { subject actor { name } } } }
    resources(first: 100, filter: {status: {in: [ACTIVE, DELETED]}}) { nodes { name namespace path content yaml } }
    events(first: 100) { nodes { name path changes { pointer before after } commit { subject actor { name } } } }
    scanFailures(first: 100) { nodes { path message } } }";

/// What the engine itself keeps of statements and messages.
pub fn engine_tables(data: &TestData) -> String {
    let names =
        data.sql(&["SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log' ORDER BY name"]);
    let names = names[0].lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let statements: Vec<String> =
        names.map(|row| format!("SELECT * FROM system.{}", row["name"].as_str().unwrap())).collect();
    data.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).concat()
}

/// No file below the folder holds a secret; mirrors further down are left out.
#[track_caller]
pub fn search_files(folder: &Path, secrets: &[String]) {
    assert!(search(folder, secrets) > 0, "{} holds no file", folder.display());
}

/// Answers how many files were searched.
#[track_caller]
fn search(folder: &Path, secrets: &[String]) -> usize {
    let mut searched = 0;
    // Parts of the database come and go while it runs.
    for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && path.file_name().unwrap() != "mirrors" {
            searched += search(&path, secrets);
        } else if let Ok(bytes) = fs::read(&path) {
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
            searched += 1;
        }
    }
    searched
}

/// A credential as its issuer writes it; put together here so that no search for leaked ones finds this file.
fn issued() -> Vec<String> {
    let letters = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2dE3f";
    vec![
        format!("gh{}_{letters}", 'p'),
        format!("gl{}-{letters}", "pat"),
        format!("xo{}-123456789012-{letters}", "xb"),
        format!("AK{}{}", "IA", "A2B3C4D5E6F7G2H3"),
        format!("AGE-SECRET-KEY-1{}", "QPZRY9X8GF2TVDW0S3JN".repeat(3)),
        format!("1234567890:{}{letters}", "AA"),
        format!("ey{}.eyJzdWIiOiIxMjM0NSJ9.{letters}", "JhbGciOiJIUzI1NiJ9"),
        format!("hooks.{}/services/T0/B0/{letters}", "slack.com"),
    ]
}

const PLAIN: &str = "hunter2-planted";
const RANDOM: &str = "9fK2mQx71LpZw4Tb";

const CIPHER: &str = "ENC[AES256_GCM,data:cGxhbnRlZA==,iv:aXY=,tag:dGFn,type:str]";
const SEALED: &str = "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq";

/// The manifests of `fixtures/secrets`, each with a secret where a rule knows it: name and text.
fn manifests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/secrets");
    let fill = |text: String| {
        let words =
            [("PLAIN", PLAIN), ("RANDOM", RANDOM), ("CIPHER", CIPHER), ("SEALED", SEALED), ("PRIVATE", "PRIVATE")];
        let filled = words.iter().fold(text, |text, (word, value)| text.replace(&format!("@{word}@"), value));
        let filled = filled.replace("@ENCODED@", &STANDARD.encode(PLAIN));
        issued().iter().enumerate().fold(filled, |text, (index, token)| text.replace(&format!("@TOKEN{index}@"), token))
    };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fill(fs::read_to_string(file.path()).unwrap())))
        .collect()
}

/// What must be nowhere: the secrets, as they are and in base64.
fn planted() -> Vec<String> {
    let mut secrets = vec![PLAIN.to_owned(), RANDOM.to_owned()];
    secrets.extend(issued());
    let encoded: Vec<String> = secrets.iter().map(|secret| STANDARD.encode(secret)).collect();
    [secrets, encoded, vec![CIPHER.to_owned(), SEALED.to_owned()]].concat()
}

/// Four commits: the manifests, each with a change, broken, gone; a credential in every subject and author.
fn plant(repository: &TempRepo, files: &[(String, String)], tokens: &[String]) {
    let commit = |index: usize| {
        let token = &tokens[index % tokens.len()];
        repository.git(&["add", "--all"]);
        let author = format!("--author=Ann {token} <{token}@example.org>");
        repository.git(&[
            "commit",
            "--quiet",
            &author,
            "--message",
            &format!("use {token} and password={RANDOM}\n\n{token}"),
        ]);
    };
    for (name, text) in files {
        fs::write(repository.path().join(name), text).unwrap();
    }
    commit(0);
    for (name, text) in files {
        let changed = text.replace(PLAIN, &format!("{PLAIN}-changed")).replace(RANDOM, &format!("{RANDOM}8c"));
        fs::write(repository.path().join(name), changed + "extra: field\n").unwrap();
    }
    commit(1);
    for (name, text) in files {
        // No YAML any more: failures are told of without what the file holds.
        fs::write(repository.path().join(name), format!("{text}\n\"{PLAIN} {RANDOM}: [\n")).unwrap();
    }
    commit(2);
    for (name, _) in files {
        fs::remove_file(repository.path().join(name)).unwrap();
    }
    commit(3);
}

#[test]
fn no_secret_is_stored_shown_or_logged() {
    let files = manifests();
    assert_eq!(files.len(), 13);
    let repository = fixture("empty");
    plant(&repository, &files, &issued());
    let data = TestData::new().with("KUBESTATS_LOG", "trace");
    let scanned = scan_with(data, repository.path().to_str().unwrap());
    let count = files.len();
    scanned.succeeded(&format!(
        "4 commits, {count} created, {count} modified (0 moves), {count} deleted, 0 alive, {count} unparsable"
    ));
    absent_everywhere(&scanned, &planted(), "redacted:secret:");
}
