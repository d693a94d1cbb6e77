//! Takes in what a search found: which are taken, which were known, which are new.

use std::collections::{HashMap, HashSet};

use chrono::Utc;

use super::super::identity::{Meanings, Seen, tag};
use super::super::sync::snapshot;
use super::super::work::follow_up;
use super::super::{Pipeline, PipelineError, Task};
use crate::model::{ForgeRepository, JobKind, Repository, RepositoryId, RepositoryStatus};
use crate::store::query::{Discovered, DiscoveredRecord, RepositoryRecord};
use crate::store::{Discovery, NewRepository, Reader, Recorded, StoreError};

const GONE: RepositoryStatus = RepositoryStatus::Gone;
/// Why a repository is not taken that its owner does not show to everybody.
const PRIVATE: &str = "private";

/// One run of a query, as far as it has come.
pub(super) struct Finding {
    hosts: Vec<String>,
    forge: String,
    query: String,
    tag: String,
    /// Whether each was asked for by its name.
    is_named: bool,
    /// What earlier runs found, and why it was not taken; empty: it was.
    known: HashMap<String, String>,
    pub counted: Counted,
}

/// What a run counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Repositories that were not known before.
    pub new: u64,
    pub rejected: u64,
}

impl Finding {
    /// Goes on where an earlier attempt of the same job ended; `since_ms` is when that was asked for, in milliseconds since 1970.
    pub async fn begin(
        reader: &Reader,
        hosts: Vec<String>,
        [forge, query, tag]: [&str; 3],
        is_named: bool,
        since_ms: i64,
    ) -> Result<Self, PipelineError> {
        let (forge, query) = (forge.to_owned(), query.to_owned());
        let known = reader.now(&Discovered { forge: forge.clone(), query: query.clone() }).await?;
        let is_new = |record: &&DiscoveredRecord| record.is_new && record.found_at >= since_ms;
        let counted = Counted { new: known.iter().filter(is_new).count() as u64, rejected: 0 };
        let known = known.into_iter().map(|record| (record.full_name, record.rejected)).collect();
        Ok(Self { hosts, forge, query, tag: tag.to_owned(), is_named, known, counted })
    }

    /// Notes what became of a repository that was found, unless an earlier run had noted the same.
    fn note(
        &mut self,
        full_name: String,
        repository: Result<RepositoryId, &'static str>,
        is_new: bool,
    ) -> Option<Discovery> {
        let rejected = repository.err().unwrap_or_default();
        self.counted.new += u64::from(is_new);
        self.counted.rejected += u64::from(repository.is_err());
        let is_noted = self.known.insert(full_name.clone(), rejected.to_owned()).as_deref() == Some(rejected);
        let (forge, query) = (self.forge.clone(), self.query.clone());
        let found_at_ms = Utc::now().timestamp_millis();
        (!is_noted || is_new).then_some(Discovery { forge, query, full_name, repository, is_new, found_at_ms })
    }
}

/// What is known of the repositories of a page.
struct Page {
    meanings: Meanings,
    records: HashMap<RepositoryId, RepositoryRecord>,
    buried: HashSet<String>,
}

impl Page {
    /// The repository that was found, if it is known.
    fn known(&self, seen: &Seen) -> Option<&RepositoryRecord> {
        let meant = seen.names.aliases.iter().filter_map(|alias| self.records.get(self.meanings.get(alias)?));
        meant.into_iter().find(|record| !seen.is_other_than(&record.to_model()))
    }

    /// The id of one that is not known: what its URL gives, unless that is taken by the one that had the URL before.
    fn new_id(&self, seen: &Seen) -> RepositoryId {
        let ids = seen.names.aliases.iter().filter_map(|alias| self.meanings.get(alias).copied());
        let by_url = RepositoryId::from_alias(&seen.names.url);
        let by_forge = seen.names.aliases.first().map(|alias| RepositoryId::from_alias(alias));
        let mut candidates = ids.chain([by_url]).chain(by_forge);
        candidates.find(|id| !self.records.contains_key(id)).unwrap_or(by_url)
    }

    fn is_buried(&self, seen: &Seen) -> bool {
        seen.names.aliases.iter().any(|alias| self.buried.contains(alias))
    }
}

