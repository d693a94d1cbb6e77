//! The walk itself: Git is read, manifests are parsed and states are compared at the same time, chunk by chunk; the costly parts
//! of each use all cores.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

use rayon::prelude::*;

use super::actor;
use super::budget::{Reservation, Share};
use super::chunks::read_history;
use super::lifecycle::{self, Declared, Failure, File, Transition};
use super::parse::{Parsed, ParsedChunk, declared, fetch, parse, parse_chunks};
use super::resolve::{Resolved, Resolver, Said, Touched, can_have_facts};
use super::state::{Live, State, by_key};
use super::written::{Applied, Happened, write_all};
use crate::git::{BlobId, BlobReader, Commit, CommitId, GitError, Mirror};
use crate::manifest::redact::Redactor;
use crate::manifest::yaml::{Unparsable, Versions};
use crate::model::{
    EventType, FileFacts, Repository, RepositoryId, Resource, ResourceEvent, ResourceId, ScanFailure, Step, Totals,
};

/// Bytes of memory that a row takes beside the content of its event, and so does a resource that is alive.
const MEMORY_OF_ROW: u64 = 1 << 10;

/// Where an earlier scan stopped.
pub struct Resume {
    pub commit: CommitId,
    pub sequence: u64,
    /// Running maximum of commit times up to there, in seconds.
    pub state_time: i64,
    pub totals: Totals,
    /// Resources alive at `commit`.
    pub resources: Vec<Resource>,
    /// What files said beside their resources at `commit`.
    pub files: Vec<(Arc<[u8]>, Arc<FileFacts>)>,
}

/// Rows of some consecutive commits.
#[derive(Default)]
pub struct Batch {
    pub commits: u64,
    pub events: Vec<ResourceEvent>,
    pub failures: Vec<ScanFailure>,
    pub resolved: Resolved,
    /// What the rows count in the [`Budget`](super::Budget), until they are stored.
    pub memory: Option<Reservation>,
}

impl Batch {
    /// Bytes that the rows take in memory, estimated.
    pub(super) fn bytes(&self) -> u64 {
        let rows = self.events.len() + self.failures.len() + self.resolved.rows();
        let contents: u64 = self.events.iter().map(|event| event.content.len() as u64).sum();
        rows as u64 * MEMORY_OF_ROW + contents
    }
}

/// What is known when the walk has ended.
pub struct Outcome {
    pub sequence: u64,
    /// Running maximum of commit times, in seconds; `None` when all commits are dated after the scan.
    pub state_time: Option<i64>,
    pub totals: Totals,
    /// Every resource that had an event in this scan, as its last event left it.
    pub touched: Vec<Resource>,
}

/// Returned by a sink that takes no more rows.
#[derive(Debug)]
pub struct Stop;

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("blob {0}, which the history refers to, is missing from the mirror")]
    MissingBlob(BlobId),
    /// What was stored cannot be read, or does not fit what the mirror holds at this commit or blob; only reading the history from the start
    /// mends it.
    #[error("the stored state does not match {0} of the mirror")]
    Inconsistent(String),
    #[error("the scan was stopped")]
    Stopped,
}

/// Reads one repository's history.
pub struct Scanner<'a> {
    mirror: &'a Mirror,
    redactor: &'a Redactor,
    repository: RepositoryId,
    /// Commits dated after this (seconds) do not move the running maximum of commit times.
    now: i64,
    since: Option<CommitId>,
    start_sequence: u64,
    state: State,
    resolver: Resolver,
    deleted: Vec<Resource>,
    sequence: u64,
    state_time: Option<i64>,
    totals: Totals,
    /// Reads blobs again whose resources are in the state without their data.
    reader: Option<BlobReader>,
}

impl<'a> Scanner<'a> {
    /// `now` is the time of the scan in seconds; without `resume` the walk begins at the root.
    pub fn new(
        mirror: &'a Mirror,
        redactor: &'a Redactor,
        repository: &Repository,
        now: i64,
        resume: Option<Resume>,
    ) -> Self {
        let since = resume.as_ref().map(|resume| resume.commit);
        let mut resolver = Resolver::new(repository);
        let (sequence, state_time, totals, resources) = match resume {
            Some(resume) => {
                // Where no commit was read, or all were dated after their scan, there was no maximum yet.
                let state_time = Some(resume.state_time).filter(|time| resume.totals.commits > 0 && *time <= now);
                resolver.resume(resume.files, &resume.resources);
                (resume.sequence, state_time, resume.totals, resume.resources)
            }
            None => (0, None, Totals::default(), Vec::new()),
        };
        Self {
            mirror,
            redactor,
            repository: repository.id,
            now,
            since,
            start_sequence: sequence,
            state: State::resume(resources),
            resolver,
            deleted: Vec::new(),
            sequence,
            state_time,
            totals,
            reader: None,
        }
    }

