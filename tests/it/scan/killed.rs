//! Scans that are killed: what readers see afterwards, and after the next scan.

mod blocks;
mod victims;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::again::{history, share_key};
use super::stored::Stored;
use crate::golden::shared_folder;
use crate::support::chance::Chance;
use crate::support::data::{TestData, text};
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::process::{eventually, send_signal, wait_for_end};
use crate::support::repos::{TempRepo, fixture};
use crate::support::server::TestServer;
use victims::{Victim, disturb};

/// Kills of each victim in the suite, and of each victim and repository in `make soak`.
const KILLS: usize = 5;
const SOAK_KILLS: usize = 25;
/// Scans that a history is read in, besides the last one.
const STEPS: usize = 4;

on_both_hostings! {
    killed_scans_and_the_next_equal_an_undisturbed_one
    nothing_of_a_killed_scan_is_seen
    a_killed_scan_that_continued_leaves_what_was_there
}

fn killed_scans_and_the_next_equal_an_undisturbed_one(hosting: Hosting) {
    let mut chance = Chance::new();
    Trial::new(hosting, fixture("many-commits")).kill(&mut chance, Victim::Scan, false, KILLS);
    Trial::new(hosting, fixture("resolution")).kill(&mut chance, Victim::Scan, true, KILLS);
}

#[test]
fn scans_whose_engine_is_killed_and_the_next_equal_an_undisturbed_one() {
    let mut chance = Chance::new();
    Trial::new(Hosting::Embedded, fixture("many-commits")).kill(&mut chance, Victim::Engine, false, KILLS);
    Trial::new(Hosting::Embedded, fixture("resolution")).kill(&mut chance, Victim::Engine, true, KILLS);
}

#[test]
fn scans_killed_with_their_engine_and_the_next_equal_an_undisturbed_one() {
    let mut chance = Chance::new();
    Trial::new(Hosting::Embedded, fixture("many-commits")).kill(&mut chance, Victim::All, true, KILLS);
    Trial::new(Hosting::Embedded, fixture("resolution")).kill(&mut chance, Victim::All, false, KILLS);
}

#[test]
#[ignore = "soak"]
fn soak_scans_killed_at_many_moments_and_the_next_equal_an_undisturbed_one() {
    soak(Victim::Scan);
    let mut chance = Chance::new();
    Trial::new(Hosting::External, fixture("more-commits")).kill(&mut chance, Victim::Scan, false, SOAK_KILLS);
}

#[test]
#[ignore = "soak"]
fn soak_engines_killed_at_many_moments_and_the_next_scan_equals_an_undisturbed_one() {
    soak(Victim::Engine);
}

#[test]
#[ignore = "soak"]
fn soak_scans_and_engines_killed_at_many_moments_and_the_next_scan_equals_an_undisturbed_one() {
    soak(Victim::All);
}

/// Scripted repositories and some of the corpus, with and without a server.
fn soak(victim: Victim) {
    let mut chance = Chance::new();
    let scripted = ["more-commits", "resolution"].map(fixture).into_iter();
    let corpus = ["fluxcd--flux2-kustomize-helm-example", "controlplaneio-fluxcd--d1-fleet", "allenporter--k8s-gitops"];
    let shared = shared_folder();
    let bundle = |name| Some(shared.as_ref()?.join("corpus").join(format!("{name}.bundle")));
    let corpus = corpus.into_iter().filter_map(bundle).map(|bundle| TempRepo::from_bundle(&bundle));
    let mut killed = 0;
    for (number, repository) in scripted.chain(corpus).enumerate() {
        let with_server = number % 2 == 1;
        killed += Trial::new(Hosting::Embedded, repository).kill(&mut chance, victim, with_server, SOAK_KILLS);
    }
    eprintln!("{killed} kills of {victim:?}");
}

/// A repository, and what an undisturbed scan stores of it.
struct Trial {
    hosting: Hosting,
    repository: TempRepo,
    commits: Vec<String>,
    /// Where the undisturbed scan stored.
    whole: TestData,
    expected: Stored,
    /// How long it took.
    time: Duration,
}

impl Trial {
    fn new(hosting: Hosting, repository: TempRepo) -> Self {
        let commits = history(&repository);
        let whole = TestData::on(hosting);
        let started = Instant::now();
        whole.scan(&repository.path());
        let time = started.elapsed();
        let expected = Stored::read(&whole);
        assert!(expected.event_count() > 0);
        Self { hosting, repository, commits, whole, expected, time }
    }

