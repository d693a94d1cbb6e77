//! What help texts say is true: every example in them is one the program takes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::program::{Program, Ran, binary, run};

/// Lines of examples get no wider than this, so that a terminal breaks none of their lines.
const WIDTH: usize = 80;

/// Every command with its long help, the hidden one left out.
fn helps() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect("kubestats", &kubestats::cli::command(), &mut found);
    found
}

fn collect(name: &str, command: &clap::Command, found: &mut Vec<(String, String)>) {
    found.push((name.to_owned(), command.get_after_long_help().map(ToString::to_string).unwrap_or_default()));
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        collect(&format!("{name} {}", subcommand.get_name()), subcommand, found);
    }
}

/// The examples of a help text: paragraphs of indented lines after `Examples:`; deeper lines continue one.
fn examples(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("Examples:\n").unwrap_or_default();
    let mut examples: Vec<String> = Vec::new();
    for line in rest.lines().take_while(|line| line.starts_with("  ")) {
        match examples.last_mut() {
            Some(last) if line.starts_with("    ") => *last += &format!("\n{line}"),
            _ => examples.push(line.trim_start().to_owned()),
        }
    }
    examples
}

fn all_examples() -> Vec<String> {
    let examples: Vec<String> = helps().iter().flat_map(|(_, help)| examples(help)).collect();
    assert!(examples.len() > 20, "{examples:#?}");
    examples
}

/// Runs an example in bash, where `kubestats` is a function of this body.
#[track_caller]
fn run_example(program: &Program, kubestats: &str, example: &str) -> Ran {
    for folder in
        [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions", ".config/elvish/lib"]
    {
        fs::create_dir_all(program.folder().join(folder)).unwrap();
    }
    let script = format!("set -euo pipefail; kubestats() {{ {kubestats}; }}; {example}");
    run(program.command("bash").args(["-c", &script]).env("PROGRAM", binary()).env("TOKEN", "secret"))
}

#[test]
fn every_command_teaches_itself() {
    for (name, help) in helps() {
        assert!(!examples(&help).is_empty(), "{name} has no examples");
        if name != "kubestats config" {
            assert!(help.contains("Exit status: 0"), "{name} says nothing of its exit status");
        }
        for example in examples(&help) {
            assert!(example.lines().all(|line| line.len() + 2 <= WIDTH), "too wide for a terminal: {example}");
        }
        let arguments: Vec<&str> = name.split(' ').skip(1).chain(["--help"]).collect();
        let ran = Program::new().run(&arguments);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        for line in examples(&help).iter().flat_map(|example| example.lines()) {
            assert!(ran.stdout.contains(line), "{name} --help has no line {line:?}:\n{}", ran.stdout);
        }
    }
}

#[test]
fn every_example_is_one_the_program_takes() {
    let program = Program::new();
    for example in all_examples() {
        let ran = run_example(&program, r#"printf '%s\0' "$@" >"$HOME/arguments""#, &example);
        assert_eq!(ran.status, 0, "{example}: {}", ran.stderr);
        let recorded = fs::read_to_string(program.folder().join("arguments")).unwrap();
        let arguments = recorded.split_terminator('\0');
        if let Err(error) = kubestats::cli::command().try_get_matches_from(["kubestats"].into_iter().chain(arguments)) {
            panic!("{example}: {error}");
        }
    }
}

#[test]
fn examples_that_need_no_network_run() {
    let program = Program::new();
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("playground"), program.folder().join("playground")).unwrap();
    let elsewhere = [
        "https://",
        "http://",
        "git@",
        "~/src",
        "kubestats serve",
        "kubestats discover",
        "kubestats sync onedr0p",
        "--follow",
        "kubestats jobs 0",
        "kubestats jobs cancel",
        "kubestats jobs retry",
    ];
    let mut examples = all_examples();
    examples.retain(|example| !elsewhere.iter().any(|piece| example.contains(piece)));
    assert!(examples.len() > 15, "{examples:#?}");
    for example in examples {
        let ran = run_example(&program, r#""$PROGRAM" "$@""#, &example);
        assert_eq!(ran.status, 0, "{example}: {}", ran.stderr);
        assert!(
            !ran.stdout.is_empty() || example.contains(" > ") || example.contains("jsonl"),
            "{example} prints nothing"
        );
    }
}
