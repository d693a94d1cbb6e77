//! Data directories that cannot be worked in.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::program::{Program, binary, run};
use crate::support::data::text;

/// A user whom nobody gave anything.
const NOBODY: u32 = 65_534;

#[track_caller]
fn check(program: &Program, directory: &Path, expected: &str) {
    let ran = program.run(&["migrate", "--data", text(directory)]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.stderr, format!("kubestats: data directory {}{expected}\n", directory.display()));
}

#[test]
fn a_file_is_no_data_directory() {
    let program = Program::new().with_file("file", "");
    let file = program.folder().join("file");
    let advice = "is a file; choose another with --data";
    check(&program, &file, &format!(": {} {advice}", file.display()));
    check(&program, &file.join("data"), &format!(": {} {advice}", file.display()));
}

#[test]
fn a_data_directory_below_nothing_is_rather_mistyped() {
    let program = Program::new();
    let parent = program.folder().join("nowhere");
    let advice = "does not exist; create it, or choose another with --data";
    check(&program, &parent.join("data"), &format!(": its parent folder {} {advice}", parent.display()));
    assert!(!parent.exists());
}

/// Runs the program as somebody who may not write: root may always.
#[track_caller]
fn refused(program: &Program, directory: &Path) -> String {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root {
        // A copy, since nobody may not look into every build folder.
        let copy = program.folder().join("kubestats");
        if !copy.exists() {
            // By another program: a file that this one has open for writing, if only in a child that another test is
            // starting at the moment, could not be run.
            let copied = Command::new("install").arg("--mode=755").arg(binary()).arg(&copy).status().unwrap();
            assert!(copied.success());
        }
        fs::set_permissions(program.folder(), Permissions::from_mode(0o755)).unwrap();
        let mut command = program.command(copy);
        command.uid(NOBODY).gid(NOBODY);
        command
    } else {
        program.command(binary())
    };
    let ran = run(command.args(["migrate", "--data", text(directory)]));
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    ran.stderr
}

#[test]
fn a_data_directory_that_may_not_be_written_is_refused() {
    let program = Program::new();
    let folder = program.folder().join("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let complaint = refused(&program, &folder);
    let expected = format!(
        "kubestats: data directory {} cannot be written: Permission denied (os error 13); make it writable for this user, \
         or choose another with --data\n",
        folder.display()
    );
    assert_eq!(complaint, expected);
    let inside = folder.join("data");
    let expected = format!(
        "kubestats: data directory {} cannot be made: Permission denied (os error 13); make {} writable for this user, or \
         choose another with --data\n",
        inside.display(),
        folder.display()
    );
    assert_eq!(refused(&program, &inside), expected);
}
