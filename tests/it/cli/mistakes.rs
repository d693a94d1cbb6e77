//! Mistakes in the configuration and on the command line, as the program tells them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::program::Program;

/// What a run with this file says, after `kubestats: configuration: `; nothing else may be said, and no data be made.
#[track_caller]
fn complaints(program: &Program, arguments: &[&str]) -> Vec<String> {
    let ran = program.run(&[arguments, &["migrate"]].concat());
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(!program.folder().join("share").exists(), "a data directory was made");
    let prefix = "kubestats: configuration: ";
    let line = |line: &str| line.strip_prefix(prefix).unwrap_or_else(|| panic!("{line:?}")).to_owned();
    ran.stderr.lines().map(line).collect()
}

#[track_caller]
fn check_file(content: &str, expected: &str) {
    let program = Program::new().with_file("kubestats.toml", content);
    assert_eq!(complaints(&program, &["--config", "kubestats.toml"]), [expected], "{content}");
}

#[track_caller]
fn check_variable(name: &str, value: impl AsRef<OsStr>, expected: &str) {
    assert_eq!(complaints(&Program::new().with_variable(name, value), &[]), [expected], "{name}");
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let cases = [
        (
            "[server]\nlistn = \"\"",
            "unknown key \"server.listn\" in kubestats.toml, line 2; did you mean \"server.listen\"?",
        ),
        (
            "[srever]\nlisten = \"\"\nx = 1",
            "unknown key \"srever\" in kubestats.toml, line 2; did you mean \"server\"?",
        ),
        ("\n\nlisten = 1", "unknown key \"listen\" in kubestats.toml, line 3; did you mean \"server.listen\"?"),
        (
            "server.Listen = 1",
            "unknown key \"server.Listen\" in kubestats.toml, line 1; did you mean \"server.listen\"?",
        ),
        (
            "\"server.listen\" = 1",
            "unknown key \"server.listen\" in kubestats.toml, line 1; did you mean \"server.listen\"?",
        ),
        (
            "colour = 1",
            "unknown key \"colour\" in kubestats.toml, line 1; `kubestats config default` lists all there are",
        ),
    ];
    for (content, expected) in cases {
        check_file(content, expected);
    }
}

#[test]
fn an_unknown_variable_is_named_with_the_one_that_was_meant() {
    let meant = "unknown variable KUBESTATS_SERVER_LISTEN; did you mean \"KUBESTATS_SERVER__LISTEN\"?";
    check_variable("KUBESTATS_SERVER_LISTEN", "127.0.0.1:1", meant);
    let meant = "unknown variable KUBESTATS_server__listen; did you mean \"KUBESTATS_SERVER__LISTEN\"?";
    check_variable("KUBESTATS_server__listen", "127.0.0.1:1", meant);
    let unknown = "unknown variable KUBESTATS_COLOUR; `kubestats config show` lists all there are";
    check_variable("KUBESTATS_COLOUR", "", unknown);
}

#[test]
fn values_out_of_range_are_refused() {
    let cases = [
        (
            "[query]\ntimeout_seconds = 0",
            "query.timeout_seconds in kubestats.toml, line 2: 0 is out of range; expected a whole number from 1 to 86400",
        ),
        (
            "[engine]\nmax_concurrent_queries = 0",
            "engine.max_concurrent_queries in kubestats.toml, line 2: 0 is out of range; expected a whole number from 1 to 1000",
        ),
        (
            "[git]\nfetch_timeout_seconds = -5",
            "git.fetch_timeout_seconds in kubestats.toml, line 2: -5 is out of range; expected a whole number from 1 to 604800",
        ),
        (
            "[query]\ncache_mb = 18446744073709551615",
            "query.cache_mb in kubestats.toml, line 2: 18446744073709551615 is no whole number; expected a whole number from 0 to 16777216",
        ),
    ];
    for (content, expected) in cases {
        check_file(content, expected);
    }
    check_variable(
        "KUBESTATS_QUERY__TIMEOUT_SECONDS",
        "0",
        "query.timeout_seconds in KUBESTATS_QUERY__TIMEOUT_SECONDS: \"0\" is out of range; expected a whole number from 1 to 86400",
    );
}

