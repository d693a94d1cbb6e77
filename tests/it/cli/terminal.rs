//! What is different on a terminal.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::program::{Program, binary};
use crate::support::data::TestData;
use crate::support::process::wait_for_end;

/// A terminal of some width: our side, and that of programs.
fn terminal(columns: u16) -> (File, File) {
    let ours: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (ours.into(), theirs)
}

#[test]
fn a_table_fits_the_terminal() {
    let columns = 44;
    let (mut ours, theirs) = terminal(columns);
    let document =
        "{ __typename a: events { totalCount } longer: resources { totalCount } longest: repositories { totalCount } }";
    let data = TestData::new();
    let mut command = data.command(&["query", "--table", document]);
    let mut child = command.stdout(Stdio::from(theirs)).stderr(Stdio::null()).spawn().unwrap();
    // Its copy of the terminal would keep it open.
    drop(command);
    let mut printed = Vec::new();
    // A terminal that nobody else has open any more ends in an error.
    let _ = ours.read_to_end(&mut printed);
    assert!(wait_for_end(&mut child).success());
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("Query") && printed.lines().count() > 3, "{printed}");
    let widths: Vec<usize> = printed.lines().map(|line| line.trim_end().chars().count()).collect();
    assert!(widths.iter().all(|width| *width <= usize::from(columns)), "{widths:?}\n{printed}");
}

#[test]
fn nobody_is_left_waiting_for_a_document() {
    let (_ours, theirs) = terminal(80);
    let program = Program::new();
    let data = program.folder().join("data");
    let mut command = program.command(binary());
    command.args(["query", "--data"]).arg(data).stdin(Stdio::from(theirs));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.starts_with("kubestats: no document: give one as the argument, by --file, or on stdin"),
        "{complaint}"
    );
}
