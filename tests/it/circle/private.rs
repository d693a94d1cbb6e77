//! Repositories that only a token opens, to the API and to git, over TLS on one host.

use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::{Forge, TOKEN, World, eventually};
use crate::hostile::secrets::{engine_tables, search_files};
use crate::support::data::{TestData, text};
use crate::support::faults::listen;
use crate::support::git_http::Breakage;
use crate::support::github::Emulator;
use crate::support::proxy::{HttpProxy, between};
use crate::support::tls::Terminator;

/// One address for both: paths of the API lead to the emulator, all others to git.
fn front(forge: &Forge) -> String {
    let api = forge.github.host().to_owned();
    let git = forge.git.url.trim_start_matches("http://").to_owned();
    listen(move |client| {
        // Long enough for a method and the first step of a path.
        let mut head = [0; 12];
        while let Ok(1..) = client.peek(&mut head)
            && head.contains(&0)
        {}
        let is_api = head.windows(5).any(|five| five == b" /api");
        let Ok(server) = TcpStream::connect(if is_api { &api } else { &git }) else { return };
        between(client, server);
    })
}

/// A private repository and an open one, both named in the configuration.
fn forge() -> (Forge, Terminator) {
    forge_at("localhost")
}

/// The same on a host of this name; where it is no name of this machine, nobody knows where that host is.
fn forge_at(host: &str) -> (Forge, Terminator) {
    let mut forge = Forge::with(Emulator::enterprise(), Some(&format!("x-access-token:{TOKEN}")));
    let tls = Terminator::start(&front(&forge), host);
    forge.pages = tls.url.replace("localhost", host);
    forge.publish(7, "owner/secret", |repo| repo.is_private = true);
    forge.publish(8, "owner/open", |_| ());
    forge.git.open("owner/open");
    (forge, tls)
}

fn data(tls: &Terminator) -> TestData {
    let authority = tls.ca_file();
    TestData::new()
        .with("KUBESTATS_LOG", "trace")
        .with("KUBESTATS_DISCOVERY__ENABLED", "true")
        .with("KUBESTATS_DISCOVERY__QUERIES", "")
        .with("KUBESTATS_DISCOVERY__REPOSITORIES", "owner/secret;owner/open")
        .with("KUBESTATS_GITHUB__URL", &format!("{}/api/v3", tls.url))
        .with("SSL_CERT_FILE", text(&authority))
}

/// All rows of all tables, and what the engine keeps of statements.
fn rows(world: &World) -> String {
    let names = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'";
    let names = world.data.sql(&[names]).concat();
    let names = names.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let statements: Vec<String> = names.map(|row| format!("SELECT * FROM {}", row["name"].as_str().unwrap())).collect();
    assert!(statements.len() > 15, "{statements:?}");
    let rows = world.data.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).concat();
    rows + &engine_tables(&world.data)
}

#[test]
fn a_private_repository_is_found_and_cloned_with_the_token_which_is_nowhere() {
    let (forge, tls) = forge();
    let world = forge.serve(data(&tls).with("KUBESTATS_GITHUB__TOKEN", TOKEN));
    world.is_scanned("owner/secret", 3);
    world.is_scanned("owner/open", 3);
    let id = world.repository("owner/secret", "id")["id"].take();
    world.forge.push(7, "one");
    world.mutate(&format!("sync(repository: {id})"));
    world.is_scanned("owner/secret", 4);
    // One that fails says so without it.
    world.forge.git.break_down("owner/secret", Breakage::Status(403));
    world.forge.push(7, "two");
    let failed = world.ended(&world.mutate(&format!("sync(repository: {id})")));
    assert_eq!(failed["error"]["code"], "GIT_UNAUTHORIZED", "{failed:#}");
    world.settle();

    let planted = [TOKEN.to_owned(), STANDARD.encode(format!("x-access-token:{TOKEN}"))];
    let (rows, log) = (rows(&world), world.server.log());
    assert!(rows.contains("secret"), "the rows tell of the repository");
    assert!(log.contains(" TRACE "), "the log tells everything: {log}");
    for secret in &planted {
        assert!(!rows.contains(secret), "it is in a row");
        assert!(!log.contains(secret), "it is in the log");
    }
    search_files(&world.data.path(), &planted);
    for mirror in std::fs::read_dir(world.data.path().join("mirrors")).unwrap().map(|entry| entry.unwrap().path()) {
        if mirror.is_dir() {
            search_files(&mirror, &planted);
        }
    }
}