#[test]
fn values_of_a_wrong_type_are_refused() {
    let cases = [
        ("log = true", "log in kubestats.toml, line 1: true is no string; write it in quotes"),
        (
            "[query]\ncache_mb = \"64\"",
            "query.cache_mb in kubestats.toml, line 2: \"64\" is a string; expected a whole number from 0 to 16777216, without quotes",
        ),
        (
            "[query]\ncache_mb = [\n1,\n2]",
            "query.cache_mb in kubestats.toml, line 2: [ 1, 2] is no whole number; expected a whole number from 0 to 16777216",
        ),
        (
            "server = 1",
            "server in kubestats.toml, line 1: this is a section, not a value: write [server] above its keys",
        ),
        ("[log]\nlevel = 1", "log in kubestats.toml, line 2: this is a value, not a section"),
        (
            "data_dir = \"~/kubestats\"",
            "data_dir in kubestats.toml, line 1: \"~/kubestats\" begins with ~, which only a shell understands; expected a path from the root",
        ),
    ];
    for (content, expected) in cases {
        check_file(content, expected);
    }
}

#[test]
fn an_address_that_is_none_is_refused() {
    let expected = "expected an IP address with a port, such as 127.0.0.1:8080 or [::]:8080";
    let line = "server.listen in kubestats.toml, line 1:";
    check_file(
        "server.listen = \"localhost:80\"",
        &format!("{line} \"localhost:80\" is no address to listen on; {expected}"),
    );
    check_file("server.listen = 8080", &format!("{line} 8080 is no address to listen on; {expected}"));
    let line = "server.listen in KUBESTATS_SERVER__LISTEN:";
    check_variable(
        "KUBESTATS_SERVER__LISTEN",
        "127.0.0.1",
        &format!("{line} \"127.0.0.1\" is no address to listen on; {expected}"),
    );
    check_variable("KUBESTATS_SERVER__LISTEN", "", &format!("{line} the value is empty; {expected}"));
}

#[test]
fn a_proxy_that_is_none_is_refused_and_its_password_not_told() {
    let line = "HTTPS_PROXY in the environment: the value is no proxy; expected one such as http://HOST:PORT";
    let program = Program::new().with_variable("https_proxy", "").with_variable("HTTPS_PROXY", "ftp://me:secret@proxy");
    assert_eq!(complaints(&program, &[]), [line]);
}

