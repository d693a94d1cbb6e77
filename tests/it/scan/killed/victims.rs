//! What is killed, and in the middle of what.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::data::{Ran, TestData, text};
use crate::support::process::{eventually, holds_within, wait_for_end};
use crate::support::server::TestServer;

/// What `kill -9` hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The scanning process; its engine, if it is its own, notices and ends in order.
    Scan,
    /// The engine alone: whoever keeps it starts it again.
    Engine,
    /// Everything at once: scan, engine, and the server where there is one.
    All,
}

/// How a scan went that was to be disturbed.
#[derive(Debug, Default)]
pub struct Disturbed {
    /// Something was killed while it ran.
    pub killed: bool,
    /// It came to its end, and says that all went well.
    pub succeeded: bool,
}

/// Starts a scan and kills after some time. With a server, its engine stores the rows; a server that was killed is started again.
#[track_caller]
pub fn disturb(
    data: &TestData,
    server: &mut Option<TestServer>,
    source: &Path,
    victim: Victim,
    time: Duration,
) -> Disturbed {
    let mut command = data.command(&["scan", text(source)]);
    let mut scan = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut disturbed = Disturbed::default();
    if holds_within(time, || scan.try_wait().unwrap().is_some()) {
        disturbed.succeeded = ended_clearly(&mut scan);
        assert!(disturbed.succeeded, "a scan failed that nobody disturbed");
        return disturbed;
    }
    match victim {
        Victim::Scan => {
            scan.kill().unwrap();
            wait_for_end(&mut scan);
            disturbed.killed = true;
        }
        Victim::Engine => {
            let mut engine = None;
            eventually("the scan has an engine, or ended", || {
                engine = data.running_engine();
                engine.is_some() || scan.try_wait().unwrap().is_some()
            });
            disturbed.killed = engine.is_some_and(kill);
            disturbed.succeeded = ended_clearly(&mut scan);
        }
        Victim::All => {
            let engine = data.running_engine();
            scan.kill().unwrap();
            if let Some(mut server) = server.take() {
                server.kill();
            }
            engine.map(kill);
            wait_for_end(&mut scan);
            disturbed.killed = true;
        }
    }
    match server {
        Some(server) => eventually("the engine answers again", || server.get("/readyz").status == 200),
        // An orphaned engine notices the end of its pipe.
        None => eventually("the engine of a killed scan ends", || data.is_free()),
    }
    disturbed
}

/// Waits for the scan; one that failed has to say why, in one line.
#[track_caller]
fn ended_clearly(scan: &mut Child) -> bool {
    let mut stderr = String::new();
    scan.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let success = wait_for_end(scan).success();
    let ran = Ran { success, stdout: String::new(), stderr };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert_eq!(ran.complaints().len(), usize::from(!success), "{}", ran.stderr);
    success
}

/// Kills a process; false where it ended before.
fn kill(pid: u32) -> bool {
    let mut command = Command::new("kill");
    command.args(["-KILL", &pid.to_string()]).stderr(Stdio::null());
    command.status().unwrap().success()
}
