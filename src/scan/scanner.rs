//! The walk itself: Git is read, manifests are parsed and states are compared at the same time, chunk by chunk; the costly parts
//! of each use all cores.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::prelude::*;

use super::budget::{Reservation, Share};
use super::change_class::change_class;
use super::chunks::{Chunk, Fetched, MEMORY_OF_TEXT, read_history};
use super::lifecycle::{self, Contents, Declared, Failure, File, Manifest, Transition};
use super::resolve::{Resolved, Resolver, Said, Touched, can_have_facts};
use super::state::{Live, State, by_key};
use super::{actor, changes};
use crate::git::{Blob, BlobId, BlobReader, Commit, CommitId, GitError, Mirror};
use crate::manifest::file::file_facts;
use crate::manifest::kinds;
use crate::manifest::redact::Redactor;
use crate::manifest::resources::resources_of;
use crate::manifest::yaml::{MAX_BYTES, Unparsable, Versions};
use crate::model::{
    Change, EventId, EventType, FileFacts, Repository, RepositoryId, Resolution, Resource, ResourceEvent, ResourceId,
    ScanFailure, Step, Totals,
};

/// Bytes of text kept to read later versions of files against; when there are more, all are let go.
const KEPT_TEXT: usize = 16 << 20;

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
    fn bytes(&self) -> u64 {
        let rows = self.events.len() + self.failures.len() + self.resolved.rows();
        rows as u64 * MEMORY_OF_ROW + self.content_bytes()
    }

    fn content_bytes(&self) -> u64 {
        self.events.iter().map(|event| event.content.len() as u64).sum()
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
    /// What was stored does not fit what the mirror holds; only reading the history from the start mends it.
    #[error("the stored state does not match blob {0} of the mirror")]
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
    /// Events that were written, and the bytes of their contents.
    written: u64,
    written_bytes: u64,
}

type Parsed = HashMap<BlobId, Contents>;

/// Commits with what the blobs they refer to hold.
struct ParsedChunk {
    commits: Vec<Commit>,
    blobs: Parsed,
    memory: Reservation,
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
            written: 0,
            written_bytes: 0,
        }
    }

    /// Walks to the mirror's head. Rows reach `sink` in walk order.
    ///
    /// # Errors
    /// When Git fails, when the mirror lacks a blob, when resumed rows do not fit the mirror, or when the sink stops.
    pub fn run(mut self, share: &Share, sink: &mut dyn FnMut(Batch) -> Result<(), Stop>) -> Result<Outcome, ScanError> {
        let (mirror, redactor, since) = (self.mirror, self.redactor, self.since);
        std::thread::scope(|scope| {
            let (sender, chunks) = sync_channel(2);
            let reader = scope.spawn(move || read_history(mirror, since, share, &sender));
            let (sender, parsed) = sync_channel(2);
            scope.spawn(move || parse_chunks(redactor, &chunks, &sender));
            let applied = self.apply_all(&parsed, share, sink);
            // Whoever still waits to hand something on learns that nobody takes it.
            drop(parsed);
            match reader.join() {
                // The reader stops silently when nobody listens any more: then `applied` tells why.
                Ok(read) => applied.and(read),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })?;
        Ok(self.outcome())
    }

    fn apply_all(
        &mut self,
        chunks: &Receiver<ParsedChunk>,
        share: &Share,
        sink: &mut dyn FnMut(Batch) -> Result<(), Stop>,
    ) -> Result<(), ScanError> {
        for ParsedChunk { commits, blobs, mut memory } in chunks {
            self.load_resumed(&commits)?;
            let mut batch = self.apply(commits, &blobs)?;
            drop(blobs);
            memory.resize(batch.bytes());
            batch.memory = Some(memory);
            share.count_alive(self.bytes_alive());
            sink(batch).map_err(|Stop| ScanError::Stopped)?;
        }
        Ok(())
    }

    /// Reads again the data of resumed resources whose files the coming commits touch.
    fn load_resumed(&mut self, commits: &[Commit]) -> Result<(), ScanError> {
        let mut wanted = HashSet::new();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            for live in self.state.without_data(&change.path) {
                let blob = live.record.blob.parse().map_err(|_| ScanError::Inconsistent(live.record.blob.clone()))?;
                wanted.insert(blob);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut wanted: Vec<BlobId> = wanted.into_iter().collect();
        let fetched = fetch(&mut self.mirror.blobs()?, &mut wanted)?;
        let parsed = fetched.into_par_iter().map(|blob| parse(self.redactor, &mut Versions::default(), blob));
        let by_hex: HashMap<String, Vec<Declared>> =
            parsed.map(|(id, read)| (id.to_string(), declared(&read))).collect();
        let found: HashMap<&str, _> = by_hex.iter().map(|(blob, declared)| (blob.as_str(), by_key(declared))).collect();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            for live in self.state.without_data(&change.path) {
                let declared = found.get(live.record.blob.as_str()).and_then(|found| found.get(&live.key()));
                let declared = declared.ok_or_else(|| ScanError::Inconsistent(live.record.blob.clone()))?;
                live.data = Some(declared.resource.data.clone());
            }
        }
        Ok(())
    }

    fn apply(&mut self, commits: Vec<Commit>, parsed: &Parsed) -> Result<Batch, ScanError> {
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
        let repository = self.repository;
        // Differences and JSON are the costly part of an event and need no order: all cores share them.
        let write = |json: &mut String, (step, transition, resolution)| {
            write_out(repository, step, transition, resolution, json)
        };
        batch.events = transitions.into_par_iter().map_init(String::new, write).collect();
        self.written += batch.events.len() as u64;
        self.written_bytes += batch.content_bytes();
        Ok(batch)
    }

    /// Bytes that the resources alive take in memory, estimated from those that were written.
    fn bytes_alive(&self) -> u64 {
        let alive = self.totals.created - self.totals.deleted;
        alive * (MEMORY_OF_ROW + self.written_bytes / self.written.max(1) * MEMORY_OF_TEXT)
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
        let mut touched: Vec<Resource> = touched.map(with_values_keys).collect();
        touched.append(&mut self.deleted);
        touched.sort_by_key(|record| record.sequence);
        Outcome { sequence: self.sequence, state_time: self.state_time, totals: self.totals, touched }
    }
}

