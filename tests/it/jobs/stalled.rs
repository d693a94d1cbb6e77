//! A repository at which git hangs, and commands that wait for it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::data::{TestData, json_lines, text};
use crate::support::process::{eventually, wait_for_end};
use crate::support::repos::{TempRepo, fixture};

/// All jobs, the oldest first.
#[track_caller]
pub fn jobs(data: &TestData, arguments: &[&str]) -> Vec<Value> {
    let mut jobs = json_lines(&data.succeed(&[&["jobs", "--json"], arguments].concat()));
    jobs.reverse();
    jobs
}

pub fn column<'a>(jobs: &'a [Value], name: &str) -> Vec<&'a str> {
    jobs.iter().map(|job| job[name].as_str().unwrap_or_default()).collect()
}

/// A repository that is known, and whose fetch from now on takes until this value goes.
pub struct Stalled {
    pub repository: TempRepo,
}

/// A command that runs, and what it has said so far.
pub struct Running {
    pub child: Child,
    out: Arc<Mutex<String>>,
    errors: Arc<Mutex<String>>,
}

impl Stalled {
    /// A pipe that nobody writes to stands where git looks for refs.
    #[track_caller]
    pub fn new(data: &TestData) -> Self {
        let repository = fixture("move");
        data.succeed(&["sync", text(&repository.path())]);
        let stalled = Self { repository };
        assert!(Command::new("mkfifo").arg(stalled.pipe()).status().unwrap().success());
        stalled
    }

    fn pipe(&self) -> PathBuf {
        self.repository.path().join(".git/packed-refs")
    }

    /// Runs a command on it in a process of its own.
    #[track_caller]
    pub fn begin(&self, data: &TestData, arguments: &[&str]) -> Running {
        Running::new(data, &[arguments, &["--json", text(&self.repository.path())]].concat())
    }

    /// The same; a job of it runs then.
    #[track_caller]
    pub fn run(&self, data: &TestData, arguments: &[&str]) -> Running {
        let running = self.begin(data, arguments);
        // Not the job that is over in a moment.
        eventually("a job hangs", || {
            let first = || jobs(data, &["--state", "running"]).first().map(|job| job["id"].clone());
            let seen = first();
            thread::sleep(Duration::from_millis(500));
            seen.is_some() && seen == first()
        });
        running
    }

    /// Git goes on.
    pub fn release(&self) {
        let pipe = File::options().read(true).write(true).open(self.pipe());
        let _ = std::fs::remove_file(self.pipe());
        // Whoever waits for the other end of the pipe finds nothing in it.
        drop(pipe);
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        self.release();
    }
}

impl Running {
    #[track_caller]
    pub fn new(data: &TestData, arguments: &[&str]) -> Self {
        let mut child = data.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = collect(child.stdout.take().unwrap());
        let errors = collect(child.stderr.take().unwrap());
        Self { child, out, errors }
    }

    pub fn stdout(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Waits until it ends; its exit status.
    #[track_caller]
    pub fn code(&mut self) -> Option<i32> {
        wait_for_end(&mut self.child).code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(output: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let collected = Arc::<Mutex<String>>::default();
    let text = collected.clone();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            *text.lock().unwrap() += &format!("{line}\n");
        }
    });
    collected
}
