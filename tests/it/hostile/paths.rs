//! Trees with names that no git would write, and files that are no files.

use super::raw::{RawRepo, config_map};
use super::{Scanned, scan};

#[track_caller]
fn scan_tree(repository: &RawRepo, tree: &str) -> Scanned {
    repository.commit(tree, &[], "create");
    scan(&repository.path())
}

#[test]
fn names_that_climb_hide_or_break_lines_are_only_names() {
    let repository = RawRepo::new();
    let outside = repository.beside("outside.yaml");
    std::fs::write(&outside, config_map("outside")).unwrap();
    let blob = |name: &str| repository.blob(config_map(name));
    let folder = |name: &str| repository.tree(&[("100644", b"outside.yaml", &blob(name))]);
    let deeper = repository.tree(&[("40000", b"..", &folder("far-up"))]);
    let names: [(&str, &[u8], String); 16] = [
        ("40000", b"..", folder("up")),
        ("40000", b".", folder("here")),
        ("40000", b".GIT", folder("shouting")),
        ("40000", b".git", folder("dot-git")),
        ("40000", b".g\xe2\x80\x8cit", folder("ignored-by-hfs")),
        ("40000", b"a", deeper),
        ("100644", b"..\\outside.yaml", blob("backslash")),
        ("100644", b"/etc/absolute.yaml", blob("absolute")),
        ("100644", b"C:\\drive.yaml", blob("drive")),
        ("100644", b"CON.yaml", blob("device")),
        ("100644", b"\xff\xfe\x80.yaml", blob("no-utf-8")),
        ("100644", b"a\n:100644 100644 b.yaml", blob("line")),
        ("100644", b"\x1b]0;title\x07.yaml", blob("terminal")),
        ("100644", b" .yaml", blob("space")),
        ("40000", b"git~1", folder("short-name")),
        ("100644", b"~.yaml", blob("home")),
    ];
    let mut entries: Vec<(&str, &[u8], &str)> =
        names.iter().map(|(mode, name, id)| (*mode, *name, id.as_str())).collect();
    let end = |mode: &str| if mode == "40000" { "/" } else { "" };
    entries.sort_by_key(|(mode, name, _)| [*name, end(mode).as_bytes()].concat());
    let scanned = scan_tree(&repository, &repository.tree(&entries));
    scanned.succeeded("1 commits, 16 created, 0 modified (0 moves), 0 deleted, 16 alive, 0 unparsable");
    let answer = scanned.server.query("{ resources(first: 100) { nodes { name path } } }");
    let nodes = answer["resources"]["nodes"].as_array().unwrap();
    let path = |name: &str| nodes.iter().find(|node| node["name"] == name).unwrap()["path"].as_str().unwrap();
    assert_eq!(path("up"), "../outside.yaml");
    assert_eq!(path("far-up"), "a/../outside.yaml");
    assert_eq!(path("dot-git"), ".git/outside.yaml");
    assert_eq!(path("line"), "a\n:100644 100644 b.yaml");
    assert_eq!(path("no-utf-8"), "\u{fffd}\u{fffd}\u{fffd}.yaml");
    assert!(nodes.iter().all(|node| node["name"] != "outside"), "nothing of the disk is read");
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), config_map("outside"), "nothing of the disk is written");
    let printed = scanned.data.succeed(&["events", &scanned.source]);
    assert!(!printed.contains('\u{1b}') && !printed.contains('\u{7}'), "nobody commands the terminal");
}

#[test]
fn a_name_that_stands_twice_is_one_file() {
    let repository = RawRepo::new();
    let [one, two, three] = ["one", "two", "three"].map(|name| repository.blob(config_map(name)));
    let inner = repository.tree(&[("100644", b"b.yaml", &three)]);
    // A file twice, a file and a folder that lead to the same path, and all in a wrong order.
    let entries: [(&str, &[u8], &str); 5] = [
        ("100644", b"z.yaml", &one),
        ("100644", b"a.yaml", &one),
        ("100644", b"a.yaml", &two),
        ("100644", b"a/b.yaml", &one),
        ("40000", b"a", &inner),
    ];
    let first = repository.commit(&repository.tree(&entries), &[], "create");
    let second = repository.commit(&repository.tree(&entries[1..]), &[&first], "without one");
    repository.commit(&repository.tree(&[("100644", b"z.yaml", &one)]), &[&second], "mended");
    let scanned = scan(&repository.path());
    assert!(scanned.ran.success, "{}", scanned.ran.stderr);
    let answer = scanned.server.query("{ events(first: 100) { nodes { id resource { id } } } }");
    let nodes = answer["events"]["nodes"].as_array().unwrap();
    let ids: std::collections::HashSet<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), nodes.len(), "an event twice");
    let alive = &scanned.server.query("{ resources { nodes { name path } } }")["resources"]["nodes"];
    let own: Vec<_> = alive.as_array().unwrap().iter().filter(|node| node["path"] == "z.yaml").collect();
    assert_eq!(own, [&serde_json::json!({ "name": "one", "path": "z.yaml" })]);
}