impl Pipeline {
    /// Takes in a page of what a search found.
    pub(super) async fn take_in(
        &self,
        finding: &mut Finding,
        page: Vec<ForgeRepository>,
        task: &Task,
    ) -> Result<(), PipelineError> {
        let seen: Vec<Seen> = Seen::identify(page, finding.hosts.clone()).await?.into_iter().flatten().collect();
        let page = self.page(&seen).await?;
        let (mut known, mut new, mut hidden, mut notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // The same repository may come twice in a page: by its name, and by one that it had.
        let mut ids = HashSet::new();
        for seen in seen {
            let full_name = format!("{}/{}", seen.repository.owner, seen.repository.name);
            if let Some(record) = page.known(&seen)
                && seen.repository.is_private
                && !(self.is_wanted(&full_name, finding) || self.may_be_private(record))
            {
                notes.extend(finding.note(full_name, Err(PRIVATE), false));
                hidden.push(RepositoryId(record.id));
            } else if let Some(record) = page.known(&seen) {
                notes.extend(finding.note(full_name, Ok(RepositoryId(record.id)), false));
                known.push((record, seen));
            } else if let Some(reason) = self.refusal(&seen, &page, finding) {
                notes.extend(finding.note(full_name, Err(reason), false));
            } else {
                let id = page.new_id(&seen);
                if ids.insert(id) {
                    notes.extend(finding.note(full_name, Ok(id), true));
                    new.push((id, seen));
                }
            }
        }
        self.hide(&page, &hidden).await?;
        self.refresh(finding, &page, known).await?;
        self.add_new(finding, &page, new, task).await?;
        self.writer.discoveries(&notes).await?;
        Ok(())
    }

    async fn page(&self, seen: &[Seen]) -> Result<Page, StoreError> {
        let aliases: Vec<String> = seen.iter().flat_map(|seen| seen.names.aliases.clone()).collect();
        let meanings = self.meanings(aliases.clone()).await?;
        let ids: Vec<RepositoryId> = meanings.values().copied().collect::<HashSet<_>>().into_iter().collect();
        let records = self.records(&ids).await?;
        let records = records.into_iter().map(|record| (RepositoryId(record.id), record)).collect();
        Ok(Page { meanings, records, buried: self.buried(aliases).await? })
    }

    /// Why a repository that is not known is not taken.
    ///
    /// One that is private is taken only when it was asked for by its name: a token may see more than its owner means to publish.
    fn refusal(&self, seen: &Seen, page: &Page, finding: &Finding) -> Option<&'static str> {
        let ForgeRepository { profile, is_private, owner, name, .. } = &seen.repository;
        let full_name = format!("{owner}/{name}");
        if page.is_buried(seen) {
            return Some("removed");
        }
        if self.is_wanted(&full_name, finding) {
            return None;
        }
        let reasons = [
            (*is_private, PRIVATE),
            (profile.is_fork && !self.discovery.forks, "fork"),
            (profile.is_archived && !self.discovery.archived, "archived"),
        ];
        reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
    }

    /// Whether a repository was asked for by its name.
    fn is_wanted(&self, full_name: &str, finding: &Finding) -> bool {
        finding.is_named || self.discovery.repositories.iter().any(|named| named.eq_ignore_ascii_case(full_name))
    }

    /// What became private is gone for us, as a visit finds it; nothing of what a token still sees of it is noted.
    async fn hide(&self, page: &Page, ids: &[RepositoryId]) -> Result<(), StoreError> {
        let is_gone = |id: &RepositoryId| page.records.get(id).is_some_and(|known| known.status() == GONE);
        let ids: Vec<RepositoryId> = ids.iter().copied().filter(|id| !is_gone(id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let hide = |repository: &mut Repository| {
            if repository.status != RepositoryStatus::Blocked {
                repository.status = GONE;
            }
            None
        };
        self.change(&ids, hide).await.map(drop)
    }

    /// Notes the query with repositories that were known, and what their forge says of them now. Those that stay as they are stay
    /// untouched.
    async fn refresh(
        &self,
        finding: &Finding,
        page: &Page,
        known: Vec<(&RepositoryRecord, Seen)>,
    ) -> Result<(), PipelineError> {
        let mut changed: HashMap<RepositoryId, (bool, Seen)> = HashMap::new();
        for (record, seen) in known {
            let before = record.to_model();
            let after = self.refreshed(before.clone(), finding, &seen, record.generation > 0);
            if after == before {
                continue;
            }
            if seen.repository.id.is_some() {
                self.settle(before.id, &seen.names, &page.meanings).await?;
            }
            changed.insert(before.id, (record.generation > 0, seen));
        }
        let ids: Vec<RepositoryId> = changed.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let change = |repository: &mut Repository| {
            let (is_scanned, seen) = changed.get(&repository.id)?;
            *repository = self.refreshed(repository.clone(), finding, seen, *is_scanned);
            None
        };
        self.change(&ids, change).await?;
        Ok(())
    }

    fn refreshed(&self, mut repository: Repository, finding: &Finding, seen: &Seen, is_scanned: bool) -> Repository {
        seen.describe(&mut repository);
        tag(&mut repository, &finding.tag);
        if repository.status == GONE && seen.repository.id.is_some() {
            repository.status = self.status_of(&repository, &seen.repository.metrics, is_scanned);
            repository.next_sync_at_ms = None;
        }
        repository
    }

    /// Stores repositories that were not known, with a first snapshot of what the search told of them, and asks for their fetch.
    async fn add_new(
        &self,
        finding: &Finding,
        page: &Page,
        new: Vec<(RepositoryId, Seen)>,
        task: &Task,
    ) -> Result<(), PipelineError> {
        let now_ms = Utc::now().timestamp_millis();
        let mut rows = Vec::new();
        for (id, seen) in &new {
            let mut repository = Repository::discovered(*id, &seen.names.url, now_ms);
            seen.describe(&mut repository);
            tag(&mut repository, &finding.tag);
            let ForgeRepository { id: forge_id, metrics, .. } = &seen.repository;
            let mut recorded = Recorded::default();
            if forge_id.is_some() {
                repository.status = self.status_of(&repository, metrics, false);
                recorded.metrics = Some(snapshot(*id, metrics, None, None, now_ms));
            }
            let fresh = seen.names.aliases.iter().filter(|alias| !page.meanings.contains_key(*alias));
            rows.push(NewRepository { repository, aliases: fresh.cloned().collect(), recorded });
        }
        let stored = self.writer.add_repositories(&self.reader, rows).await?;
        for (id, seen) in &new {
            // Fresh aliases are stored; what is left are names that belonged to others.
            let mut taken = seen.names.clone();
            taken.aliases.retain(|alias| page.meanings.contains_key(alias));
            self.settle(*id, &taken, &page.meanings).await?;
        }
        for repository in stored.iter().filter(|repository| repository.status == RepositoryStatus::Pending) {
            follow_up(task, JobKind::Sync, repository.id, true);
        }
        Ok(())
    }
}
