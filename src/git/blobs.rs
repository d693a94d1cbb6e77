//! Reading file contents: a long-lived `git cat-file --batch-command`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;

use super::command::Git;
use super::error::GitError;
use super::id::BlobId;
use super::running::{Input, Output, Running};

/// Blobs asked for at once. Small enough that a chunk's requests fit into git's input without waiting, large enough
/// that waiting for git's first answer does not count.
const CHUNK: usize = 256;

/// Bytes read from git at a time.
const BUFFER: usize = 256 * 1024;

/// The content of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blob<'a> {
    /// The whole content.
    Bytes(&'a [u8]),
    /// More bytes than asked for: the content's size.
    TooLarge(u64),
    /// Not in the mirror, or no blob.
    Missing,
}

/// Reads blobs of one mirror; one git process serves all calls and ends with this value. A reader that has failed is
/// of no further use.
pub struct BlobReader {
    input: Input,
    output: BufReader<Output>,
    // After the pipes: git ends by itself when they are closed.
    running: Option<Running>,
}

impl BlobReader {
    pub(super) fn start(directory: &Path) -> Result<Self, GitError> {
        let mut git = Git::in_mirror(directory, "cat-file");
        // With --buffer git queues commands until `flush`, so that neither side ever waits for the other to read.
        git.arguments(["--batch-command", "--buffer"]);
        let mut running = git.start(Stdio::piped(), None)?;
        Ok(Self {
            input: running.take_input(),
            output: BufReader::with_capacity(BUFFER, running.take_output()),
            running: Some(running),
        })
    }

    /// Reads blobs and hands each to `visit`, in the order of `ids`. The sizes are asked first, so that a blob of more
    /// than `max_bytes` is never unpacked by anyone. Memory: one blob.
    pub fn read_many(
        &mut self,
        ids: &[BlobId],
        max_bytes: u64,
        mut visit: impl FnMut(BlobId, Blob<'_>),
    ) -> Result<(), GitError> {
        for chunk in ids.chunks(CHUNK) {
            let sizes = self.sizes(chunk)?;
            let sized = || chunk.iter().copied().zip(&sizes);
            let is_wanted = |size: &Option<u64>| size.is_some_and(|bytes| bytes <= max_bytes);
            let wanted: Vec<BlobId> = sized().filter(|(_, size)| is_wanted(size)).map(|(id, _)| id).collect();
            self.send("contents", &wanted)?;
            let mut content = Vec::new();
            for (id, size) in sized() {
                match *size {
                    None => visit(id, Blob::Missing),
                    Some(bytes) if bytes > max_bytes => visit(id, Blob::TooLarge(bytes)),
                    Some(_) => {
                        self.read_content(id, &mut content)?;
                        visit(id, Blob::Bytes(&content));
                    }
                }
            }
        }
        Ok(())
    }

    /// The sizes of blobs in bytes, in the order of `ids`; `None` for what is not in the mirror, or no blob. No content is
    /// unpacked for it.
    pub fn sizes(&mut self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, GitError> {
        let mut sizes = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            self.send("info", chunk)?;
            for id in chunk {
                sizes.push(self.read_header(*id)?);
            }
        }
        Ok(sizes)
    }

    /// Reads blobs that are known to be there and hands each to `visit`, in the order of `ids`. Memory: one blob.
    pub fn contents(&mut self, ids: &[BlobId], mut visit: impl FnMut(BlobId, &[u8])) -> Result<(), GitError> {
        let mut content = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            self.send("contents", chunk)?;
            for id in chunk {
                self.read_content(*id, &mut content)?;
                visit(*id, &content);
            }
        }
        Ok(())
    }

    /// Asks `command` of each. Git reads all of it before it answers.
    fn send(&mut self, command: &str, ids: &[BlobId]) -> Result<(), GitError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut commands = Vec::with_capacity(ids.len() * 80);
        ids.iter().for_each(|id| commands.extend_from_slice(format!("{command} {id}\n").as_bytes()));
        commands.extend_from_slice(b"flush\n");
        let sent = self.input.write_all(&commands);
        sent.map_err(|cause| self.failure(GitError::io("writing to git cat-file")(cause)))
    }

    fn read_content(&mut self, id: BlobId, content: &mut Vec<u8>) -> Result<(), GitError> {
        let Some(bytes) = self.read_header(id)? else {
            return Err(unexpected(format!("{id} is missing after its size was told")));
        };
        content.clear();
        // A newline follows the content.
        let read = (&mut self.output).take(bytes + 1).read_to_end(content);
        if let Err(cause) = read {
            return Err(self.failure(GitError::io("reading git cat-file")(cause)));
        }
        if content.pop() != Some(b'\n') || content.len() as u64 != bytes {
            return Err(self.failure(unexpected(format!("the content of {id} is cut short"))));
        }
        Ok(())
    }

    /// Reads `<id> blob <size>`, or `<id> missing`: the size of a blob.
    fn read_header(&mut self, id: BlobId) -> Result<Option<u64>, GitError> {
        let mut line = String::new();
        if let Err(cause) = (&mut self.output).take(200).read_line(&mut line) {
            return Err(self.failure(GitError::io("reading git cat-file")(cause)));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = id.to_string();
        match words.as_slice() {
            [name, "blob", size] if *name == expected => match size.parse() {
                Ok(size) => Ok(Some(size)),
                Err(_) => Err(unexpected(format!("{line:?} instead of a size"))),
            },
            [name, "missing"] | [name, "commit" | "tree" | "tag", _] if *name == expected => Ok(None),
            _ => Err(self.failure(unexpected(format!("{line:?} instead of {expected}")))),
        }
    }

    /// The reason git gives, when it has ended; else the error that was seen.
    fn failure(&mut self, seen: GitError) -> GitError {
        let Some(mut running) = self.running.take() else {
            return seen;
        };
        // A git that has closed its pipes is about to end; one that has not is killed by dropping it.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(1);
        match running.wait_until(deadline, || true) {
            Ok(super::running::Waited::Ended) => running.finish().err().unwrap_or(seen),
            _ => seen,
        }
    }
}

fn unexpected(problem: String) -> GitError {
    GitError::Unexpected { command: "cat-file", problem }
}
