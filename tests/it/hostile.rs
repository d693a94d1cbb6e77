//! Hostile and broken input: repositories, files, servers and credentials that are made to break, stall or leak something.
//!
//! Every test scans its hostile source between two quiet ones, by one command, and [`scan_with`] holds for all of them that
//! the program does not panic, keeps within its memory, ends, and scans both neighbours completely.
//!
//! | what | where |
//! |---|---|
//! | alias bombs, 100,000 levels, 50 MiB files, 100,000 documents, one line of 3 MiB, NUL bytes, 100,000 references | `manifests`; each budget alone in `manifest::budgets`, each way to be unparsable in `scan::unparsable` |
//! | thousands of builds, sources and kustomizations that mean each other | `builds` |
//! | every encoding | `encodings` |
//! | paths that are no UTF-8, `..`, look-alikes of `.git`, empty and endless names | `paths`; order and output in `scan::files` |
//! | symlinks out of the repository, submodules, modes | `paths`; files that become one in `scan::files` |
//! | bombs of trees, names that stand twice | `paths` |
//! | commits from 1970, 2100, before and after all clocks, clocks that run backwards, 20 parents, endless subjects | `commits`; the state at a time in `scan::walk`, malformed headers in `git::history` |
//! | grafts, replaced objects, shallow clones, missing objects, a pack cut in half, 100,000 refs | `objects`; bundles in `git::refusals` |
//! | 5 GB of repository, servers that send forever, say nothing or lie | `servers`; redirects and refusals in `git::network` |
//! | credentials in a URL | `credentials`; what a SOURCE may be in `git::sources`, a clone whose remote has some in `scan::again` |
//! | two scans of one repository | `scan::locked` |
//! | nothing new | `scan::reading` |
//! | other default branches, foxtrots, rewritten histories, newer extractors | `scan::rebuilt`, `scan::again` |
//! | lost and doubled blocks, kills | `scan::killed` |
//! | secrets of every rule | `secrets`; each rule alone in `manifest::redact` |

mod builds;
mod commits;
mod credentials;
mod encodings;
mod manifests;
mod objects;
mod paths;
mod raw;
pub mod secrets;
mod server;
mod servers;

use std::path::Path;
use std::process::Stdio;

use raw::RawRepo;
use serde_json::{Value, json};

use crate::scan::describe;
use crate::support::data::{Ran, TestData, json_lines, text};
use crate::support::process::{PATIENCE, holds_within};
use crate::support::repos::fixture;
use crate::support::server::TestServer;

/// The most memory that a scan may ever hold, in KiB.
const MEMORY_KIB: u64 = 600 * 1024;

/// A hostile source after its scan.
struct Scanned {
    /// The source, where nobody else holds it.
    _repository: Option<RawRepo>,
    server: TestServer,
    data: TestData,
    ran: Ran,
    source: String,
}

/// Scans a repository of the disk between two quiet ones.
#[track_caller]
fn scan(source: &Path) -> Scanned {
    scan_with(TestData::new(), text(source))
}

/// The same for one that is put together by hand.
#[track_caller]
fn scan_raw(repository: RawRepo) -> Scanned {
    let scanned = scan(&repository.path());
    Scanned { _repository: Some(repository), ..scanned }
}

/// The same for any source, into data that are set up already.
#[track_caller]
fn scan_with(data: TestData, source: &str) -> Scanned {
    let (before, after) = (fixture("move"), fixture("crosswise"));
    let server = TestServer::start(&data);
    let ran = run(&data, &["scan", "--json", text(&before.path()), source, text(&after.path())]);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let totals = |path: &Path| summary(&ran, text(path)).map(|summary| describe(&summary));
    let quiet = [
        "2 commits, 1 created, 1 modified (1 moves), 0 deleted, 1 alive, 0 unparsable",
        "2 commits, 2 created, 2 modified (2 moves), 0 deleted, 2 alive, 0 unparsable",
    ];
    assert_eq!(
        [totals(&before.path()), totals(&after.path())],
        quiet.map(|totals| Some(totals.to_owned())),
        "{}",
        ran.stderr
    );
    let counts = [&before, &after].map(|repository| data.event_lines(&repository.path()).len());
    assert_eq!(counts, [2, 4], "the neighbours of {source} are not complete");
    assert!(!server.log().contains("panicked"), "{}", server.log());
    Scanned { _repository: None, server, data, ran, source: source.to_owned() }
}

