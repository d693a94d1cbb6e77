//! Which commits and files a history tells of.

use kubestats::git::{Commit, CommitId, GitError};

use super::{mirrored, outline, whole_history};

#[track_caller]
fn check(fixture: &str, expected: &[&str]) {
    let (_repository, mirror) = mirrored(fixture);
    assert_eq!(outline(&whole_history(&mirror)), expected, "{fixture}");
}

#[test]
fn files_are_created_modified_and_deleted() {
    let expected = ["create: +settings.yaml", "modify: +settings.yaml", "delete: -settings.yaml"];
    check("create-modify-delete", &expected);
}

#[test]
fn a_rename_is_a_deletion_and_a_creation() {
    check("move", &["create: +settings.yaml", "move: +apps/settings.yaml -settings.yaml"]);
}

#[test]
fn a_file_that_becomes_a_link_or_a_submodule_is_gone() {
    let expected = ["create: +other.yaml +settings.yaml", "link: -settings.yaml", "file again: +settings.yaml"];
    check("symlink-swap", &expected);
    check("submodule-swap", &["create: +settings.yaml", "submodule: -settings.yaml"]);
}

#[test]
fn a_disabled_file_is_gone() {
    let expected = ["create: +settings.yaml", "disable: -settings.yaml", "enable: +settings.yaml"];
    check("disabled-suffix", &expected);
}

#[test]
fn a_mode_change_is_a_change_with_the_same_blob() {
    let (_repository, mirror) = mirrored("mode-change");
    let commits = whole_history(&mirror);
    assert_eq!(outline(&commits), ["create: +settings.yaml", "executable: +settings.yaml"]);
    assert_eq!(commits[0].changes[0].blob, commits[1].changes[0].blob);
}

#[test]
fn a_merge_is_one_step_against_its_first_parent() {
    check("merge", &["create: +settings.yaml", "merge topic: +added.yaml +settings.yaml"]);
    let expected =
        ["create: +base.yaml", "on main: +base.yaml", "merge three branches: +one.yaml +three.yaml +two.yaml"];
    check("octopus", &expected);
}

#[test]
fn only_names_in_yaml_and_yml_count() {
    let created = "create: +.hidden/.deeper/hidden.yaml +.yaml +folder.yaml/inside.yml +long.yaml +short.yml";
    check("file-names", &[created, "a file becomes a folder: -long.yaml +long.yaml/now.yaml"]);
}

#[test]
fn commits_without_manifests_are_left_out_but_counted() {
    let (_repository, mirror) = mirrored("no-yaml");
    assert_eq!(outline(&whole_history(&mirror)), ["create: +settings.yaml"]);
    assert_eq!(mirror.commit_count(None).unwrap(), 4);
    assert_eq!(mirror.head().subject, "only words");
}

#[test]
fn paths_are_exact_bytes() {
    let (_repository, mirror) = mirrored("strange-paths");
    let commits = whole_history(&mirror);
    let mut paths: Vec<&[u8]> = commits[0].changes.iter().map(|change| change.path.as_slice()).collect();
    paths.sort();
    let expected: [&[u8]; 6] =
        [b"\"quoted\".yaml", b"-dash.yaml", b":100644 100644 x.yaml", b"a\tb.yaml", b"a\nb.yaml", b"caf\xe9.yaml"];
    assert_eq!(paths, expected);
}

#[test]
fn times_stand_as_they_are() {
    let (_repository, mirror) = mirrored("clock-backwards");
    let times: Vec<i64> = whole_history(&mirror).iter().map(|commit| commit.time).collect();
    assert_eq!(times, [1_704_888_000, 1_704_456_000, 1_705_060_800]);
    let (_repository, mirror) = mirrored("future-commit");
    assert_eq!(mirror.head().time, 3_786_955_200);
}

#[test]
fn sloppy_commits_are_read_as_far_as_they_go() {
    let (_repository, mirror) = mirrored("sloppy-commits");
    let commits = whole_history(&mirror);
    let shown: Vec<(i64, &str, &str)> =
        commits.iter().map(|commit| (commit.time, commit.author.as_str(), commit.subject.as_str())).collect();
    let expected = [
        (-86_400, "A", "before 1970"),
        (i64::MAX, "A", "absurd time"),
        (1_700_000_003, "", "no author"),
        (1_700_000_004, "A", ""),
        (1_700_000_005, "Jörg", "grüße"),
        (1_700_000_006, "A", "not UTF-8: \u{fffd}"),
        (1_700_000_007, "A", "nul"),
        // Git stops the converted message at its NUL byte; if it cannot convert, it keeps the text.
        (1_700_000_008, "A", "seven+AAA-zero"),
        (0, "A", "no time"),
        (1_700_000_010, "A\tB \"C\"", "\ta tab, a second line"),
    ];
    for (got, want) in shown.iter().zip(&expected) {
        assert_eq!(got, want);
    }
    assert_eq!(shown.len(), expected.len());
    assert!(commits.iter().all(|commit| commit.changes.len() == 1));
}

