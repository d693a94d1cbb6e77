//! Stores what becomes of jobs: each change of a state at once, progress and lines at most once a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::board::Board;
use super::books::Books;
use super::log::Change;
use crate::model::{Job, JobId, JobLogLine};
use crate::store::StoreError;

/// Progress is told to those who listen in this process.
const TELL: Duration = Duration::from_millis(200);
/// Progress and lines are stored after this time, and what could not be stored is tried again.
const SAVE: Duration = Duration::from_secs(1);
/// Changes that somebody who listens may lag behind.
const MOST_UPDATES: usize = 4_096;

/// The board, and who looks at it.
pub(super) struct Shared {
    board: Mutex<Board>,
    /// Counts changes of the board.
    pub changes: watch::Sender<u64>,
    /// Changes of jobs that are stored, and progress.
    pub updates: broadcast::Sender<Job>,
}

/// Where changes are handed in; clones write the same journal.
#[derive(Clone)]
pub(super) struct Journal {
    sender: mpsc::UnboundedSender<Message>,
}

enum Message {
    /// A change of a state; whoever asked for it may wait until it is stored.
    Change(Box<Change>, oneshot::Sender<Result<(), StoreError>>),
    Line(JobLogLine),
    /// A job moved; the board knows how far.
    Moved,
    Close(oneshot::Sender<bool>),
}

/// Tells when a change is stored. Dropped, the change is stored nevertheless.
pub(super) struct Receipt(oneshot::Receiver<Result<(), StoreError>>);

impl Receipt {
    /// Waits until the change is stored.
    ///
    /// # Errors
    /// When ClickHouse fails. A new job is forgotten then; what became of one that is known is stored as soon as it can be.
    pub async fn stored(self) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("no more jobs are stored".to_owned());
        self.0.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Waits until several changes are stored.
///
/// # Errors
/// As [`Receipt::stored`].
pub(super) async fn all_stored(receipts: Vec<Receipt>) -> Result<(), StoreError> {
    for receipt in receipts {
        receipt.stored().await?;
    }
    Ok(())
}

impl Shared {
    pub fn new(board: Board) -> Self {
        let (updates, _) = broadcast::channel(MOST_UPDATES);
        Self { board: Mutex::new(board), changes: watch::Sender::new(0), updates }
    }

    /// Never held while somebody waits.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Waits until the board is as somebody wants it.
    pub async fn until(&self, holds: impl Fn(&Board) -> bool) {
        let mut changes = self.changes.subscribe();
        while !holds(&self.board()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Journal {
    pub fn start(books: Arc<dyn Books>, shared: Arc<Shared>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(Pen::new(books, shared).write(receiver));
        Self { sender }
    }

    /// Hands a change in, to be stored at once. The board is held meanwhile, so that changes come in their order.
    pub fn post(&self, change: Change) -> Receipt {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Change(Box::new(change), sender));
        Receipt(receiver)
    }

    pub fn line(&self, line: JobLogLine) {
        self.send(Message::Line(line));
    }

    pub fn moved(&self) {
        self.send(Message::Moved);
    }

    /// Stores what is left; answers whether all of it is stored.
    pub async fn close(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Close(sender));
        receiver.await.unwrap_or(false)
    }

    fn send(&self, message: Message) {
        // After the end nothing is left that could be lost: the process that goes on finds what was stored.
        let _ = self.sender.send(message);
    }
}

/// Who writes.
struct Pen {
    books: Arc<dyn Books>,
    shared: Arc<Shared>,
    /// The newest state of each job that is not stored yet.
    unsaved: BTreeMap<JobId, Job>,
    lines: Vec<JobLogLine>,
    /// Lines that were sent, and perhaps stored: they are sent again as they were.
    sent: Vec<JobLogLine>,
    /// Changes that are told when they are stored, in their order.
    untold: Vec<Job>,
    answers: Vec<(JobId, oneshot::Sender<Result<(), StoreError>>)>,
    tell_at: Option<Instant>,
    save_at: Option<Instant>,
    /// The last attempt failed, which was logged.
    is_failing: bool,
}

impl Pen {
    fn new(books: Arc<dyn Books>, shared: Arc<Shared>) -> Self {
        Self {
            books,
            shared,
            unsaved: BTreeMap::new(),
            lines: Vec::new(),
            sent: Vec::new(),
            untold: Vec::new(),
            answers: Vec::new(),
            tell_at: None,
            save_at: None,
            is_failing: false,
        }
    }

