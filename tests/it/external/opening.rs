//! Whatever is wrong with a server is said in one line, before anything else happens.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{data_at, refused};
use crate::support::external::{PASSWORD, TestClickHouse, USER};
use crate::support::faults::{http_server, listen};

const SUPPORTED: &str = "26.7.2.1\n";

#[test]
fn a_wrong_password_names_user_and_server() {
    let server = TestClickHouse::shared();
    for (user, password) in [(USER, "not-the-one"), ("nobody", PASSWORD), (USER, "")] {
        let data = data_at(&server.url, "default").with("KUBESTATS_CLICKHOUSE__USER", user);
        let data = data.with("KUBESTATS_CLICKHOUSE__PASSWORD", password);
        let said = refused(&data, &[&server.url, user, "the password is wrong, or there is no such user"]);
        assert!(password.is_empty() || !said.contains(password), "{said}");
    }
    let nobody = data_at(&server.url, "default").with("KUBESTATS_CLICKHOUSE__USER", "");
    refused(&nobody.with("KUBESTATS_CLICKHOUSE__PASSWORD", ""), &[&server.url, "user default"]);
}

#[test]
fn a_password_may_come_from_a_file() {
    let data = data_at(&TestClickHouse::shared().url, "default").with("KUBESTATS_CLICKHOUSE__PASSWORD", "");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let data = data.with("KUBESTATS_CLICKHOUSE__PASSWORD_FILE", file.to_str().unwrap());
    data.succeed(&["migrate"]);
    std::fs::remove_file(&file).unwrap();
    refused(&data, &["clickhouse.password_file", file.to_str().unwrap()]);
    let both = data.with("KUBESTATS_CLICKHOUSE__PASSWORD", "second");
    assert!(!refused(&both, &["clickhouse.password_file", "clickhouse.password is set, too"]).contains("second"));
}

#[test]
fn credentials_in_the_url_are_refused() {
    let said =
        refused(&data_at("http://me:planted@127.0.0.1:1", "default"), &["clickhouse.url", "clickhouse.password"]);
    assert!(!said.contains("planted"), "{said}");
    refused(&data_at("tcp://127.0.0.1:9000", "default"), &["clickhouse.url", "http://"]);
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    refused(&data_at(&closed, "default"), &["ClickHouse cannot be reached", &closed, "refused"]);
    let unknown = "http://no-such-host.invalid:8123";
    refused(&data_at(unknown, "default"), &["ClickHouse cannot be reached", unknown]);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    refused(&data_at(&silent, "default"), &["ClickHouse did not answer within 8 s"]);
    // TLS is part of opening a connection.
    let silent = silent.replace("http://", "https://");
    refused(&data_at(&silent, "default"), &["ClickHouse cannot be reached", &silent, "no connection within 1 s"]);
}

#[test]
fn something_else_is_told_from_clickhouse() {
    let page = |status| http_server(move |_| (status, "<!doctype html><title>planted</title>".to_owned()));
    let other = listen(|mut stream| {
        let _ = stream.write_all(b"-ERR unknown command\r\n");
    });
    let closing = listen(drop);
    for url in [page(200), page(404), page(502), other, closing] {
        let said = refused(&data_at(&url, "default"), &[&url, "does not answer like a ClickHouse server"]);
        assert!(!said.contains("planted"), "{said}");
    }
}

#[test]
fn a_server_that_is_too_old_is_told_with_both_versions() {
    for old in ["18.16.1", "24.11.5.49"] {
        let url = http_server(move |_| (200, format!("{old}\n")));
        refused(&data_at(&url, "default"), &[old, "24.12"]);
    }
}

#[test]
fn a_database_that_cannot_be_created_is_named() {
    let url = http_server(|request| match request {
        _ if request.contains("CREATE DATABASE") => {
            (403, "Code: 497. DB::Exception: kubestats: Not enough privileges. (ACCESS_DENIED)\n".to_owned())
        }
        _ if request.contains("database=absent") => {
            (404, "Code: 81. DB::Exception: Database absent does not exist. (UNKNOWN_DATABASE)\n".to_owned())
        }
        _ => (200, SUPPORTED.to_owned()),
    });
    refused(
        &data_at(&url, "absent"),
        &["database absent does not exist for this user and cannot be created", "Not enough privileges"],
    );
    // For real: a name that no file system takes.
    let long = "long".repeat(100);
    refused(&data_at(&TestClickHouse::shared().url, &long), &["cannot be created", &long]);
}

#[test]
fn a_database_of_any_name_is_created() {
    let server = TestClickHouse::shared();
    let data = data_at(&server.url, "it's `strange` \\ ž");
    data.succeed(&["migrate"]);
    assert_eq!(data.succeed(&["migrate"]), "the schema is up to date\n");
    assert_eq!(data.query("{ repositories { totalCount } }", serde_json::json!({}))["repositories"]["totalCount"], 0);
}
