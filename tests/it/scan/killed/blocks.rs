//! Blocks of a scan that the database lost or stored twice, as an engine may that was killed between storing and noting
//! them: it is not published but sent again.

use serde_json::json;

use super::hold_half_way;
use crate::scan::again::share_key;
use crate::scan::stored::Stored;
use crate::support::data::{TestData, text};
use crate::support::engine::SCAN_TABLES;
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::process::{send_signal, wait_for_end};
use crate::support::repos::fixture;
use crate::support::server::TestServer;

on_both_hostings! {
    a_scan_whose_rows_were_lost_or_doubled_is_repeated
    a_scan_whose_rows_never_add_up_is_never_seen
}

/// One row is missing and another stands twice: their number is right.
const LOST_AND_DOUBLED: &[&str] = &[
    "INSERT INTO resource_events SELECT * FROM resource_events
        WHERE sequence = (SELECT max(sequence) FROM resource_events WHERE run_id = 'RUN')",
    "ALTER TABLE resource_events DELETE
        WHERE sequence = (SELECT max(sequence) - 1 FROM resource_events WHERE run_id = 'RUN') SETTINGS mutations_sync = 2",
];
/// The token of the checkpoint is known already, as if it had been stored: it will be lost.
const CHECKPOINT_LOST: &[&str] = &["INSERT INTO checkpoints (repository_id) SETTINGS insert_deduplication_token =
    'checkpoint/REPOSITORY/RUN' VALUES ('00000000-0000-0000-0000-000000000000')"];

fn a_scan_whose_rows_were_lost_or_doubled_is_repeated(hosting: Hosting) {
    let repository = fixture("more-commits");
    let head = repository.git(&["rev-parse", "main"]);
    let whole = TestData::on(hosting);
    whole.scan(&repository.path());
    let expected = Stored::read(&whole);
    for (faults, continues) in [(LOST_AND_DOUBLED, true), (CHECKPOINT_LOST, false)] {
        let data = TestData::on(hosting);
        share_key(&whole, &data);
        let server = TestServer::start(&data);
        if continues {
            repository.git(&["update-ref", "refs/heads/main", "main~11000"]);
            data.scan(&repository.path());
            repository.git(&["update-ref", "refs/heads/main", &head]);
        }
        let mut scan = hold_half_way(&data, &repository.path());
        let [held, id] = newest_run(&data);
        let faults: Vec<String> =
            faults.iter().map(|fault| fault.replace("RUN", &held).replace("REPOSITORY", &id)).collect();
        data.sql(&faults.iter().map(String::as_str).collect::<Vec<_>>());
        send_signal(scan.id(), "CONT");
        assert!(wait_for_end(&mut scan).success(), "{faults:?}");
        assert_ne!(newest_run(&data)[0], held, "{faults:?} hit nothing");
        Stored::read_through(&server, &data).assert_equals(&expected);
    }
}

/// The run that stored the newest event, and its repository.
#[track_caller]
fn newest_run(data: &TestData) -> [String; 2] {
    let rows = data.sql(&["SELECT run_id, repository_id FROM resource_events ORDER BY sequence DESC LIMIT 1"]);
    let row: serde_json::Value = serde_json::from_str(&rows[0]).unwrap();
    ["run_id", "repository_id"].map(|column| row[column].as_str().unwrap().to_owned())
}

fn a_scan_whose_rows_never_add_up_is_never_seen(hosting: Hosting) {
    let repository = fixture("resolution");
    let whole = TestData::on(hosting);
    whole.scan(&repository.path());
    let expected = Stored::read(&whole);
    let data = TestData::on(hosting);
    share_key(&whole, &data);
    let server = TestServer::start(&data);
    for table in SCAN_TABLES {
        // With each row of another table comes one that nobody sent.
        let source = if table == "resources" { "resource_events" } else { "resources" };
        let fault = format!(
            "CREATE MATERIALIZED VIEW fault TO {table} AS SELECT repository_id, generation, sequence, run_id FROM {source}"
        );
        data.sql(&[&fault]);
        is_refused(&data, &server, &repository.path(), table);
        data.sql(&["DROP TABLE fault SYNC"]);
    }
    data.scan(&repository.path());
    Stored::read_through(&server, &data).assert_equals(&expected);
}

/// A scan says which table does not hold what was sent, once in a line and once with the repository; readers see nothing of it.
#[track_caller]
fn is_refused(data: &TestData, server: &TestServer, source: &std::path::Path, table: &str) {
    let ran = data.run(&["scan", text(source)]);
    assert!(!ran.success, "{table}");
    let complaints = ran.complaints();
    assert_eq!(complaints.len(), 1, "{}", ran.stderr);
    let words = format!(" rows of this scan in {table}, and was sent ");
    assert!(complaints[0].contains(&words), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("scan is repeated").count(), 1, "{}", ran.stderr);
    let answer = server.query(
        "{ repositories { nodes { scanStatus scanError eventCount resourceCount } } events { totalCount }
            resources { totalCount } scanFailures { nodes { path } } }",
    );
    let repository = &answer["repositories"]["nodes"][0];
    assert_eq!([&repository["eventCount"], &repository["resourceCount"]], [0, 0], "{table}");
    assert_eq!(repository["scanStatus"], "FAILED");
    assert!(repository["scanError"].as_str().unwrap().contains(&words), "{repository}");
    assert_eq!([&answer["events"]["totalCount"], &answer["resources"]["totalCount"]], [0, 0], "{table}");
    assert_eq!(answer["scanFailures"]["nodes"], json!([]));
}

/// Two machines with a database in common, neither of which sees the other's lock: what the slower one stored is not seen beside
/// what the faster one published, whether the faster one cleared it away or not.
#[test]
fn what_another_machine_published_meanwhile_stands_alone() {
    let repository = fixture("more-commits");
    let whole = TestData::on(Hosting::External);
    whole.scan(&repository.path());
    let expected = Stored::read(&whole);
    for clears in [true, false] {
        let slower = TestData::on(Hosting::External);
        share_key(&whole, &slower);
        slower.succeed(&["migrate"]);
        let mut scan = hold_half_way(&slower, &repository.path());
        let held = newest_run(&slower)[0].clone();
        let database = slower.database().unwrap().clone();
        let faster = TestData::in_database(database);
        share_key(&whole, &faster);
        if clears {
            // It is held, and was silent for so long that nobody waits for it.
            slower.sql(&["ALTER TABLE processes DELETE WHERE true SETTINGS mutations_sync = 2"]);
            faster.scan(&repository.path());
        } else {
            // As if it had begun earlier: its rows come beside those that lie there.
            let theirs = &whole.database().unwrap().name;
            let copies = SCAN_TABLES.into_iter().chain(["checkpoints"]);
            let copies: Vec<String> =
                copies.map(|table| format!("INSERT INTO {table} SELECT * FROM `{theirs}`.{table}")).collect();
            slower.sql(&copies.iter().map(String::as_str).collect::<Vec<_>>());
        }
        send_signal(scan.id(), "CONT");
        assert!(wait_for_end(&mut scan).success(), "{clears}");
        let own = format!("SELECT toUInt32(count()) AS rows FROM resource_events WHERE run_id = '{held}'");
        assert_eq!(slower.sql(&[&own]), ["{\"rows\":0}\n"], "{clears}");
        Stored::read(&slower).assert_equals(&expected);
    }
}
