//! A disk of a few megabytes, for what happens when it is full.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A tmpfs in a mount namespace of its own, which needs no privileges where the system lets users make namespaces. Programs
/// see it when they are run through [`SmallDisk::command`]; everybody else sees an empty folder.
pub struct SmallDisk {
    folder: tempfile::TempDir,
    /// Holds the namespace until its standard input is closed.
    holder: Child,
}

impl SmallDisk {
    #[track_caller]
    pub fn new(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" && echo mounted && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &format!("{megabytes}m")])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare, of util-linux, runs");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "this test needs user namespaces (kernel.unprivileged_userns_clone) or root");
        Self { folder, holder }
    }

    /// Where the disk is mounted, for those who see it.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command that sees the disk.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target", &self.holder.id().to_string()]);
        command.args(["--", program]);
        command
    }

    /// Fills the disk until this many bytes are left.
    #[track_caller]
    pub fn fill(&self, left: u64) {
        let script = "free=$(df --output=avail --block-size=1 \"$0\" | tail -n 1) && \
                      head --bytes=$((free - $1)) /dev/zero > \"$0/filler\"";
        self.run(&["-c", script, self.text(), &left.to_string()]);
    }

    /// Gives the space back.
    #[track_caller]
    pub fn empty(&self) {
        self.run(&["-c", "rm \"$0/filler\"", self.text()]);
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) {
        let status = self.command("sh").args(arguments).status().unwrap();
        assert!(status.success());
    }

    fn text(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
