//! Object databases that lie, lack something, or were cut in half.

use std::fs;
use std::path::{Path, PathBuf};

use super::raw::{RawRepo, config_map};
use super::{run, scan};
use crate::support::data::text;
use crate::support::repos::{TempRepo, fixture, run_git};

const WHOLE: &str = "3 commits, 1 created, 1 modified (0 moves), 1 deleted, 0 alive, 0 unparsable";

#[test]
fn grafts_and_replaced_objects_change_nothing() {
    let repository = fixture("create-modify-delete");
    let [head, middle, root] = ["main", "main~1", "main~2"].map(|name| repository.git(&["rev-parse", name]));
    let other = repository.git(&["commit-tree", &format!("{middle}^{{tree}}"), "-m", "another parent"]);
    for grafts in
        [format!("{head}\n"), format!("{head} {root}\n"), format!("{root} {other}\n"), "nonsense\n".to_owned()]
    {
        fs::create_dir_all(repository.path().join(".git/info")).unwrap();
        fs::write(repository.path().join(".git/info/grafts"), &grafts).unwrap();
        scan(&repository.path()).succeeded(WHOLE);
    }
    fs::remove_file(repository.path().join(".git/info/grafts")).unwrap();
    let [settings, replaced] =
        [&middle, &root].map(|commit| repository.git(&["rev-parse", &format!("{commit}:settings.yaml")]));
    repository.git(&["replace", &middle, &other]);
    repository.git(&["replace", &settings, &replaced]);
    scan(&repository.path()).succeeded(WHOLE);
}

#[test]
fn shallow_and_partial_clones_are_refused() {
    let whole = fixture("create-modify-delete");
    let url = format!("file://{}", text(&whole.path()));
    whole.git(&["config", "uploadpack.allowFilter", "true"]);
    for (name, option) in [("shallow", "--depth=1"), ("since", "--shallow-since=2024-01-02")] {
        let clone = whole.beside(name);
        run_git(&whole.path(), &["clone", "--quiet", "--bare", option, &url, text(&clone)]);
        scan(&clone).refused("is shallow");
    }
    let partial = whole.beside("partial");
    run_git(&whole.path(), &["clone", "--quiet", "--bare", "--filter=blob:none", &url, text(&partial)]);
    // What it would need is not fetched on our behalf, even where its own remote would give it.
    scan(&partial).refused("cannot be fetched");
}

/// Loose objects as files.
fn loose(git_directory: &Path, id: &str) -> PathBuf {
    git_directory.join("objects").join(&id[..2]).join(&id[2..])
}

#[test]
fn missing_and_corrupt_objects_are_refused_and_a_repaired_repository_is_scanned() {
    for object in ["main~1", "main~1^{tree}", "main~1:settings.yaml", "main"] {
        let repository = fixture("create-modify-delete");
        let id = repository.git(&["rev-parse", object]);
        let file = loose(&repository.path().join(".git"), &id);
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let scanned = scan(&repository.path());
        scanned.refused(text(&repository.path()));
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let path = repository.path();
        let again = ["scan", "--json", text(&path)];
        assert!(!run(&scanned.data, &again).success, "half of {object}");
        fs::write(&file, vec![0; bytes.len()]).unwrap();
        assert!(!run(&scanned.data, &again).success, "nothing but zeros for {object}");
        fs::write(&file, bytes).unwrap();
        assert!(run(&scanned.data, &again).success, "{object} is back");
        assert_eq!(scanned.events().len(), 3);
    }
}

/// A repository whose objects lie in one pack, and the pack.
fn packed() -> (TempRepo, PathBuf) {
    let repository = fixture("create-modify-delete");
    for number in 0..50 {
        repository.commit_file(&format!("{number}.yaml"), &config_map(&format!("n{number}")), "more");
    }
    repository.git(&["repack", "-a", "-d", "--quiet"]);
    let pack = pack_of(&repository.path().join(".git"));
    (repository, pack)
}

