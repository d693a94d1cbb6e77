//! Which repository something means: by the id of its forge first, then by its URL or path.

use std::collections::{HashMap, HashSet};

use chrono::Utc;

use super::scan::blocking;
use super::{Pipeline, PipelineError};
use crate::forge::Forge;
use crate::git::{self, GitError, Remote};
use crate::model::{
    ChangedField, ForgeRepository, Repository, RepositoryChange, RepositoryId, RepositoryMetrics, RepositoryStatus,
};
use crate::store::query::{
    Buried, Filter, Operator, Repositories, RepositoriesByAlias, RepositoryField, RepositoryRecord,
};
use crate::store::{NewRepository, Recorded, StoreError};

/// The tag of what somebody added.
pub(super) const BY_HAND: &str = "added by hand";
/// The repositories that aliases mean.
pub(super) type Meanings = HashMap<String, RepositoryId>;

/// The names of a repository.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The normalised URL, or the canonical path of something without a remote.
    pub url: String,
    /// Everything that means it, the surest first.
    pub aliases: Vec<String>,
}

/// A repository that a forge told of.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub repository: ForgeRepository,
    pub names: Names,
}

impl Names {
    /// The names of a source. Runs git for a local repository.
    fn of(remote: &Remote, hosts: &[String]) -> Result<Self, GitError> {
        let url = remote.alias()?;
        let mut aliases = vec![url.clone()];
        // Forges do not tell names apart by case; other servers may.
        let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        if host.is_some_and(|host| hosts.iter().any(|known| known == host)) {
            aliases.push(url.to_lowercase());
        }
        if let Remote::Path(path) | Remote::Bundle(path) = remote
            && let Ok(path) = path.canonicalize()
        {
            aliases.push(path.to_string_lossy().into_owned());
        }
        let mut known = HashSet::new();
        aliases.retain(|alias| known.insert(alias.clone()));
        Ok(Self { url, aliases })
    }

    /// # Errors
    /// When it is a page of a forge that no repository has: something within one, or somebody's own.
    fn check(&self, hosts: &[String]) -> Result<(), PipelineError> {
        let Some((host, path)) = self.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')) else {
            return Ok(());
        };
        match hosts.iter().any(|known| known == host) && path.split('/').count() != 2 {
            true => Err(PipelineError::NoName { url: self.url.clone(), forge: host.to_owned() }),
            false => Ok(()),
        }
    }
}

impl Seen {
    /// Each with its names; `None` where the place to clone from means no single repository.
    pub async fn identify(found: Vec<ForgeRepository>, hosts: Vec<String>) -> Result<Vec<Option<Self>>, PipelineError> {
        blocking(move || {
            let seen = |repository: ForgeRepository| {
                let mut remotes = git::classify(&repository.clone_url).ok()?;
                let remote = remotes.pop().filter(|_| remotes.is_empty())?;
                let mut names = Names::of(&remote, &hosts).ok()?;
                names.aliases.splice(0..0, repository.id.as_ref().map(crate::model::ForgeId::alias));
                Some(Self { repository, names })
            };
            Ok(found.into_iter().map(seen).collect())
        })
        .await
    }

    /// Whether a repository that a name leads to is another one: its name was given to somebody else.
    pub fn is_other_than(&self, known: &Repository) -> bool {
        matches!((&self.repository.id, &known.forge_id), (Some(seen), Some(known)) if seen != known)
    }

    /// Notes in a repository what its forge says of it. A place without a forge says nothing.
    pub fn describe(&self, repository: &mut Repository) {
        let Some(id) = &self.repository.id else { return };
        let seen = &self.repository;
        repository.forge.clone_from(&id.forge);
        repository.forge_id = Some(id.clone());
        repository.node_id.clone_from(&seen.node_id);
        repository.owner.clone_from(&seen.owner);
        repository.name.clone_from(&seen.name);
        repository.url.clone_from(&self.names.url);
        let branch = std::mem::take(&mut repository.profile.default_branch);
        repository.profile = seen.profile.clone();
        if repository.profile.default_branch.is_empty() {
            repository.profile.default_branch = branch;
        }
    }
}

/// The hosts of forges.
pub(super) fn hosts<F: Forge>(forges: &[F]) -> Vec<String> {
    forges.iter().map(|forge| forge.host().to_owned()).collect()
}

