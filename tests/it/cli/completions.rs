//! Completions, as the shells take them.

use super::program::{Program, binary, run};

/// What bash offers for the last of these words.
#[track_caller]
fn offered(words: &[&str]) -> Vec<String> {
    let script = r#"
        source <("$PROGRAM" completions bash) || exit
        COMP_WORDS=(kubestats "$@")
        COMP_CWORD=$#
        _kubestats kubestats "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let program = Program::new().with_variable("PROGRAM", binary());
    let ran = run(program.command("bash").args(["-c", script, "bash"]).args(words));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_and_options() {
    assert_eq!(offered(&["mig"]), ["migrate"]);
    assert_eq!(offered(&["query", "--ta"]), ["--table"]);
    assert_eq!(offered(&["query", "--format", "js"]), ["jsonl", "json"]);
    assert_eq!(offered(&["config", "sh"]), ["show"]);
    assert_eq!(offered(&["completions", "f"]), ["fish"]);
    let commands = offered(&[""]);
    for command in ["serve", "scan", "query", "events", "schema", "migrate", "config", "completions", "--data"] {
        assert!(commands.iter().any(|offer| offer == command), "{command} in {commands:?}");
    }
    assert!(!commands.contains(&"engine".to_owned()), "it is for the program itself");
}

#[test]
fn every_shell_has_a_script() {
    for (shell, piece) in [
        ("bash", "complete -F _kubestats"),
        ("zsh", "#compdef kubestats"),
        ("fish", "complete -c kubestats"),
        ("elvish", "edit:completion:arg-completer[kubestats]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = Program::new().run(&["completions", shell]);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains(piece), "{shell}: {}", ran.stdout);
    }
}