fn pack_of(git_directory: &Path) -> PathBuf {
    let entries = fs::read_dir(git_directory.join("objects/pack")).unwrap();
    let is_pack = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "pack");
    entries.map(|entry| entry.unwrap().path()).find(is_pack).unwrap()
}

/// Packs and their indices are written read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_pack_that_was_cut_in_half_is_refused() {
    for keep in [0, 11, 50] {
        let (repository, pack) = packed();
        let bytes = fs::read(&pack).unwrap();
        overwrite(&pack, &bytes[..bytes.len() * keep / 100]);
        scan(&repository.path()).refused(text(&repository.path()));
    }
    let (repository, pack) = packed();
    let index = pack.with_extension("idx");
    let bytes = fs::read(&index).unwrap();
    overwrite(&index, &bytes[..bytes.len() / 2]);
    scan(&repository.path()).refused(text(&repository.path()));
}

#[test]
fn what_is_missing_from_a_damaged_mirror_is_fetched_again() {
    let (repository, _) = packed();
    let scanned = scan(&repository.path());
    let mirrors = scanned.data.path().join("mirrors");
    let holds = |directory: &PathBuf| {
        directory.extension().is_some_and(|extension| extension == "git") && {
            let head = fs::read_to_string(directory.join("refs/heads/main")).unwrap_or_default();
            head.trim() == repository.git(&["rev-parse", "main"])
        }
    };
    let mirror = fs::read_dir(&mirrors).unwrap().map(|entry| entry.unwrap().path()).find(holds).unwrap();
    let pack = pack_of(&mirror);
    let bytes = fs::read(&pack).unwrap();
    let expected = scanned.events();
    for keep in [0, 50] {
        overwrite(&pack, &bytes[..bytes.len() * keep / 100]);
        let subject = format!("after {keep}");
        repository.commit_file("settings.yaml", &config_map(&subject.replace(' ', "-")), &subject);
        let ran = run(&scanned.data, &["scan", "--json", text(&repository.path())]);
        assert!(ran.success, "{}", ran.stderr);
    }
    let events = scanned.events();
    assert_eq!(events[..expected.len()], expected);
    assert_eq!(events.len(), expected.len() + 2 + 1, "{events:#?}");
}

#[test]
fn a_hundred_thousand_references_are_no_burden() {
    let repository = fixture("create-modify-delete");
    let head = repository.git(&["rev-parse", "main"]);
    let names = (0..100_000).map(|number| {
        let kind = ["heads", "tags", "pull", "notes"][number % 4];
        format!("refs/{kind}/{number:06}")
    });
    let mut names: Vec<String> = names.chain(["refs/heads/main".to_owned()]).collect();
    names.sort();
    let lines: String = names.iter().map(|name| format!("{head} {name}\n")).collect();
    fs::write(repository.path().join(".git/packed-refs"), format!("# pack-refs with: sorted\n{lines}")).unwrap();
    let scanned = scan(&repository.path());
    scanned.succeeded(WHOLE);
    // Without a branch that HEAD names, all of them are listed.
    repository.git(&["checkout", "--quiet", "--detach"]);
    repository.commit_file("new.yaml", &config_map("new"), "on no branch");
    scan(&repository.bundle()).succeeded(WHOLE);
}

#[test]
fn objects_that_are_bombs_of_zeros_are_refused_or_passed_over() {
    let repository = RawRepo::new();
    // A blob of 64 MiB is a few kilobytes in a pack, and never unpacked by us.
    let zeros = repository.blob(vec![0; 64 << 20]);
    let plain = repository.blob(config_map("plain"));
    repository.commit(&repository.tree(&[("100644", b"a.yaml", &zeros), ("100644", b"b.yaml", &plain)]), &[], "create");
    let scanned = scan(&repository.path());
    scanned.succeeded("1 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 1 unparsable");
    assert_eq!(scanned.failures(), ["a.yaml: the file is larger than 4 MiB"]);
}
