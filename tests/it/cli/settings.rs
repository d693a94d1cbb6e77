//! `kubestats config`: what is in force, and where it was set.

use serde_json::{Value, json};

use super::program::Program;

/// The row of a key: value and origin.
#[track_caller]
fn row(printed: &str, key: &str) -> (String, String) {
    let line = printed.lines().map(str::trim).find(|line| line.starts_with(&format!("{key} ")));
    let line = line.unwrap_or_else(|| panic!("no {key} in:\n{printed}"));
    let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).map(str::to_owned);
    (cells.next().unwrap(), cells.next().unwrap())
}

#[test]
fn each_value_is_shown_with_where_it_was_set() {
    let program = Program::new()
        .with_file(
            "mine.toml",
            "# mine\n[server]\nlisten = \"127.0.0.1:1\"\n[query]\ncache_mb = 7\ntimeout_seconds = 5\n",
        )
        .with_variable("KUBESTATS_QUERY__TIMEOUT_SECONDS", "9");
    let ran = program.run(&["config", "show", "--config", "mine.toml", "--data", "here"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let data = program.folder().canonicalize().unwrap().join("here").display().to_string();
    for (key, value, origin) in [
        ("server.listen", "127.0.0.1:1", "mine.toml, line 3"),
        ("query.cache_mb", "7", "mine.toml, line 5"),
        ("query.timeout_seconds", "9", "KUBESTATS_QUERY__TIMEOUT_SECONDS"),
        ("data_dir", data.as_str(), "--data"),
        ("clickhouse.url", "(the embedded engine)", "default"),
        ("log", "warn,kubestats=info", "default"),
    ] {
        assert_eq!(row(&ran.stdout, key), (value.to_owned(), origin.to_owned()), "{key}");
    }
    assert!(row(&ran.stdout, "engine.memory_mb").0.ends_with("(a quarter of the machine's)"), "{}", ran.stdout);
    assert!(!program.folder().join("here").exists(), "nothing is created");
}

#[test]
fn json_tells_the_same() {
    let program = Program::new()
        .with_file("mine.toml", "[server]\nlisten = \"127.0.0.1:1\"\n[query]\ncache_mb = \"x\"\n")
        .with_variable("KUBESTATS_LOG", "debug");
    let ran = program.run(&["--config", "mine.toml", "config", "show", "--json"]);
    assert_eq!(ran.status, 1);
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let setting = |key: &str| {
        let settings = printed["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}")).clone()
    };
    assert_eq!(setting("server.listen")["value"], "127.0.0.1:1");
    assert_eq!(setting("server.listen")["origin"], json!({ "type": "file", "path": "mine.toml", "line": 2 }));
    assert_eq!(setting("log")["origin"], json!({ "type": "variable", "name": "KUBESTATS_LOG" }));
    assert_eq!(setting("git.fetch_limit_mb")["origin"], json!({ "type": "default" }));
    assert_eq!(
        (&setting("query.cache_mb")["value"], &setting("query.cache_mb")["is_valid"]),
        (&json!(null), &json!(false))
    );
    let problems = printed["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].as_str().unwrap().contains("query.cache_mb in mine.toml, line 4"), "{problems:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn a_password_is_never_shown_but_whether_there_is_one() {
    let password = |ran: &str| row(ran, "clickhouse.password").0;
    assert_eq!(password(&Program::new().run(&["config", "show"]).stdout), "(not set)");
    let program = Program::new().with_variable("KUBESTATS_CLICKHOUSE__PASSWORD", "hunter2");
    for arguments in [&["config", "show"][..], &["config", "show", "--json"]] {
        let ran = program.run(arguments);
        assert!(ran.stdout.contains("***") && !ran.stdout.contains("hunter2"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_wrong_is_shown_with_the_rest() {
    let program =
        Program::new().with_variable("KUBESTATS_QUERY__CACHE_MB", "many").with_variable("KUBESTATS_LGO", "info");
    let ran = program.run(&["config", "show"]);
    assert_eq!(ran.status, 1);
    assert_eq!(row(&ran.stdout, "query.cache_mb"), ("(not valid)".to_owned(), "KUBESTATS_QUERY__CACHE_MB".to_owned()));
    assert_eq!(row(&ran.stdout, "server.listen").0, "127.0.0.1:8080");
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("kubestats: configuration: ")).count(), 2);
}

#[test]
fn the_default_file_is_one_to_begin_with() {
    let program = Program::new();
    let printed = program.run(&["config", "default"]).stdout;
    assert!(printed.contains("[server]") && printed.contains("# "), "{printed}");
    let program = program.with_file("kubestats.toml", &printed);
    let ran = program.run(&["--config", "kubestats.toml", "config", "show", "--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    for setting in shown["settings"].as_array().unwrap() {
        assert_eq!(setting["origin"]["path"], "kubestats.toml", "{setting}");
    }
    let without: Value = serde_json::from_str(&program.run(&["config", "show", "--json"]).stdout).unwrap();
    let values = |shown: &Value| -> Vec<Value> {
        shown["settings"].as_array().unwrap().iter().map(|setting| setting["value"].clone()).collect()
    };
    assert_eq!(values(&shown), values(&without), "a copy of the defaults changes nothing");
}

#[test]
fn without_a_home_the_data_directory_has_to_be_named() {
    let program = Program::new().with_variable("HOME", "").with_variable("XDG_DATA_HOME", "");
    let ran = program.run(&["config", "show"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("set --data or KUBESTATS_DATA_DIR"), "{}", ran.stderr);
}