    /// Walks to the mirror's head. Rows reach `sink` in walk order.
    ///
    /// # Errors
    /// When Git fails, when the mirror lacks a blob, when resumed rows do not fit the mirror, or when the sink stops.
    pub fn run(mut self, share: &Share, sink: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<Outcome, ScanError> {
        let (mirror, redactor, since, repository) = (self.mirror, self.redactor, self.since, self.repository);
        std::thread::scope(|scope| {
            let (sender, chunks) = sync_channel(1);
            let reader = scope.spawn(move || read_history(mirror, since, share, &sender));
            let (sender, parsed) = sync_channel(1);
            scope.spawn(move || parse_chunks(redactor, &chunks, &sender));
            let (sender, applied) = sync_channel(1);
            let walker = &mut self;
            let applier = scope.spawn(move || walker.apply_all(&parsed, share, &sender));
            let written = write_all(repository, &applied, sink);
            // Whoever still waits to hand something on learns that nobody takes it, and stops silently.
            drop(applied);
            written.and(join(applier)).and(join(reader))
        })?;
        Ok(self.outcome())
    }

    fn apply_all(
        &mut self,
        chunks: &Receiver<ParsedChunk>,
        share: &Share,
        sender: &SyncSender<Applied>,
    ) -> Result<(), ScanError> {
        for ParsedChunk { commits, blobs, memory } in chunks {
            self.load(&commits)?;
            let (batch, transitions) = self.apply(commits, &blobs)?;
            self.state.keep_within(share.most_alive());
            share.count_alive(self.bytes_alive());
            if sender.send(Applied { batch, transitions, blobs, memory }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads again the data of resources that the coming commits may change, where the state holds none.
    fn load(&mut self, commits: &[Commit]) -> Result<(), ScanError> {
        let changes = || commits.iter().flat_map(|commit| &commit.changes);
        let lacking = changes().flat_map(|change| self.state.without_data(&change.path));
        let wanted: BTreeSet<&str> = lacking.map(|live| live.record.blob.as_str()).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let id = |blob: &str| blob.parse().map_err(|_| ScanError::Inconsistent(blob.to_owned()));
        let wanted = wanted.into_iter().map(id).collect::<Result<Vec<BlobId>, _>>()?;
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(self.mirror.blobs()?),
        };
        let fetched = fetch(reader, &wanted)?;
        let parsed = fetched.into_par_iter().map(|blob| parse(self.redactor, &mut Versions::default(), blob));
        let by_hex: HashMap<String, Vec<Declared>> =
            parsed.map(|(id, read)| (id.to_string(), declared(&read))).collect();
        let found: HashMap<&str, _> = by_hex.iter().map(|(blob, declared)| (blob.as_str(), by_key(declared))).collect();
        for change in changes() {
            self.state.fill(&change.path, |live| {
                let declared = found.get(live.record.blob.as_str()).and_then(|found| found.get(&live.key()));
                let declared = declared.ok_or_else(|| ScanError::Inconsistent(live.record.blob.clone()))?;
                Ok(declared.resource.clone())
            })?;
        }
        Ok(())
    }

    /// Answers the rows of the commits but for their events, and what is to become these.
    fn apply(&mut self, commits: Vec<Commit>, parsed: &Parsed) -> Result<(Batch, Vec<Happened>), ScanError> {
        let mut batch = Batch { commits: commits.len() as u64, ..Batch::default() };
        let mut transitions = Vec::new();
        for commit in commits {
            let step = Arc::new(self.step(&commit));
            let said = said_beside_resources(&commit, parsed);
            let (happened, failures) = self.apply_commit(commit, parsed)?;
            // What is resolved at a commit comes after its events, so that the same commits always give the same sequences.
            self.sequence += 1;
            let touched: Vec<Touched<'_>> = happened.iter().map(touched).collect();
            let resolutions = self.resolver.commit(self.sequence, &step, &said, &touched, &mut batch.resolved);
            self.totals.unparsable_versions += failures.len() as u64;
            batch.failures.extend(failures.into_iter().map(|failure| describe(failure, &step, self.redactor)));
            for (transition, resolution) in happened.into_iter().zip(resolutions) {
                self.count(&transition);
                transitions.push((step.clone(), transition, resolution));
            }
        }
        Ok((batch, transitions))
    }

    /// Bytes that the resources alive take in memory, estimated.
    fn bytes_alive(&self) -> u64 {
        (self.totals.created - self.totals.deleted) * MEMORY_OF_ROW + self.state.bytes()
    }

    fn apply_commit(&mut self, commit: Commit, parsed: &Parsed) -> Result<(Vec<Transition>, Vec<Failure>), ScanError> {
        let mut files = Vec::with_capacity(commit.changes.len());
        for change in commit.changes {
            let after = match change.blob {
                None => None,
                Some(blob) => {
                    let read = parsed.get(&blob).ok_or(ScanError::MissingBlob(blob))?;
                    Some((blob.to_string(), read.clone()))
                }
            };
            files.push(File { path: change.path.into(), after });
        }
        let commit_id = commit.id.to_string();
        let repository = self.repository;
        Ok(lifecycle::apply(&mut self.state, files, commit.time, &mut self.sequence, |identity, path, ordinal| {
            let namespace = identity.namespace.as_deref().unwrap_or_default();
            let identity = [&*identity.group, &*identity.kind, namespace, &*identity.name];
            ResourceId::new(repository, &commit_id, identity, path, ordinal)
        }))
    }

    fn step(&mut self, commit: &Commit) -> Step {
        self.totals.commits += 1;
        if commit.time <= self.now {
            self.state_time = self.state_time.max(Some(commit.time));
        }
        Step {
            commit: commit.id.to_string(),
            time: commit.time,
            // A history that begins with a commit of the future has no earlier time to lean on.
            state_time: self.state_time.unwrap_or(commit.time),
            actor: self.redactor.text(&commit.author).into_owned(),
            actor_is_bot: actor::is_bot(&commit.author, &commit.author_email),
            subject: self.redactor.text(&commit.subject).into_owned(),
        }
    }

    fn count(&mut self, transition: &Transition) {
        self.totals.moved += u64::from(transition.path_before.is_some());
        match transition.event_type {
            EventType::Created => self.totals.created += 1,
            EventType::Modified => self.totals.modified += 1,
            EventType::Deleted => {
                self.totals.deleted += 1;
                self.deleted.push(transition.record.clone());
            }
        }
    }

    fn outcome(mut self) -> Outcome {
        self.totals.resources = self.state.resources().count() as u64;
        self.totals.files = self.state.files();
        let alive: Vec<&Live> = self.state.resources().collect();
        let touched = alive.into_par_iter().filter(|live| live.record.sequence > self.start_sequence);
        let mut touched: Vec<Resource> = touched.map(Live::with_values_keys).collect();
        touched.append(&mut self.deleted);
        touched.sort_by_key(|record| record.sequence);
        Outcome { sequence: self.sequence, state_time: self.state_time, totals: self.totals, touched }
    }
}

/// The result of a thread; its panic goes on here.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn describe(failure: Failure, step: &Arc<Step>, redactor: &Redactor) -> ScanFailure {
    let Failure { sequence, path, blob, reason: Unparsable { line, column, message } } = failure;
    let message = redactor.text(&message).into_owned();
    ScanFailure { sequence, step: step.clone(), path, blob, line, column, message }
}

/// What the changed files of a commit say beside their resources. A file that cannot be read says what it said last.
fn said_beside_resources(commit: &Commit, parsed: &Parsed) -> Vec<Said> {
    let changes = commit.changes.iter().filter(|change| can_have_facts(&change.path));
    let said = changes.filter_map(|change| {
        let facts = match change.blob {
            None => None,
            Some(blob) => parsed.get(&blob)?.as_ref().as_ref().ok()?.facts.clone(),
        };
        Some((change.path.as_slice().into(), facts))
    });
    said.collect()
}

fn touched(transition: &Transition) -> Touched<'_> {
    let is_alive = transition.event_type != EventType::Deleted;
    Touched { record: &transition.record, facts: is_alive.then_some(&transition.record.facts) }
}