fn with_values_keys(live: &Live) -> Resource {
    let values_keys = live.data.as_ref().map(|data| kinds::values_keys(&live.identity(), data)).unwrap_or_default();
    Resource { values_keys, ..live.record.clone() }
}

/// The resources of a manifest; none of one that cannot be read.
fn declared(read: &Contents) -> Vec<Declared> {
    read.as_ref().as_ref().map(|manifest| manifest.resources.clone()).unwrap_or_default()
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

/// The event of a transition, with its differences and its content as JSON, which is put together in `json`.
fn write_out(
    repository: RepositoryId,
    step: Arc<Step>,
    transition: Transition,
    resolution: Arc<Resolution>,
    json: &mut String,
) -> ResourceEvent {
    let Transition { event_type, record, path_before, blob_before, before, after, facts_before } = transition;
    let mut list = Vec::new();
    if let Some(path) = &path_before {
        list.push(path_change(path, &record.path));
    }
    let mut omitted = 0;
    let mut class = None;
    if let (Some(before), Some(after)) = (&before, &after) {
        let changes = changes::changes(before, after);
        class = facts_before.map(|facts_before| change_class(&facts_before, &record.facts, &changes));
        list.extend(changes.list);
        omitted = changes.omitted;
    }
    json.clear();
    if let Some(data) = after.as_ref().or(before.as_ref()) {
        data.write_json(json);
    }
    ResourceEvent {
        sequence: record.sequence,
        id: EventId::new(repository, &step.commit, record.id, event_type),
        resource: record.id,
        event_type,
        moved: path_before.is_some(),
        path_before,
        step,
        path: record.path,
        ordinal: record.ordinal,
        blob_before,
        blob_after: if event_type == EventType::Deleted { String::new() } else { record.blob },
        api_version: record.api_version,
        group: record.group,
        kind: record.kind,
        namespace: record.namespace,
        name: record.name,
        changes: list,
        changes_omitted: omitted,
        change_class: class,
        facts: record.facts,
        resolution,
        content: json.clone(),
    }
}

/// A move shows as a change at `/path`, which no field of a Kubernetes object can be mistaken for.
fn path_change(before: &[u8], after: &[u8]) -> Change {
    let json = |path: &[u8]| serde_json::Value::from(String::from_utf8_lossy(path)).to_string();
    Change { pointer: "/path".to_owned(), before: Some(json(before)), after: Some(json(after)) }
}

/// Parses chunk after chunk, so that the next one is ready when the last is applied.
fn parse_chunks(redactor: &Redactor, chunks: &Receiver<Chunk>, sender: &SyncSender<ParsedChunk>) {
    let mut files = Files::default();
    for Chunk { commits, blobs, memory } in chunks {
        let blobs = files.parse(redactor, &commits, blobs);
        if sender.send(ParsedChunk { commits, blobs, memory }).is_err() {
            return;
        }
    }
}

/// The newest version of each file that was read: the next one is read against it.
#[derive(Default)]
struct Files {
    versions: HashMap<Vec<u8>, Versions>,
}

impl Files {
    /// Reads each blob once, as a version of the file that it first stands for. Files share the cores; the versions of one follow each
    /// other.
    fn parse(&mut self, redactor: &Redactor, commits: &[Commit], blobs: Vec<Fetched>) -> Parsed {
        let mut unread: HashMap<BlobId, Option<Vec<u8>>> = blobs.into_iter().collect();
        let mut files: HashMap<&[u8], Vec<Fetched>> = HashMap::new();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            if let Some((id, bytes)) = change.blob.and_then(|id| unread.remove_entry(&id)) {
                files.entry(&change.path).or_default().push((id, bytes));
            }
        }
        let files: Vec<_> = files
            .into_iter()
            .map(|(path, blobs)| (path.to_owned(), self.versions.remove(path).unwrap_or_default(), blobs))
            .collect();
        let read = files.into_par_iter().map(|(path, mut versions, blobs)| {
            let parsed: Vec<_> = blobs.into_iter().map(|blob| parse(redactor, &mut versions, blob)).collect();
            (path, versions, parsed)
        });
        let mut all = Parsed::new();
        for (path, versions, parsed) in read.collect::<Vec<_>>() {
            all.extend(parsed);
            self.versions.insert(path, versions);
        }
        if self.versions.values().map(Versions::text_bytes).sum::<usize>() > KEPT_TEXT {
            self.versions.clear();
        }
        all
    }
}