#[test]
fn object_ids_may_be_sha_256() {
    let (repository, mirror) = mirrored("sha256");
    let commits = whole_history(&mirror);
    assert_eq!(outline(&commits), ["create: +settings.yaml", "modify: +settings.yaml"]);
    assert_eq!(commits[1].id.as_bytes().len(), 32);
    assert_eq!(commits[1].id.to_string(), repository.git(&["rev-parse", "HEAD"]));
    assert_eq!(commits[1].id.to_string().parse(), Ok(commits[1].id));
}

#[test]
fn a_history_continues_after_a_commit() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    let all = whole_history(&mirror);
    for (index, commit) in all.iter().enumerate() {
        let rest: Vec<Commit> = mirror.history(Some(commit.id)).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(rest, all[index + 1..]);
        assert_eq!(mirror.commit_count(Some(commit.id)).unwrap(), rest.len() as u64);
        assert!(mirror.is_on_first_parent_chain(commit.id).unwrap());
    }
}

#[test]
fn a_commit_beside_the_chain_or_unknown_is_not_on_it() {
    let (repository, mirror) = mirrored("foxtrot");
    let expected = ["create: +base.yaml", "on the branch: +topic.yaml", "merge main into topic: +settings.yaml"];
    assert_eq!(outline(&whole_history(&mirror)), expected);
    let before: CommitId = repository.git(&["rev-parse", "before"]).parse().unwrap();
    assert!(!mirror.is_on_first_parent_chain(before).unwrap());
    let unknown = CommitId::from_bytes(&[7; 20]).unwrap();
    assert!(!mirror.is_on_first_parent_chain(unknown).unwrap());
    // A history since such a commit would leave out other commits than those that came before it.
    let error = mirror.history(Some(before)).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, GitError::NotOnChain { .. }), "{error}");
}

#[test]
fn a_failing_git_is_an_error_and_the_end() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    let packs = mirror.directory().join("objects/pack");
    std::fs::remove_dir_all(packs).unwrap();
    let results: Vec<_> = mirror.history(None).unwrap().collect();
    assert_eq!(results.len(), 1);
    assert!(results[0].is_err());
}

#[test]
fn a_history_that_is_dropped_ends_its_git() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    let mut history = mirror.history(None).unwrap();
    history.next().unwrap().unwrap();
    drop(history);
    let directory = mirror.directory().to_str().unwrap();
    let output = std::process::Command::new("ps").args(["-eo", "args"]).output();
    // Without `ps` there is nothing to look at.
    let running = output.map(|output| String::from_utf8_lossy(&output.stdout).contains(directory));
    assert!(!running.unwrap_or(false));
}

#[test]
fn the_environment_changes_nothing() {
    // The variables are set for a second run of two tests of this very program, so that they cannot disturb others.
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("gitconfig");
    let text = "[diff]\nrenames = copies\norderFile = /no/such/file\n[log]\nshowSignature = true\n\
                [core]\nabbrev = 5\nhooksPath = /no/such/folder\n[i18n]\nlogOutputEncoding = UTF-16\n";
    std::fs::write(&configuration, text).unwrap();
    let configuration = configuration.to_str().unwrap();
    for test in ["a_rename_is_a_deletion_and_a_creation", "sloppy_commits_are_read_as_far_as_they_go"] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([&format!("{}::{test}", module_path!().split_once("::").unwrap().1), "--exact"])
            .envs([
                ("GIT_CONFIG_GLOBAL", configuration),
                ("GIT_CONFIG_SYSTEM", configuration),
                ("GIT_CONFIG_PARAMETERS", "'diff.renames'='true' 'core.bare'='false'"),
                ("GIT_DIR", "/no/such/folder"),
                ("GIT_WORK_TREE", "/no/such/folder"),
                ("GIT_OBJECT_DIRECTORY", "/no/such/folder"),
                ("GIT_NAMESPACE", "elsewhere"),
                ("GIT_EXTERNAL_DIFF", "false"),
                ("GIT_LITERAL_PATHSPECS", "1"),
                ("GIT_PAGER", "false"),
                ("GIT_SHALLOW_FILE", configuration),
                ("GIT_TRACE", "1"),
                ("LC_ALL", "de_DE.UTF-8"),
            ])
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    }
}
