//! HTTPS, with a private authority as with none.

use serde_json::json;

use super::{data_at, refused};
use crate::support::data::TestData;
use crate::support::external::TestClickHouse;
use crate::support::repos::fixture;
use crate::support::tls::Terminator;

fn data_behind(terminator: &Terminator) -> TestData {
    data_at(&terminator.url, &TestClickHouse::shared().database().name)
}

fn trusting(terminator: &Terminator) -> TestData {
    data_behind(terminator).with("KUBESTATS_CLICKHOUSE__CA_FILE", terminator.ca_file().to_str().unwrap())
}

#[test]
fn a_private_authority_is_trusted_when_it_is_named() {
    let terminator = Terminator::start(&TestClickHouse::shared().url, "localhost");
    let data = trusting(&terminator);
    data.scan(&fixture("moves-paired").path());
    let answer = data.query("{ events { totalCount } }", json!({}));
    assert_eq!(answer["events"]["totalCount"], 8);
}

#[test]
fn a_certificate_that_is_not_accepted_says_why() {
    let terminator = Terminator::start(&TestClickHouse::shared().url, "localhost");
    refused(&data_behind(&terminator), &[&terminator.url, "UnknownIssuer", "clickhouse.ca_file"]);
    let of_another_host = Terminator::start(&TestClickHouse::shared().url, "elsewhere.example");
    refused(&trusting(&of_another_host), &[&of_another_host.url, "certificate is not accepted", "elsewhere.example"]);
}

#[test]
fn a_file_without_certificates_is_named() {
    let terminator = Terminator::start(&TestClickHouse::shared().url, "localhost");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let data = || data_behind(&terminator).with("KUBESTATS_CLICKHOUSE__CA_FILE", file.to_str().unwrap());
    refused(&data(), &["clickhouse.ca_file", file.to_str().unwrap()]);
    std::fs::write(&file, "no certificate").unwrap();
    refused(&data(), &["clickhouse.ca_file", "holds no certificate"]);
}

#[test]
fn the_wrong_scheme_is_told() {
    let server = TestClickHouse::shared();
    let terminator = Terminator::start(&server.url, "localhost");
    let plain = terminator.url.replace("https://", "http://");
    refused(&data_at(&plain, "default"), &[&plain, "does not answer like a ClickHouse server", "https://"]);
    let encrypted = server.url.replace("http://", "https://");
    refused(&data_at(&encrypted, "default"), &[&encrypted, "does not speak TLS", "http://"]);
}