#[test]
fn without_a_token_what_is_private_is_not_found_and_the_rest_is_scanned() {
    let (forge, tls) = forge();
    let world = forge.serve(data(&tls));
    world.is_scanned("owner/open", 3);
    world.settle();
    assert_eq!(world.repository("owner/secret", "id"), Value::Null);
    let log = "{ jobs(filter: {kind: {eq: DISCOVER}}) { nodes { state log { level text } } } }";
    let job = world.server.query(log)["jobs"]["nodes"][0].take();
    assert_eq!(job["state"], "SUCCEEDED");
    assert!(job["log"].to_string().contains("owner/secret: localhost"), "{job:#}");
    let asked = world.forge.git.requests();
    assert!(asked.iter().all(|target| target.starts_with("/owner/open.git/")), "{asked:?}");

    // Somebody who knows the URL is told that it needs more.
    let url = format!("{}/owner/secret", world.forge.pages);
    let added = world.mutate(&format!("addRepository(url: {})", json!(url)));
    assert_ne!(world.ended(&added)["state"], "SUCCEEDED");
    eventually("it says why", || world.repository("owner/secret", "syncError")["syncError"].is_string());
}

#[test]
fn a_proxy_with_a_password_is_the_only_way_to_the_forge() {
    let (forge, tls) = forge_at("git.company.example");
    let proxy = HttpProxy::start(tls.url.trim_start_matches("https://"), "ada:secret");
    let url = format!("{}/api/v3", forge.pages);
    let data = data(&tls).with("KUBESTATS_GITHUB__URL", &url).with("KUBESTATS_GITHUB__TOKEN", TOKEN);
    let (key, port) = ("HTTPS_PROXY", tls.url.rsplit(':').next().unwrap());
    let world = forge.serve(data.with(key, &proxy.url).with("NO_PROXY", "localhost,.other.example"));
    world.is_scanned("owner/secret", 3);
    world.settle();
    let asked = proxy.asked();
    assert!(asked.iter().all(|line| *line == format!("CONNECT git.company.example:{port} HTTP/1.1")), "{asked:?}");
    assert!(asked.len() >= 3, "the API, and git for each of two repositories: {asked:?}");
    assert!(!world.server.log().contains("ada:secret"), "{}", world.server.log());
}

#[test]
fn a_proxy_that_refuses_is_told_of() {
    let (forge, tls) = forge_at("git.company.example");
    let proxy = HttpProxy::start(tls.url.trim_start_matches("https://"), "ada:secret");
    let url = format!("{}/api/v3", forge.pages);
    let data = || data(&tls).with("KUBESTATS_GITHUB__URL", &url).with("KUBESTATS_JOBS__ATTEMPTS", "1");
    let stranger = proxy.url.replace("ada:secret@", "");
    let ran = data().with("HTTPS_PROXY", &stranger).run(&["discover"]);
    let host = stranger.trim_start_matches("http://");
    let words = format!("the proxy {host}: tunnel error: proxy authorization required");
    assert!(!ran.success && ran.stderr.contains(&words), "{}", ran.stderr);
    let asked = proxy.asked().len();
    let ran = data().with("HTTPS_PROXY", &proxy.url).with("NO_PROXY", "company.example").run(&["discover"]);
    assert!(!ran.success && !ran.stderr.contains("proxy"), "{}", ran.stderr);
    assert_eq!(proxy.asked().len(), asked, "it was left out");
}
