//! What must not stand in any line, but where it belongs.

use super::source::{Line, SourceFile, files_under, source_files};

const MAX_LINES: usize = 500;

/// Places that may talk to C, or to the kernel past the standard library; folders end in a slash.
const UNSAFE: [(&str, &str); 4] = [
    ("src/git/running.rs", "kills the process group of a git, and limits one before it begins"),
    ("src/manifest/yaml/emitter.rs", "libyaml"),
    ("src/manifest/yaml/events.rs", "libyaml"),
    ("src/store/engine/chdb", "the engine's library"),
];

/// Lines of code outside `allowed` that `wanted` picks, each with its place.
fn find(files: &[SourceFile], allowed: &[&str], wanted: impl Fn(&Line<'_>) -> bool) -> Vec<String> {
    let files = files.iter().filter(|file| !allowed.iter().any(|path| file.path.starts_with(path)));
    files.flat_map(|file| file.code().into_iter().filter(|line| wanted(line)).map(|line| file.at(&line))).collect()
}

#[track_caller]
fn check(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let reads = ["env::var", "env::set_var", "env::remove_var", "env::home_dir", "env::vars", "Env::", "use std::env;"];
    let reads_variable = |line: &Line<'_>| reads.iter().any(|word| line.code.contains(word));
    check("the environment is read", &find(&source_files(), &["src/config/"], reads_variable));
    assert!(!find(&source_files(), &[], reads_variable).is_empty(), "the check finds src/config itself");
    // clap reads variables by an attribute.
    let attribute = |line: &Line<'_>| {
        let code = line.code.trim_start();
        code.starts_with("#[arg(") && words(code).any(|word| word == "env")
    };
    check("arguments are read from the environment", &find(&source_files(), &[], attribute));
}

#[test]
fn only_the_configuration_reads_configuration_files() {
    let reads = |line: &Line<'_>| words(&line.code).any(|word| ["figment", "Figment", "Toml", "toml"].contains(&word));
    check("configuration is read", &find(&source_files(), &["src/config/"], reads));
    assert!(!find(&source_files(), &[], reads).is_empty(), "the check finds src/config itself");
}

#[test]
fn files_stay_small() {
    let long = source_files().into_iter().map(|file| (file.text.lines().count(), file.path));
    let long: Vec<String> =
        long.filter(|(lines, _)| *lines > MAX_LINES).map(|(lines, path)| format!("{path}:{lines}")).collect();
    check("files past 500 lines", &long);
}

#[test]
fn failures_are_handled() {
    let unwraps =
        |line: &Line<'_>| [".unwrap()", ".unwrap_err()", "panic!("].iter().any(|word| line.code.contains(word));
    check("unwrap outside tests", &find(&source_files(), &[], unwraps));
}

#[test]
fn unsafe_code_stays_where_it_is() {
    let is_unsafe = |line: &Line<'_>| words(&line.code).any(|word| word == "unsafe");
    let allowed = UNSAFE.map(|(path, _)| path);
    check("unsafe code outside the files that may have it", &find(&source_files(), &allowed, is_unsafe));
    for (path, reason) in UNSAFE {
        let files: Vec<SourceFile> = source_files().into_iter().filter(|file| file.path.starts_with(path)).collect();
        assert!(
            !find(&files, &[], is_unsafe).is_empty(),
            "{path} ({reason}) has no unsafe code any more: take it off the list"
        );
    }
}

#[test]
fn nothing_is_left_for_later() {
    let mut files = source_files();
    files.extend(files_under("tests"));
    let unfinished = ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME"];
    let left = |line: &Line<'_>| unfinished.iter().any(|word| line.code.contains(word));
    check("left for later", &find(&files, &[], left));
    // Comments are no code, but a promise.
    let promise = |line: &Line<'_>| {
        line.whole.split_once("//").is_some_and(|(_, comment)| comment.contains("TODO") || comment.contains("FIXME"))
    };
    check("left for later", &find(&files, &["tests/it/tidy/"], promise));
}

#[test]
fn only_long_tests_are_ignored_and_make_soak_finds_them_by_name() {
    let mut wrong = Vec::new();
    for file in files_under("src").into_iter().chain(files_under("tests")) {
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[ignore")) {
            let name = lines[index..].iter().find(|line| line.contains("fn ")).copied().unwrap_or_default();
            if *line != "#[ignore = \"soak\"]" || !name.contains("fn soak_") {
                wrong.push(format!("{}:{}: {line} {name}", file.path, index + 1));
            }
        }
    }
    check("ignored, but not #[ignore = \"soak\"] on a fn soak_…", &wrong);
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}
