//! Memory that all scans of a process share.
//!
//! A scan reserves before it reads a chunk, hands the reservation on with what the chunk becomes, and gives it back when the
//! chunk's rows are stored. Who has to wait is served first come, first served, by the chunk: no scan is behind another one as
//! a whole. A scan that has no chunk in hand gets one at once, whatever the others hold: nobody is stuck, and a small
//! repository never waits for memory. So what is held stays within the limit, and a chunk and its rows more for each scan that
//! runs.
//!
//! All amounts are bytes of heap, estimated from the sizes of texts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What all scans together may hold. Clones are the same budget.
#[derive(Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

struct Shared {
    limit: u64,
    held: Mutex<Held>,
    given_back: Condvar,
}

#[derive(Default)]
struct Held {
    /// By all scans together.
    bytes: u64,
    scans: HashMap<u64, Part>,
    /// Requests that wait, the oldest first.
    waiting: VecDeque<u64>,
    /// Numbers of scans and requests that were given.
    numbers: u64,
}

/// What one scan holds.
#[derive(Default)]
struct Part {
    /// Chunks that nobody has taken over to store.
    chunks: usize,
    /// Bytes of what is alive in the repository.
    alive: u64,
}

/// The part of one scan, which ends with this value.
pub struct Share {
    shared: Arc<Shared>,
    scan: u64,
}

/// Bytes that are held until this is dropped.
pub struct Reservation {
    shared: Arc<Shared>,
    scan: u64,
    bytes: u64,
    is_chunk: bool,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let (held, given_back) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { limit: bytes, held, given_back }) }
    }

    /// The part of a scan that begins.
    pub fn share(&self) -> Share {
        let mut held = self.shared.lock();
        let scan = held.number();
        held.scans.insert(scan, Part::default());
        Share { shared: self.shared.clone(), scan }
    }

    /// Whether somebody waits, or more is held than there should be: rows are better stored now than later.
    pub fn is_short(&self) -> bool {
        let held = self.shared.lock();
        !held.waiting.is_empty() || held.bytes > self.shared.limit
    }
}

impl Share {
    /// Reserves the bytes of a chunk. Blocks until they are there and all who asked before are served, unless the scan has no
    /// other chunk.
    pub fn chunk(&self, bytes: u64) -> Reservation {
        let mut held = self.shared.lock();
        let request = held.number();
        held.waiting.push_back(request);
        while !(held.has_no_chunk(self.scan)
            || held.waiting.front() == Some(&request) && held.bytes + bytes <= self.shared.limit)
        {
            held = self.shared.given_back.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.waiting.retain(|waiting| *waiting != request);
        held.bytes += bytes;
        if let Some(part) = held.scans.get_mut(&self.scan) {
            part.chunks += 1;
        }
        // There may be room for the next one, too.
        self.shared.given_back.notify_all();
        Reservation { shared: self.shared.clone(), scan: self.scan, bytes, is_chunk: true }
    }

    /// Bytes that the data of what is alive in one repository may take: they stay for the whole scan, and without them it goes on,
    /// only more slowly.
    pub fn most_alive(&self) -> u64 {
        self.shared.limit / 8
    }

    /// Counts what is alive in the repository from now on, instead of what was counted before. Never blocks: what is alive
    /// is there already.
    pub fn count_alive(&self, bytes: u64) {
        let mut held = self.shared.lock();
        let Some(part) = held.scans.get_mut(&self.scan) else { return };
        let before = std::mem::replace(&mut part.alive, bytes);
        held.bytes = held.bytes + bytes - before;
        self.shared.given_back.notify_all();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shared.lock();
        let alive = held.scans.remove(&self.scan).map_or(0, |part| part.alive);
        held.bytes -= alive;
        self.shared.given_back.notify_all();
    }
}

impl Reservation {
    /// Gives back what the chunk's rows do not take: they are so many bytes.
    pub fn resize(&mut self, bytes: u64) {
        let mut held = self.shared.lock();
        held.bytes = held.bytes + bytes - self.bytes;
        self.shared.given_back.notify_all();
        drop(held);
        self.bytes = bytes;
    }

    /// Somebody has taken the rows over to store them: their scan has no chunk in hand any more.
    pub fn into_rows(mut self) -> Self {
        let mut held = self.shared.lock();
        held.end_chunk(self.scan, self.is_chunk);
        self.shared.given_back.notify_all();
        drop(held);
        self.is_chunk = false;
        self
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut held = self.shared.lock();
        held.bytes -= self.bytes;
        held.end_chunk(self.scan, self.is_chunk);
        self.shared.given_back.notify_all();
    }
}

impl Shared {
    /// No thread leaves the numbers half changed, so those of one that panicked are good.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn has_no_chunk(&self, scan: u64) -> bool {
        self.scans.get(&scan).is_none_or(|part| part.chunks == 0)
    }

    fn end_chunk(&mut self, scan: u64, is_chunk: bool) {
        // Rows may outlive the share of their scan.
        if is_chunk && let Some(part) = self.scans.get_mut(&scan) {
            part.chunks -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