/// Adds a tag; they stay sorted.
pub(super) fn tag(repository: &mut Repository, tag: &str) {
    if let Err(place) = repository.discovery_tags.binary_search_by(|known| known.as_str().cmp(tag)) {
        repository.discovery_tags.insert(place, tag.to_owned());
    }
}

/// What of a repository itself changed. What was not known before has not changed.
fn changes_between(before: &Repository, after: &Repository, now_ms: i64) -> Vec<RepositoryChange> {
    let (old, new) = (&before.profile, &after.profile);
    let told = |value: bool| value.to_string();
    let fields = [
        (ChangedField::FullName, before.full_name(), after.full_name()),
        (ChangedField::DefaultBranch, old.default_branch.clone(), new.default_branch.clone()),
        (ChangedField::Archived, told(old.is_archived), told(new.is_archived)),
        (ChangedField::Fork, told(old.is_fork), told(new.is_fork)),
        (ChangedField::Status, before.status.as_str().to_owned(), after.status.as_str().to_owned()),
    ];
    // Until a forge has described it, whether it is archived or a fork was not known, and its name was somebody's word.
    let first = before.forge_id.is_none() && after.forge_id.is_some();
    let is_known =
        |field| !(first && matches!(field, ChangedField::FullName | ChangedField::Archived | ChangedField::Fork));
    let fields =
        fields.into_iter().filter(|(field, before, after)| before != after && !before.is_empty() && is_known(*field));
    let repository = after.id;
    let change = |(field, before, after)| RepositoryChange { repository, recorded_at_ms: now_ms, field, before, after };
    fields.map(change).collect()
}

impl Pipeline {
    /// Changes repositories as they are stored now, records what of them changed, and a snapshot where the change answers one.
    pub(super) async fn change(
        &self,
        ids: &[RepositoryId],
        mut change: impl FnMut(&mut Repository) -> Option<RepositoryMetrics> + Send,
    ) -> Result<Vec<Repository>, StoreError> {
        let now_ms = Utc::now().timestamp_millis();
        let recording = |repository: &mut Repository| {
            let before = repository.clone();
            let metrics = change(repository);
            Recorded { metrics, changes: changes_between(&before, repository, now_ms) }
        };
        self.writer.update_repositories(&self.reader, ids, recording).await
    }

