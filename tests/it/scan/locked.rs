//! Two scans of one repository at once: the second is told who is at it, and begins when the first has ended.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use kubestats::git::{FetchOptions, FetchProgress, Remote};
use kubestats::manifest::redact::Redactor;
use kubestats::pipeline::{
    DiscoverySettings, Disk, Pipeline, Progress, RetentionSettings, Silent, SyncSettings, Visits,
};
use kubestats::scan::Budget;
use kubestats::store::{Reader, ReaderOptions, Store, Writer, engine};
use serde_json::json;

use crate::support::data::{TestData, text};
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::process::wait_for_end;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

const WORDS: &str = "another scan of this repository is running";

on_both_hostings! {
    of_two_processes_the_second_waits_for_the_first
}

fn of_two_processes_the_second_waits_for_the_first(hosting: Hosting) {
    let repository = fixture("many-commits");
    let data = TestData::on(hosting);
    let _server = TestServer::start(&data);
    let mut command = data.command(&["scan", text(&repository.path())]);
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let progress = BufReader::new(first.stderr.take().unwrap()).lines();
    let mut progress = progress.map_while(Result::ok);
    assert!(progress.any(|line| line.contains("commits")));
    let second = data.run(&["scan", "--json", text(&repository.path())]);
    assert!(second.success, "{}", second.stderr);
    let complaints = second.complaints();
    assert_eq!(complaints.len(), 1, "{}", second.stderr);
    let holder = format!("another process scans it (kubestats scan, process {}, since ", first.id());
    assert!(complaints[0].contains(&holder) && complaints[0].contains(" UTC; job "), "{}", second.stderr);
    let summary: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(summary["added"]["events"], 0, "{summary}");
    progress.for_each(drop);
    assert!(wait_for_end(&mut first).success());
    let answer = data.query("{ repositories { nodes { scanStatus scanError eventCount } } }", json!({}));
    let expected = json!([{ "scanStatus": "SUCCEEDED", "scanError": null, "eventCount": 11_882 }]);
    assert_eq!(answer["repositories"]["nodes"], expected);
}

#[test]
fn what_a_dead_process_left_in_the_lock_is_no_obstacle() {
    let repository = fixture("move");
    let data = TestData::new();
    data.scan(&repository.path());
    let files = std::fs::read_dir(data.path().join("mirrors")).unwrap().map(|file| file.unwrap().path());
    let locks: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind == "lock")).collect();
    assert_eq!(locks.len(), 1);
    let left = std::fs::read_to_string(&locks[0]).unwrap();
    assert!(left.starts_with("kubestats scan, process "), "{left}");
    std::fs::write(&locks[0], "kubestats scan, process 1, since long ago, and more of it than will be written now\n")
        .unwrap();
    data.scan(&repository.path());
    let now = std::fs::read_to_string(&locks[0]).unwrap();
    assert!(
        now.starts_with("kubestats scan, process ") && now.ends_with(" UTC\n") && now.lines().count() == 1,
        "{now}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn within_one_process_the_second_says_who_is_at_it() {
    let repository = fixture("move");
    let data = TestData::new();
    let server = tokio::task::block_in_place(|| TestServer::start(&data));
    let store = Store::elsewhere(engine::client(&data.path().join("run/engine.sock")));
    let pipeline = Pipeline {
        reader: Reader::new(store.clone(), ReaderOptions::default()),
        writer: Writer::new(store),
        redactor: Arc::new(Redactor::new(b"a key")),
        mirrors: data.path().join("mirrors"),
        fetching: FetchOptions::default(),
        program: "a test".to_owned(),
        budget: Budget::new(64 << 20),
        forges: Arc::new([]),
        credentials: Vec::new(),
        discovery: DiscoverySettings::default(),
        sync: SyncSettings::default(),
        retention: RetentionSettings::default(),
        visits: Visits::default(),
        disk: Disk::default(),
    };
    let remote = Remote::Path(repository.path());
    let (begun, release, progress) = held();
    let first = tokio::spawn({
        let (pipeline, remote) = (pipeline.clone(), remote.clone());
        async move { pipeline.scan(&remote, Arc::new(progress)).await }
    });
    tokio::task::block_in_place(|| begun.recv().unwrap());
    let error = pipeline.scan(&remote, Arc::new(Silent)).await.unwrap_err().to_string();
    let holder = format!("{WORDS} (a test, process {}, since ", std::process::id());
    assert!(error.starts_with(&holder), "{error}");
    release.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap().added.commits, 2);
    assert_eq!(pipeline.scan(&remote, Arc::new(Silent)).await.unwrap().added.commits, 0);
    tokio::task::block_in_place(|| drop(server));
}

/// Tells that the walk has begun, and holds it until it is released.
struct Held {
    begun: Mutex<Sender<()>>,
    release: Mutex<Receiver<()>>,
}

fn held() -> (Receiver<()>, Sender<()>, Held) {
    let (begun, told) = channel();
    let (releaser, release) = channel();
    (told, releaser, Held { begun: Mutex::new(begun), release: Mutex::new(release) })
}

impl Progress for Held {
    fn fetching(&self, _: &FetchProgress) {}

    fn scanning(&self, _: u64) {
        self.begun.lock().unwrap().send(()).unwrap();
        self.release.lock().unwrap().recv().unwrap();
    }

    fn advanced(&self, _: u64, _: u64) {}

    fn publishing(&self) {}
}