#[test]
fn a_url_of_another_kind_is_refused() {
    let line = "clickhouse.url in KUBESTATS_CLICKHOUSE__URL:";
    let cases = [
        (
            "tcp://host:9000",
            "\"tcp://host:9000\" has the scheme \"tcp\"; expected one such as http://localhost:8123, ClickHouse's HTTP interface",
        ),
        ("localhost:8123", "\"localhost:8123\" is no URL; expected one such as http://localhost:8123"),
        (
            "http://me:hunter2@host",
            "a URL here holds no user name and password; set clickhouse.user and clickhouse.password",
        ),
    ];
    for (url, expected) in cases {
        check_variable("KUBESTATS_CLICKHOUSE__URL", url, &format!("{line} {expected}"));
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_named() {
    let expected = "expected a level (off, error, warn, info, debug, trace) or target=level";
    let cases = [
        ("warn,kubestats=inf", "\"kubestats=inf\" is no log directive", "; did you mean \"info\"?"),
        ("warning", "\"warning\" is no log directive", "; did you mean \"warn\"?"),
        ("a=b=c", "\"a=b=c\" is no log directive", ""),
    ];
    for (filter, wrong, meant) in cases {
        check_variable("KUBESTATS_LOG", filter, &format!("log in KUBESTATS_LOG: {wrong}; {expected}{meant}"));
    }
}

#[test]
fn passwords_stand_in_no_complaint() {
    let line = "clickhouse.password in kubestats.toml, line 1: the value (not shown) is not a string";
    check_file("clickhouse.password = 271828", line);
    let line = "clickhouse.password in KUBESTATS_CLICKHOUSE__PASSWORD: the value is not UTF-8";
    check_variable("KUBESTATS_CLICKHOUSE__PASSWORD", OsStr::from_bytes(b"hunter\xff2"), line);
    check_file(
        "[clickhouse]\npassword = \"hunter2",
        "kubestats.toml, line 2: no valid TOML: invalid basic string, expected `\"`",
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_line() {
    check_file("[server]\nlisten", "kubestats.toml, line 2: no valid TOML: key with no value, expected `=`");
    check_file("log = \"a\"\nlog = \"b\"", "kubestats.toml, line 2: no valid TOML: duplicate key log");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let check = |program: Program, file: &str, expected: &str| {
        assert_eq!(complaints(&program, &["--config", file]), [format!("the file {file:?} (--config) {expected}")]);
    };
    check(Program::new(), "nowhere.toml", "does not exist; `kubestats config default` prints one to begin with");
    check(Program::new(), ".", "is a folder; name a TOML file");
    check(Program::new().with_file("binary", b"\xff\xfe"), "binary", "is not UTF-8 text");
    // A file that even root cannot read.
    check(Program::new(), "/proc/self/mem", "cannot be read: Input/output error (os error 5)");
    let expected =
        "the file \"gone.toml\" (KUBESTATS_CONFIG) does not exist; `kubestats config default` prints one to begin with";
    check_variable("KUBESTATS_CONFIG", "gone.toml", expected);
    check_variable(
        "KUBESTATS_CONFIG",
        "",
        "the file \"\" (KUBESTATS_CONFIG) has no name: give a path, or do not set it",
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let content = "log = 1\nlgo = 1\n[query]\ntimeout_seconds = 0\n";
    let program = Program::new().with_file("a.toml", content).with_variable("KUBESTATS_SERVER__LISTEN", "nowhere");
    let complaints = complaints(&program, &["--config", "a.toml"]);
    assert_eq!(complaints.len(), 4, "{complaints:#?}");
    for key in ["log in a.toml", "\"lgo\" in a.toml", "query.timeout_seconds in a.toml", "server.listen in KUBESTATS_"]
    {
        assert!(complaints.iter().any(|line| line.contains(key)), "{key}: {complaints:#?}");
    }
}

#[test]
fn escape_sequences_in_a_value_do_not_reach_the_terminal() {
    let ran = Program::new().with_variable("KUBESTATS_\u{1b}[2J", "x").run(&["migrate"]);
    assert!(ran.stderr.contains(r"unknown variable KUBESTATS_\u{1b}[2J;"), "{:?}", ran.stderr);
}

#[test]
fn addresses_that_kubernetes_sets_for_a_service_are_no_keys() {
    let program = Program::new()
        .with_variable("KUBESTATS_SERVICE_HOST", "10.0.0.1")
        .with_variable("KUBESTATS_PORT", "tcp://10.0.0.1:8080")
        .with_variable("KUBESTATS_PORT_8080_TCP_ADDR", "10.0.0.1");
    let ran = program.run(&["config", "show"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn wrong_arguments_are_told_with_what_was_meant() {
    let cases: [(&[&str], &str); 5] = [
        (&["quer"], "query"),
        (&["scan", "--jsno", "x"], "--json"),
        (&["query", "--format", "tabel", "{ a }"], "table"),
        (&["completions", "bsh"], "bash"),
        (&["serve", "--listen", "localhost"], "invalid socket address"),
    ];
    for (arguments, meant) in cases {
        let ran = Program::new().run(arguments);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(meant), "{arguments:?}: {}", ran.stderr);
    }
    let ran = Program::new().run(&["query", "--table", "--format", "csv", "{ a }"]);
    assert!(ran.status == 2 && ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
}

#[test]
fn without_arguments_there_is_help() {
    let ran = Program::new().run(&[]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("Usage: kubestats") && ran.stderr.contains("Examples:"), "{}", ran.stderr);
}