    /// Repositories by their ids, as they are now; those that are not known are left out.
    pub(super) async fn records(&self, ids: &[RepositoryId]) -> Result<Vec<RepositoryRecord>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.iter().map(ToString::to_string).collect();
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(ids));
        Ok(self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?.to_vec())
    }

    /// What aliases mean, as far as they mean anything.
    pub(super) async fn meanings(&self, aliases: Vec<String>) -> Result<Meanings, StoreError> {
        let records = self.reader.now(&RepositoriesByAlias { aliases }).await?;
        Ok(records.into_iter().map(|record| (record.alias, RepositoryId(record.repository_id))).collect())
    }

    /// Which of some aliases belong to a repository that was removed.
    pub(super) async fn buried(&self, aliases: Vec<String>) -> Result<HashSet<String>, StoreError> {
        Ok(self.reader.now(&Buried { aliases }).await?.into_iter().collect())
    }

    /// Makes the names that a forge gives a repository mean it, also those that meant another one before.
    pub(super) async fn settle(&self, id: RepositoryId, names: &Names, meanings: &Meanings) -> Result<(), StoreError> {
        let fresh = names.aliases.iter().filter(|alias| !meanings.contains_key(*alias));
        self.writer.add_aliases(fresh.map(|alias| (alias.as_str(), id)).collect()).await?;
        for alias in names.aliases.iter().filter(|alias| meanings.get(*alias).is_some_and(|other| *other != id)) {
            self.writer.move_alias(alias, id).await?;
        }
        Ok(())
    }

    /// The repository that a source means; a new one is stored. Whoever names it wants it, also when it is private.
    ///
    /// # Errors
    /// When it cannot be told which it is, or ClickHouse fails.
    pub async fn repository_of(&self, remote: &Remote) -> Result<Repository, PipelineError> {
        let (remote, hosts) = (remote.clone(), hosts(&self.forges));
        let names = blocking(move || {
            let names = Names::of(&remote, &hosts)?;
            names.check(&hosts)?;
            Ok(names)
        })
        .await?;
        let meanings = self.meanings(names.aliases.clone()).await?;
        let meant: Vec<RepositoryId> = names.aliases.iter().filter_map(|alias| meanings.get(alias).copied()).collect();
        let known = self.records(&meant).await?;
        if let Some(known) = meant.iter().find_map(|id| known.iter().find(|known| known.id == id.0)) {
            let id = RepositoryId(known.id);
            if known.discovery_tags.iter().any(|tag| tag == BY_HAND) {
                return Ok(known.to_model());
            }
            let wanted = |repository: &mut Repository| {
                tag(repository, BY_HAND);
                None
            };
            return self.change(&[id], wanted).await?.pop().ok_or(PipelineError::UnknownRepository(id));
        }
        // Who names a repository that was removed wants it back.
        let buried: Vec<String> = self.buried(names.aliases.clone()).await?.into_iter().collect();
        self.writer.bury(&buried, false).await?;
        let id = meant.first().copied().unwrap_or_else(|| RepositoryId::from_alias(&names.url));
        let mut repository = Repository::discovered(id, &names.url, Utc::now().timestamp_millis());
        tag(&mut repository, BY_HAND);
        let new =
            NewRepository { repository: repository.clone(), aliases: names.aliases, recorded: Recorded::default() };
        self.writer.add_repositories(&self.reader, vec![new]).await?;
        let stored = self.records(&[id]).await?;
        Ok(stored.first().map_or(repository, RepositoryRecord::to_model))
    }

    /// The repository that a URL or path means, even while it is being removed; `None`: none yet.
    ///
    /// # Errors
    /// When the text means no single repository, or ClickHouse fails.
    pub async fn meaning(&self, url: &str) -> Result<Option<RepositoryId>, PipelineError> {
        let (remote, hosts) = (only_remote(url).await?, hosts(&self.forges));
        let aliases = blocking(move || Ok(Names::of(&remote, &hosts)?)).await?.aliases;
        let meanings = self.meanings(aliases.clone()).await?;
        Ok(aliases.iter().find_map(|alias| meanings.get(alias).copied()))
    }

    /// The repository of a URL, or of a path on this machine: the known one, or a new one. One that was removed comes back.
    ///
    /// # Errors
    /// When the text means no single repository, or ClickHouse fails.
    pub async fn add_repository(&self, url: &str) -> Result<Repository, PipelineError> {
        self.repository_of(&only_remote(url).await?).await
    }

    /// Leaves a repository alone from now on; what is stored stays. `None`: there is none with this id.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn block_repository(&self, id: RepositoryId) -> Result<Option<Repository>, PipelineError> {
        let block = |repository: &mut Repository| {
            repository.status = RepositoryStatus::Blocked;
            None
        };
        Ok(self.change(&[id], block).await?.pop())
    }

    /// Approves of a repository's size, once and for all, or lets a blocked one be visited again. `None`: there is none with this id.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn approve_repository(&self, id: RepositoryId) -> Result<Option<Repository>, PipelineError> {
        let is_scanned = self.reader.checkpoint(id).await?.is_some();
        let approve = |repository: &mut Repository| {
            repository.is_approved = true;
            if matches!(repository.status, RepositoryStatus::PendingApproval | RepositoryStatus::Blocked) {
                repository.status = scanned_status(is_scanned);
                repository.next_sync_at_ms = None;
            }
            None
        };
        Ok(self.change(&[id], approve).await?.pop())
    }
}

/// The one source that a URL or path means.
async fn only_remote(url: &str) -> Result<Remote, PipelineError> {
    let source = url.to_owned();
    let mut remotes = blocking(move || Ok(git::classify(&source)?)).await?;
    match remotes.pop() {
        Some(remote) if remotes.is_empty() => Ok(remote),
        _ => Err(PipelineError::Several(url.to_owned())),
    }
}

/// The status of a repository that nothing speaks against.
pub(super) const fn scanned_status(is_scanned: bool) -> RepositoryStatus {
    if is_scanned { RepositoryStatus::Active } else { RepositoryStatus::Pending }
}