#[test]
fn trees_that_cannot_be_read_are_refused() {
    let repository = RawRepo::new();
    let blob = repository.blob(config_map("a"));
    let empty_name = repository.tree(&[("100644", b"", &blob)]);
    let bad_mode = repository.tree(&[("rw-r--", b"a.yaml", &blob)]);
    let cut = repository.object("tree", b"100644 a.yaml\0\x01\x02");
    for (tree, words) in [(&empty_name, "tree entry"), (&bad_mode, "tree entry"), (&cut, "tree"), (&blob, "not a tree")]
    {
        repository.commit(tree, &[], "broken");
        scan(&repository.path()).refused(words);
    }
}

#[test]
fn links_modules_and_modes_lead_nowhere() {
    let repository = RawRepo::new();
    let manifest = repository.blob(config_map("plain"));
    let outside = repository.beside("outside.yaml");
    std::fs::write(&outside, config_map("outside")).unwrap();
    let link = |target: &str| repository.blob(target);
    let (absolute, climbing) = (link(outside.to_str().unwrap()), link("../outside.yaml"));
    let (device, itself, manifest_text) = (link("/dev/zero"), link("itself.yaml"), link(&config_map("link")));
    let module = "1234567890123456789012345678901234567890";
    let modules = repository
        .blob("[submodule \"x\"]\n\tpath = x.yaml\n\turl = ext::sh -c touch% pwned\n\tupdate = !touch pwned\n");
    let entries: [(&str, &[u8], &str); 12] = [
        ("100644", b".gitmodules", &modules),
        ("120000", b"absolute.yaml", &absolute),
        ("120000", b"climbing.yaml", &climbing),
        ("120000", b"device.yaml", &device),
        ("100755", b"executable.yaml", &manifest),
        ("100664", b"group.yaml", &manifest),
        ("120000", b"itself.yaml", &itself),
        ("120000", b"manifest.yaml", &manifest_text),
        ("160000", b"module.yaml", module),
        ("100600", b"private.yaml", &manifest),
        ("104755", b"setuid.yaml", &manifest),
        ("160000", b"x.yaml", &manifest),
    ];
    let scanned = scan_tree(&repository, &repository.tree(&entries));
    scanned.succeeded("1 commits, 4 created, 0 modified (0 moves), 0 deleted, 4 alive, 0 unparsable");
    let mut events = scanned.events();
    events.sort();
    let expected =
        ["executable", "group", "private", "setuid"].map(|name| format!("CREATED ConfigMap plain in {name}.yaml"));
    assert_eq!(events, expected);
    assert!(!repository.path().join("pwned").exists() && !scanned.data.path().join("pwned").exists());
}

#[test]
fn names_and_folders_without_end_are_passed_over_or_refused() {
    let repository = RawRepo::new();
    let blob = repository.blob(config_map("a"));
    let name = |length: usize| [vec![b'n'; length - 5], b".yaml".to_vec()].concat();
    let (longest, long, endless) = (name(4096), name(4097), name(20 << 20));
    let tree = repository.tree(&[("100644", &endless, &blob), ("100644", &long, &blob), ("100644", &longest, &blob)]);
    let scanned = scan_tree(&repository, &tree);
    scanned.succeeded("1 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 0 unparsable");

    let repository = RawRepo::new();
    let blob = repository.blob(config_map("a"));
    let leaf = repository.tree(&[("100644", b"a.yaml", &blob)]);
    let deep = (0..3_000).fold(leaf, |tree, _| repository.tree(&[("40000", b"d", &tree)]));
    scan_tree(&repository, &deep).refused("tree depth");
}

#[test]
fn a_bomb_of_trees_is_refused() {
    for (name, words) in [(&b"a.yaml"[..], "far too large"), (b"a.txt", "far too large")] {
        let repository = RawRepo::new();
        let blob = repository.blob(config_map("a"));
        let leaf = repository.tree(&[("100644", name, &blob)]);
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let bomb = (0..10).fold(leaf, |tree, _| {
            let entries: Vec<(&str, &[u8], &str)> =
                names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect();
            repository.tree(&entries)
        });
        scan_tree(&repository, &bomb).refused(words);
    }
}