/// Runs the program to its end, with an eye on its memory.
#[track_caller]
fn run(data: &TestData, arguments: &[&str]) -> Ran {
    let mut child = data.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (stdout, stderr) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let mut most = 0;
    let ended = holds_within(PATIENCE, || {
        most = most.max(peak(&status));
        child.try_wait().unwrap().is_some()
    });
    if !ended {
        child.kill().unwrap();
        panic!("{arguments:?} does not end");
    }
    let success = child.wait().unwrap().success();
    let ran = Ran { success, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() };
    assert!(most < MEMORY_KIB, "{arguments:?} took {most} KiB: {}", ran.stderr);
    ran
}

fn drain(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut printed = String::new();
        pipe.read_to_string(&mut printed).unwrap();
        printed
    })
}

/// The most memory a process ever held, in KiB; nothing where it has ended, or the system does not say.
fn peak(status: &str) -> u64 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// The summary of a source, if it was scanned.
fn summary(ran: &Ran, source: &str) -> Option<Value> {
    json_lines(&ran.stdout).into_iter().find(|summary| summary["source"] == source)
}

impl Scanned {
    /// It was scanned whole, with these totals.
    #[track_caller]
    fn succeeded(&self, totals: &str) {
        assert!(self.ran.success, "{}", self.ran.stderr);
        let summary = summary(&self.ran, &self.source).expect("a summary");
        assert_eq!(describe(&summary), totals);
        let repository = self.repository();
        assert_eq!([&repository["scanStatus"], &repository["scanError"]], [&json!("SUCCEEDED"), &Value::Null]);
    }

    /// It failed with one line that says `words`, which can be asked for, and nothing of it is seen.
    #[track_caller]
    fn refused(&self, words: &str) {
        assert!(!self.ran.success);
        let complaints = self.ran.complaints();
        assert_eq!(complaints.len(), 1, "{}", self.ran.stderr);
        assert!(complaints[0].contains(words), "{}", complaints[0]);
        assert!(complaints[0].len() < 1000, "{}", complaints[0]);
        let repository = self.repository();
        assert_eq!(repository["scanStatus"], "FAILED");
        let error = repository["scanError"].as_str().unwrap();
        assert!(error.contains(words) && !error.contains(char::is_control), "{error}");
        assert_eq!([&repository["eventCount"], &repository["resourceCount"]], [0, 0]);
    }

    /// What GraphQL says of it.
    #[track_caller]
    fn repository(&self) -> Value {
        let document = "{ repositories { nodes { name url scanStatus scanError eventCount resourceCount
            headCommit { time subject actor { name } } scanFailures(first: 100) { nodes { path message } } } } }";
        let answer = self.server.query(document);
        let nodes = answer["repositories"]["nodes"].as_array().unwrap();
        let quiet = |node: &&Value| ["move", "crosswise"].iter().any(|name| node["name"] == *name);
        let mut others = nodes.iter().filter(|node| !quiet(node));
        let found = others.next().expect("the hostile repository").clone();
        assert!(others.next().is_none(), "{answer}");
        found
    }

    /// Its events as text, in walk order.
    #[track_caller]
    fn events(&self) -> Vec<String> {
        let events = self.data.events(Path::new(&self.source));
        events.iter().map(|event| event.outline()).collect()
    }

    /// Its unparsable files, `path: message`, sorted.
    #[track_caller]
    fn failures(&self) -> Vec<String> {
        let repository = self.repository();
        let nodes = repository["scanFailures"]["nodes"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut failures: Vec<String> =
            nodes.map(|node| format!("{}: {}", text(&node["path"]), text(&node["message"]))).collect();
        failures.sort();
        failures
    }
}
