//! Making mirrors and keeping them up to date.

use kubestats::git::{Blob, FetchOptions, Mirror, Remote};

use super::{mirrored, outline, sync, whole_history};
use crate::support::repos::{fixture, run_git};

#[test]
fn a_mirror_is_bare_and_has_the_default_branch_only() {
    let repository = fixture("merge");
    repository.git(&["tag", "v1"]);
    let directory = repository.beside("mirror");
    let mut phases = Vec::new();
    let options = FetchOptions::default();
    let remote = Remote::Path(repository.path());
    Mirror::sync(&directory, &remote, None, &options, &mut |step| phases.push(step.phase)).unwrap();
    assert_eq!(run_git(&directory, &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    assert_eq!(run_git(&directory, &["rev-parse", "--is-bare-repository"]), "true");
    assert!(!directory.join("index").exists());
    assert!(phases.iter().any(|phase| phase == "Receiving objects"), "{phases:?}");
}

#[test]
fn the_head_is_described() {
    let (repository, mirror) = mirrored("create-modify-delete");
    let head = mirror.head();
    assert_eq!(head.commit.to_string(), repository.git(&["rev-parse", "HEAD"]));
    assert_eq!((head.branch.as_str(), head.subject.as_str(), head.time), ("main", "delete", 1_704_283_200));
    assert_eq!((head.author.as_str(), head.author_email.as_str()), ("Ada Author", "ada@example.org"));
    assert_eq!(Mirror::open(mirror.directory()).unwrap().head(), head);
}

#[test]
fn new_commits_are_fetched_and_an_open_mirror_does_not_change() {
    let (repository, before) = mirrored("create-modify-delete");
    let commit = repository.commit_file("new.yaml", "a: 1\n", "new");
    let after = sync(before.directory(), &Remote::Path(repository.path())).unwrap();
    assert_eq!(after.head().commit.to_string(), commit);
    assert_eq!(whole_history(&before).len(), 3);
    assert_eq!(whole_history(&after).len(), 4);
}

#[test]
fn a_bundle_is_mirrored_and_the_usual_branch_wins_where_several_match() {
    let repository = fixture("create-modify-delete");
    repository.git(&["branch", "another"]);
    repository.git(&["branch", "zebra", "HEAD~1"]);
    let mirror = sync(&repository.beside("mirror"), &Remote::Bundle(repository.bundle())).unwrap();
    assert_eq!(mirror.head().branch, "main");
    assert_eq!(outline(&whole_history(&mirror)).len(), 3);
}

#[test]
fn a_bundle_of_sha_256_is_mirrored() {
    let repository = fixture("sha256");
    let mirror = sync(&repository.beside("mirror"), &Remote::Bundle(repository.bundle())).unwrap();
    assert_eq!(whole_history(&mirror).len(), 2);
}

#[test]
fn a_changed_default_branch_is_followed_even_into_the_old_ones_name() {
    let (repository, mirror) = mirrored("create-modify-delete");
    repository.git(&["branch", "--move", "main", "trunk"]);
    let remote = Remote::Path(repository.path());
    assert_eq!(sync(mirror.directory(), &remote).unwrap().head().branch, "trunk");
    repository.git(&["branch", "--move", "trunk", "trunk/next"]);
    let mirror = sync(mirror.directory(), &remote).unwrap();
    assert_eq!(mirror.head().branch, "trunk/next");
    assert_eq!(whole_history(&mirror).len(), 3);
}

#[test]
fn a_detached_head_means_the_branch_with_its_commit() {
    let repository = fixture("create-modify-delete");
    repository.git(&["checkout", "--quiet", "--detach"]);
    let mirror = sync(&repository.beside("mirror"), &Remote::Path(repository.path())).unwrap();
    assert_eq!(mirror.head().branch, "main");
}

#[test]
fn a_rewritten_history_is_followed_and_the_old_commits_stay() {
    let (repository, before) = mirrored("create-modify-delete");
    repository.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    repository.commit_file("other.yaml", "a: 1\n", "another history");
    let after = sync(before.directory(), &Remote::Path(repository.path())).unwrap();
    assert_eq!(outline(&whole_history(&after)), ["create: +settings.yaml", "another history: +other.yaml"]);
    assert!(!after.is_on_first_parent_chain(before.head().commit).unwrap());
    assert_eq!(whole_history(&before).len(), 3);
}

#[test]
fn what_a_killed_fetch_leaves_behind_is_no_obstacle() {
    let (repository, mirror) = mirrored("create-modify-delete");
    let directory = mirror.directory();
    repository.commit_file("new.yaml", "a: 1\n", "new");
    for leftover in ["refs/heads/main.lock", "HEAD.lock", "packed-refs.lock", "objects/pack/tmp_pack_a1b2c3"] {
        std::fs::write(directory.join(leftover), "").unwrap();
    }
    let mirror = sync(directory, &Remote::Path(repository.path())).unwrap();
    assert_eq!(whole_history(&mirror).len(), 4);
    assert!(!directory.join("objects/pack/tmp_pack_a1b2c3").exists());
}

#[test]
fn a_mirror_that_was_only_begun_is_completed() {
    let repository = fixture("create-modify-delete");
    let directory = repository.beside("mirror");
    std::fs::create_dir_all(directory.join("refs")).unwrap();
    std::fs::write(directory.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let mirror = sync(&directory, &Remote::Path(repository.path())).unwrap();
    assert_eq!(whole_history(&mirror).len(), 3);
}

#[test]
fn several_syncs_at_once_wait_for_each_other() {
    let repository = fixture("create-modify-delete");
    let directory = repository.beside("mirror");
    let remote = Remote::Path(repository.path());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| sync(&directory, &remote).map(drop))).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

#[test]
fn the_sources_configuration_and_replaced_objects_change_nothing() {
    let (repository, plain) = mirrored("create-modify-delete");
    repository.git(&["replace", "HEAD~1", "HEAD"]);
    for (key, value) in [("diff.renames", "copies"), ("core.hooksPath", "hooks"), ("transfer.hideRefs", "refs/none")] {
        repository.git(&["config", key, value]);
    }
    let other = sync(&repository.beside("other"), &Remote::Path(repository.path())).unwrap();
    assert_eq!(whole_history(&plain), whole_history(&other));
}

#[test]
fn a_path_that_begins_with_a_dash_is_a_path() {
    let repository = fixture("create-modify-delete");
    let dashed = repository.path().with_file_name("--upload-pack=false");
    std::fs::rename(repository.path(), &dashed).unwrap();
    let mirror = sync(&repository.beside("mirror"), &Remote::Path(dashed)).unwrap();
    assert_eq!(whole_history(&mirror).len(), 3);
}

#[test]
fn work_trees_beside_the_main_one_are_mirrored() {
    let repository = fixture("create-modify-delete");
    let linked = repository.beside("linked");
    repository.git(&["worktree", "add", "--quiet", "-b", "topic", linked.to_str().unwrap(), "HEAD~1"]);
    let mirror = sync(&repository.beside("mirror"), &Remote::Path(linked)).unwrap();
    assert_eq!((mirror.head().branch.as_str(), whole_history(&mirror).len()), ("topic", 2));
}

#[test]
fn many_fetches_leave_few_packs_and_a_reader_goes_on() {
    let (repository, first) = mirrored("create-modify-delete");
    let mut reader = first.blobs().unwrap();
    let history = first.history(None).unwrap();
    for index in 0..20 {
        repository.commit_file("new.yaml", &format!("a: {index}\n"), "new");
        sync(first.directory(), &Remote::Path(repository.path())).unwrap();
    }
    let files = std::fs::read_dir(first.directory().join("objects/pack")).unwrap();
    let packs = files.filter(|file| file.as_ref().unwrap().path().extension().unwrap() == "pack");
    assert!(packs.count() <= 16);
    let mut sizes = Vec::new();
    for commit in history {
        for blob in commit.unwrap().changes.iter().filter_map(|change| change.blob) {
            let visit = |_, blob: Blob<'_>| sizes.push(matches!(blob, Blob::Bytes(_)));
            reader.read_many(&[blob], 1000, visit).unwrap();
        }
    }
    assert_eq!(sizes, [true, true]);
}
