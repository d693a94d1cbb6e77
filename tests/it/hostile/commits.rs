//! Commits with absurd times, parents and texts.

use serde_json::json;

use super::raw::{RawRepo, config_map};
use super::{scan, scan_raw};

/// A history of one file with a new value at each of these times.
fn at_times(times: &[&str]) -> RawRepo {
    let repository = RawRepo::new();
    let mut parent: Option<String> = None;
    for (index, seconds) in times.iter().enumerate() {
        let blob = repository.blob(format!("{}data: {{key: {index}}}\n", config_map("settings")));
        let tree = repository.tree(&[("100644", b"settings.yaml", &blob)]);
        let parents: Vec<&str> = parent.as_deref().into_iter().collect();
        parent = Some(repository.commit_at(&tree, &parents, seconds, &format!("at {seconds}")));
    }
    repository
}

#[test]
fn commits_of_any_time_are_walked_in_the_order_of_their_parents() {
    let times = [
        "0",
        "4102444800",
        "-1",
        "-86400",
        "-99999999999999999999999999",
        "99999999999999999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "253402300800",
        "18446744073709551615",
        "yesterday",
        "",
        "1704110400",
        "1704110399",
    ];
    let scanned = scan_raw(at_times(&times));
    scanned.succeeded("14 commits, 1 created, 13 modified (0 moves), 0 deleted, 1 alive, 0 unparsable");
    let events = scanned.data.events(std::path::Path::new(&scanned.source));
    let stored: Vec<i64> = events.iter().map(|event| event.time).collect();
    assert_eq!(stored[..4], [0, 4_102_444_800, -1, -86_400]);
    assert_eq!(stored[12..], [1_704_110_400, 1_704_110_399]);
    // All of them can be asked for, in both orders, and what the last one left is the state.
    for direction in ["ASC", "DESC"] {
        let document = format!(
            "{{ events(first: 100, filter: {{kind: {{eq: \"ConfigMap\"}}, name: {{eq: \"settings\"}}}},
                orderBy: [{{field: TIME, direction: {direction}}}]) {{ nodes {{ time commit {{ time subject }} }} }} }}"
        );
        let answer = scanned.server.query(&document);
        let nodes = answer["events"]["nodes"].as_array().unwrap();
        let own = nodes.iter().filter(|node| node["commit"]["subject"].as_str().unwrap().starts_with("at"));
        assert_eq!(own.count(), times.len(), "{answer}");
    }
    assert_eq!(scanned.repository()["headCommit"]["time"], "2024-01-01T11:59:59Z");
}

#[test]
fn a_merge_with_twenty_parents_is_one_step_and_one_with_thousands_too() {
    let repository = RawRepo::new();
    let file = |name: &str| repository.blob(config_map(name));
    let base = file("base");
    let root = repository.commit(&repository.tree(&[("100644", b"base.yaml", &base)]), &[], "create");
    let branches: Vec<String> = (0..20)
        .map(|number| {
            let blob = file(&format!("branch-{number}"));
            let name = format!("branch-{number:02}.yaml");
            repository.commit(
                &repository.tree(&[("100644", b"base.yaml", &base), ("100644", name.as_bytes(), &blob)]),
                &[&root],
                "branch",
            )
        })
        .collect();
    let blobs: Vec<(String, String)> =
        (0..20).map(|number| (format!("branch-{number:02}.yaml"), file(&format!("branch-{number}")))).collect();
    let mut entries: Vec<(&str, &[u8], &str)> = vec![("100644", b"base.yaml", &base)];
    entries.extend(blobs.iter().map(|(name, blob)| ("100644", name.as_bytes(), blob.as_str())));
    let tree = repository.tree(&entries);
    let mut parents: Vec<&str> = vec![&root];
    parents.extend(branches.iter().map(String::as_str));
    let merge = repository.commit(&tree, &parents, "merge twenty");
    // The same parents again and again, and one that is its own grandparent.
    let changed = file("changed");
    let many: Vec<&str> = std::iter::once(merge.as_str()).chain(parents.iter().copied().cycle().take(5_000)).collect();
    repository.commit(&repository.tree(&[("100644", b"base.yaml", &changed)]), &many, "merge thousands");
    let scanned = scan(&repository.path());
    scanned.succeeded("3 commits, 22 created, 0 modified (0 moves), 21 deleted, 1 alive, 0 unparsable");
}

#[test]
fn subjects_and_names_without_end_are_cut() {
    let repository = RawRepo::new();
    let tree = repository.tree(&[("100644", b"a.yaml", &repository.blob(config_map("a")))]);
    let (name, subject) = ("N".repeat(5 << 20), "s\u{1b}[31m ".repeat(1 << 20));
    let text = format!("tree {tree}\nauthor {name} <{name}> 1 +0000\ncommitter {name} <> 1 +0000\n\n{subject}\n");
    let id = repository.object("commit", text.as_bytes());
    repository.git(&["update-ref", "refs/heads/main", &id]);
    let scanned = scan(&repository.path());
    scanned.succeeded("1 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 0 unparsable");
    let head = &scanned.repository()["headCommit"];
    assert_eq!(head["actor"]["name"].as_str().unwrap().len(), 16 * 1024);
    assert!(head["subject"].as_str().unwrap().len() <= 16 * 1024);
    let events = scanned.data.succeed(&["events", &scanned.source]);
    assert!(!events.contains('\u{1b}'), "nobody commands the terminal");
}

#[test]
fn commits_that_are_no_commits_are_refused() {
    for (text, words) in
        [("", "cannot be fetched"), ("tree 1234\n", "cannot be fetched"), ("no header at all\n\n", "cannot be fetched")]
    {
        let repository = RawRepo::new();
        let id = repository.object("commit", text.as_bytes());
        // The ref is written past git's checks.
        std::fs::write(repository.path().join("refs/heads/main"), format!("{id}\n")).unwrap();
        scan(&repository.path()).refused(words);
    }
    let repository = RawRepo::new();
    let blob = repository.blob("a: 1\n");
    std::fs::write(repository.path().join("refs/heads/main"), format!("{blob}\n")).unwrap();
    let scanned = scan(&repository.path());
    assert_eq!(scanned.repository()["scanStatus"], json!("FAILED"));
}