    async fn write(mut self, mut receiver: mpsc::UnboundedReceiver<Message>) {
        loop {
            let due = [self.tell_at, self.save_at].into_iter().flatten().min();
            let message = match due {
                Some(due) => tokio::time::timeout_at(due, receiver.recv()).await.ok(),
                None => Some(receiver.recv().await),
            };
            let mut closing = None;
            match message {
                Some(None) => return,
                Some(Some(message)) => closing = self.take(message),
                None => {}
            }
            // What comes together is stored together.
            while closing.is_none()
                && let Ok(message) = receiver.try_recv()
            {
                closing = self.take(message);
            }
            let now = Instant::now();
            if closing.is_some() || self.tell_at.is_some_and(|time| time <= now) {
                self.tell_progress();
            }
            if closing.is_some() || self.save_at.is_some_and(|time| time <= now) {
                self.save().await;
            }
            if let Some(closing) = closing {
                let _ = closing.send(self.unsaved.is_empty() && self.sent.is_empty() && self.lines.is_empty());
                return;
            }
        }
    }

    fn take(&mut self, message: Message) -> Option<oneshot::Sender<bool>> {
        match message {
            Message::Change(change, answer) => {
                let Change { job, lines } = *change;
                self.lines.extend(lines);
                self.answers.push((job.id, answer));
                self.untold.push(job.clone());
                self.unsaved.insert(job.id, job);
                if !self.is_failing {
                    self.save_at = Some(Instant::now());
                }
            }
            Message::Line(line) => {
                self.lines.push(line);
                self.save_at.get_or_insert_with(|| Instant::now() + SAVE);
            }
            Message::Moved => {
                self.tell_at.get_or_insert_with(|| Instant::now() + TELL);
            }
            Message::Close(done) => return Some(done),
        }
        None
    }

    fn tell_progress(&mut self) {
        self.tell_at = None;
        for job in self.shared.board().take_moved() {
            // Its change to this state may not be stored yet; then it is told with that.
            if !self.untold.iter().any(|untold| untold.id == job.id) {
                // Nobody may be listening.
                let _ = self.shared.updates.send(job.clone());
            }
            self.unsaved.insert(job.id, job);
            self.save_at.get_or_insert_with(|| Instant::now() + SAVE);
        }
    }

    /// Stores everything: lines before states, so that a job that has ended has all its lines.
    async fn save(&mut self) {
        self.save_at = None;
        match self.try_save().await {
            Ok(()) => {
                self.is_failing = false;
                let saved = std::mem::take(&mut self.unsaved);
                let told = std::mem::take(&mut self.untold);
                // Told before anybody finds the board empty.
                for job in told {
                    let _ = self.shared.updates.send(job);
                }
                {
                    let mut board = self.shared.board();
                    saved.values().for_each(|job| board.stored(job));
                }
                for (_, answer) in self.answers.drain(..) {
                    // Who asked may have gone.
                    let _ = answer.send(Ok(()));
                }
                self.shared.changed();
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%error, "jobs cannot be stored; tried again every second");
                }
                self.save_at = Some(Instant::now() + SAVE);
                for (id, answer) in std::mem::take(&mut self.answers) {
                    if self.shared.board().forget(id) {
                        self.unsaved.remove(&id);
                        self.untold.retain(|job| job.id != id);
                    }
                    let _ = answer.send(Err(StoreError::Unavailable(error.to_string())));
                }
                self.shared.changed();
            }
        }
    }

    async fn try_save(&mut self) -> Result<(), StoreError> {
        while !self.sent.is_empty() || !self.lines.is_empty() {
            if self.sent.is_empty() {
                self.sent.append(&mut self.lines);
            }
            self.books.add_lines(&self.sent).await?;
            self.sent.clear();
        }
        let jobs: Vec<&Job> = self.unsaved.values().collect();
        self.books.save_jobs(&jobs).await
    }
}