fn parse(redactor: &Redactor, versions: &mut Versions, (id, bytes): Fetched) -> (BlobId, Contents) {
    let read = bytes.map_or_else(|| Err(Unparsable::too_large()), |bytes| parse_manifest(redactor, versions, &bytes));
    (id, Arc::new(read))
}

fn parse_manifest(redactor: &Redactor, versions: &mut Versions, bytes: &[u8]) -> Result<Manifest, Unparsable> {
    let documents = versions.read(bytes)?;
    let declared = |resource| {
        let resource = redactor.resource(resource);
        let facts = Arc::new(kinds::facts(&resource));
        Declared { resource, facts }
    };
    let resources = resources_of(&documents)?.into_iter().map(declared).collect();
    Ok(Manifest { resources, facts: file_facts(redactor, bytes, &documents).map(Arc::new) })
}

/// Reads the wanted blobs once each; one that is too large comes without its bytes.
fn fetch(reader: &mut BlobReader, wanted: &mut Vec<BlobId>) -> Result<Vec<Fetched>, ScanError> {
    wanted.sort_unstable();
    wanted.dedup();
    let mut blobs = Vec::with_capacity(wanted.len());
    let mut missing = None;
    reader.read_many(wanted, MAX_BYTES as u64, |id, blob| match blob {
        Blob::Bytes(bytes) => blobs.push((id, Some(bytes.to_vec()))),
        Blob::TooLarge(_) => blobs.push((id, None)),
        Blob::Missing => missing = Some(id),
    })?;
    wanted.clear();
    match missing {
        Some(id) => Err(ScanError::MissingBlob(id)),
        None => Ok(blobs),
    }
}