    /// Scans the history in a few steps, kills at random moments until enough was killed, and compares whenever the whole history is
    /// scanned. Answers how much was killed.
    fn kill(&self, chance: &mut Chance, victim: Victim, with_server: bool, wanted: usize) -> usize {
        let mut killed = 0;
        while killed < wanted {
            let data = TestData::on(self.hosting);
            share_key(&self.whole, &data);
            let mut server = with_server.then(|| TestServer::start(&data));
            let steps = chance.some_below(self.commits.len() - 1, STEPS).into_iter().chain([self.commits.len() - 1]);
            for step in steps {
                self.repository.git(&["update-ref", "HEAD", &self.commits[step]]);
                let mut is_scanned = false;
                while !is_scanned && killed < wanted {
                    if with_server && server.is_none() {
                        server = Some(TestServer::start(&data));
                    }
                    let time = chance.time(self.time / 2);
                    let disturbed = disturb(&data, &mut server, &self.source(), victim, time);
                    killed += usize::from(disturbed.killed);
                    is_scanned = disturbed.succeeded;
                }
            }
            drop(server);
            data.scan(&self.source());
            eprintln!("{killed} of {wanted} kills of {victim:?}, {}", self.source().display());
            Stored::read(&data).assert_equals(&self.expected);
        }
        killed
    }

    fn source(&self) -> PathBuf {
        self.repository.path()
    }
}

fn nothing_of_a_killed_scan_is_seen(hosting: Hosting) {
    let repository = fixture("more-commits");
    let data = TestData::on(hosting);
    let server = TestServer::start(&data);
    let mut scan = hold_half_way(&data, &repository.path());
    let look = || {
        let answer =
            server.query("{ repositories { nodes { scanStatus eventCount } } events(first: 1) { nodes { id } } }");
        assert_eq!(answer["events"]["nodes"], json!([]));
        assert_eq!(answer["repositories"]["nodes"], json!([{ "scanStatus": "PENDING", "eventCount": 0 }]));
    };
    look();
    scan.kill().unwrap();
    wait_for_end(&mut scan);
    look();
}

fn a_killed_scan_that_continued_leaves_what_was_there(hosting: Hosting) {
    let repository = fixture("more-commits");
    let head = repository.git(&["rev-parse", "main"]);
    repository.git(&["update-ref", "refs/heads/main", "main~11000"]);
    let data = TestData::on(hosting);
    let server = TestServer::start(&data);
    let first = data.scan(&repository.path());
    let before = Stored::read_through(&server, &data);
    repository.git(&["update-ref", "refs/heads/main", &head]);

    let mut scan = hold_half_way(&data, &repository.path());
    Stored::read_through(&server, &data).assert_equals(&before);
    scan.kill().unwrap();
    wait_for_end(&mut scan);
    Stored::read_through(&server, &data).assert_equals(&before);
    let second = data.scan(&repository.path());
    assert_eq!((&first["commits"], &second["commits"]), (&json!(1000), &json!(12_000)));
    let fresh = TestData::on(hosting);
    fresh.scan(&repository.path());
    Stored::read_through(&server, &data).assert_equals(&Stored::read(&fresh));
}

/// Starts a scan and stops it (SIGSTOP) when some of its rows lie in the database. A server has to run on the data.
#[track_caller]
pub fn hold_half_way(data: &TestData, source: &Path) -> Child {
    let mut command = data.command(&["scan", text(source)]);
    let mut scan = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("rows of the scan lie in the database", || {
        assert_eq!(scan.try_wait().unwrap(), None, "the scan ended");
        unpublished_events(data) > 0
    });
    send_signal(scan.id(), "STOP");
    assert!(unpublished_events(data) > 0, "the scan published before it could be held");
    scan
}

/// Events that lie in the database and are not seen.
fn unpublished_events(data: &TestData) -> u64 {
    let rows = data.sql(&["SELECT toUInt32(count()) AS events FROM resource_events AS t
        LEFT JOIN (
            SELECT repository_id, argMax(generation, version) AS g, argMax(sequence, version) AS s
            FROM checkpoints GROUP BY repository_id
        ) AS p ON p.repository_id = t.repository_id
        WHERE t.generation > p.g OR t.generation = p.g AND t.sequence > p.s"]);
    let row: serde_json::Value = serde_json::from_str(&rows[0]).unwrap();
    row["events"].as_u64().unwrap()
}
