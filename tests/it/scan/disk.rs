//! A disk that is full: what fails says so in one line, what was stored stays readable, and nothing has to be repaired.

use std::path::Path;
use std::sync::Arc;

use crate::support::data::{TestData, text};
use crate::support::disk::SmallDisk;
use crate::support::repos::{TempRepo, fixture};

const MEGABYTE: u64 = 1 << 20;

/// A disk with the events of one scanned repository on it.
struct Filled {
    disk: Arc<SmallDisk>,
    data: TestData,
    scanned: TempRepo,
    events: Vec<String>,
}

impl Filled {
    fn new() -> Self {
        let disk = Arc::new(SmallDisk::new(100));
        let data = TestData::on_disk(&disk);
        let scanned = fixture("create-modify-delete");
        data.scan(&scanned.path());
        let events = data.event_lines(&scanned.path());
        assert_eq!(events.len(), 3);
        Self { disk, data, scanned, events }
    }

    /// Scans a repository while only so many bytes are left, and once more when there is space again.
    #[track_caller]
    fn check(&self, left: u64, repository: &Path, words: &str) {
        self.disk.fill(left);
        let ran = self.data.run(&["scan", text(repository)]);
        assert!(!ran.success);
        let complaints = ran.complaints();
        assert_eq!(complaints.len(), 1, "{}", ran.stderr);
        assert!(complaints[0].contains(words), "{}", complaints[0]);
        // What was stored is there, with the disk still full.
        assert_eq!(self.data.event_lines(&self.scanned.path()), self.events);
        self.disk.empty();
        self.data.scan(repository);
        let undisturbed = TestData::new();
        undisturbed.scan(repository);
        assert_eq!(self.data.event_lines(repository), undisturbed.event_lines(repository));
        assert_eq!(self.data.event_lines(&self.scanned.path()), self.events);
    }
}

#[test]
fn a_disk_without_room_for_rows() {
    Filled::new().check(MEGABYTE / 4, &fixture("many-commits").path(), "the disk of the database is full");
}

#[test]
fn a_disk_without_room_for_a_mirror() {
    let repository = fixture("many-commits");
    // Does not compress.
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + u8::try_from((state >> 33) % 95).unwrap())
    })
    .take(8 << 20)
    .collect();
    repository.commit_file("noise.txt", &noise, "noise");
    Filled::new().check(4 * MEGABYTE, &repository.path(), "the disk of the mirrors is full");
}

#[test]
fn a_disk_without_any_room() {
    Filled::new().check(0, &fixture("many-commits").path(), "the disk of the database is full");
}
