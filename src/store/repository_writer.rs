//! Writes what becomes of repositories themselves: their description, snapshots, changes, and their end.

use futures_util::FutureExt;

use super::query::{Filter, Operator, Repositories, RepositoryField};
use super::repository_rows::{MetricsRow, RepositoryChangeRow, RepositoryRow, TombstoneRow};
use super::rows::AliasRow;
use super::run::SCAN_TABLES;
use super::writer::version_after;
use super::{Reader, StoreError, Writer};
use crate::model::{Checkpoint, JobId, Repository, RepositoryChange, RepositoryId, RepositoryMetrics};

/// Where a repository's own row is, with the column of its id. It goes first: readers see nothing of a repository without it.
const REPOSITORY_ROW: (&str, &str) = ("repositories", "id");
/// Other tables beside those of scans that hold rows of a repository.
const REPOSITORY_TABLES: [(&str, &str); 4] = [
    ("checkpoints", "repository_id"),
    ("repository_metrics", "repository_id"),
    ("repository_changes", "repository_id"),
    ("discoveries", "repository_id"),
];

/// What is stored beside a repository's own row.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub metrics: Option<RepositoryMetrics>,
    pub changes: Vec<RepositoryChange>,
}

/// A repository that is seen for the first time.
#[derive(Clone, Debug)]
pub struct NewRepository {
    pub repository: Repository,
    pub aliases: Vec<String>,
    pub recorded: Recorded,
}

impl Writer {
    /// Changes repositories as they are stored now, whatever others on this machine changed meanwhile, and answers what they are
    /// afterwards. All of it becomes visible at once. Ids that are not known are left out.
    ///
    /// # Errors
    /// When ClickHouse fails, as all methods below.
    pub async fn update_repositories(
        &self,
        reader: &Reader,
        ids: &[RepositoryId],
        mut change: impl FnMut(&mut Repository) -> Recorded + Send,
    ) -> Result<Vec<Repository>, StoreError> {
        let _publishing = self.publishing().await?;
        let ids = ids.iter().map(ToString::to_string).collect();
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(ids));
        let newest = reader.snapshot().await?;
        let known = newest.fetch(&Repositories { filter, page: None }).await?;
        let mut repositories: Vec<Repository> = known.iter().map(|record| record.to_model()).collect();
        let recorded: Vec<Recorded> = repositories.iter_mut().map(&mut change).collect();
        self.store_repositories(newest.version(), &mut repositories, &recorded).await?;
        Ok(repositories)
    }

    /// Stores repositories that are not known yet, with the aliases that mean them and what is recorded of them; one that became known
    /// meanwhile stays as it is. All of it becomes visible at once. Answers those that were stored.
    pub async fn add_repositories(
        &self,
        reader: &Reader,
        new: Vec<NewRepository>,
    ) -> Result<Vec<Repository>, StoreError> {
        let _publishing = self.publishing().await?;
        let ids = new.iter().map(|new| new.repository.id.to_string()).collect();
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(ids));
        let newest = reader.snapshot().await?;
        let known = newest.fetch(&Repositories { filter, page: None }).await?;
        let is_new = |new: &NewRepository| known.iter().all(|known| known.id != new.repository.id.0);
        let new: Vec<NewRepository> = new.into_iter().filter(is_new).collect();
        // Aliases come first: one whose repository is not there yet only fixes the id that it will have.
        let aliases = new.iter().flat_map(|new| new.aliases.iter().map(|alias| (alias.as_str(), new.repository.id)));
        self.add_aliases(aliases.collect()).await?;
        let (mut repositories, recorded): (Vec<Repository>, Vec<Recorded>) =
            new.into_iter().map(|new| (new.repository, new.recorded)).unzip();
        self.store_repositories(newest.version(), &mut repositories, &recorded).await?;
        Ok(repositories)
    }

    /// Makes each alias mean its repository, where it means none yet.
    pub async fn add_aliases(&self, aliases: Vec<(&str, RepositoryId)>) -> Result<(), StoreError> {
        if aliases.is_empty() {
            return Ok(());
        }
        let rows = aliases.into_iter().map(|(alias, id)| AliasRow { alias, repository_id: id.0 });
        let rows: Vec<AliasRow<'_>> = rows.collect();
        self.store.insert::<AliasRow<'_>>("repository_aliases", "", rows).boxed().await
    }

    /// Makes an alias mean another repository than before: the name of one that was renamed was given to a new one.
    pub async fn move_alias(&self, alias: &str, to: RepositoryId) -> Result<(), StoreError> {
        // The alias comes from outside: in hexadecimal digits it cannot be anything but text.
        let digits: String = alias.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.delete("repository_aliases", &format!("alias = unhex('{digits}') AND repository_id != '{to}'")).await?;
        self.add_aliases(vec![(alias, to)]).await
    }

    /// Removes rows of scans of repositories that their checkpoints do not cover (`None`: it has none) and that were stored before a time,
    /// in milliseconds since 1970. Whether of one or of many: it takes ClickHouse a second to remove events.
    pub async fn clear_strays_before(
        &self,
        strays: &[(RepositoryId, Option<Checkpoint>)],
        before_ms: i64,
    ) -> Result<(), StoreError> {
        if strays.is_empty() {
            return Ok(());
        }
        let unseen = |(id, checkpoint): &(RepositoryId, Option<Checkpoint>)| {
            let covered = checkpoint.as_ref().map(|checkpoint| (checkpoint.generation, checkpoint.sequence));
            let (generation, sequence) = covered.unwrap_or_default();
            format!("(repository_id = '{id}' AND (generation != {generation} OR sequence > {sequence}))")
        };
        let unseen: Vec<String> = strays.iter().map(unseen).collect();
        let old = format!("recorded_at < fromUnixTimestamp64Milli({before_ms})");
        self.clear_where(&format!("({}) AND {old}", unseen.join(" OR "))).await
    }

    /// Removes snapshots of before `daily_ms` (milliseconds since 1970, a midnight) that are not the last of their day; of before
    /// `weekly_ms` (a Monday's midnight) not even those, but for the last of their week and of days on which stars, forks or watchers
    /// changed. Answers how many.
    pub async fn thin_metrics(&self, daily_ms: i64, weekly_ms: i64) -> Result<u64, StoreError> {
        let before = |ms: i64| format!("recorded_at < fromUnixTimestamp64Milli({ms})");
        let (daily, weekly) = (before(daily_ms), before(weekly_ms));
        let last = format!(
            "SELECT repository_id, max(recorded_at) FROM repository_metrics WHERE {daily} \
             GROUP BY repository_id, if({weekly}, toMonday(recorded_at), toDate(recorded_at))"
        );
        let days = format!(
            "SELECT repository_id, max(recorded_at) AS at, \
             argMax((stars, forks, ifNull(watchers, 0)), recorded_at) AS counts \
             FROM repository_metrics WHERE {weekly} GROUP BY repository_id, toDate(recorded_at)"
        );
        let changed = format!(
            "SELECT repository_id, at FROM (SELECT repository_id, at, counts, lagInFrame(counts) OVER \
             (PARTITION BY repository_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS earlier \
             FROM ({days})) WHERE counts != earlier"
        );
        let condition = format!("{daily} AND (repository_id, recorded_at) NOT IN ({last} UNION ALL {changed})");
        let count = format!("SELECT count() FROM repository_metrics WHERE {condition}");
        let found = self.store.rows::<u64>(&count).await?.first().copied().unwrap_or_default();
        // A mutation writes the parts anew that hold such rows.
        if found > 0 {
            self.delete("repository_metrics", &condition).await?;
        }
        Ok(found)
    }

    /// Stores rows beside repositories first: they are visible when the repositories' own row, which takes the newest snapshot with it,
    /// has moved the version, which was `newest` before.
    async fn store_repositories(
        &self,
        newest: u64,
        repositories: &mut [Repository],
        recorded: &[Recorded],
    ) -> Result<(), StoreError> {
        if repositories.is_empty() {
            return Ok(());
        }
        for (repository, recorded) in repositories.iter_mut().zip(recorded) {
            let is_newer = |metrics: &&RepositoryMetrics| {
                repository.metrics.as_ref().is_none_or(|known| known.recorded_at_ms <= metrics.recorded_at_ms)
            };
            if let Some(metrics) = recorded.metrics.as_ref().filter(is_newer) {
                repository.metrics = Some(metrics.clone());
            }
        }
        let version = version_after(newest);
        let metrics: Vec<MetricsRow<'_>> =
            recorded.iter().filter_map(|one| one.metrics.as_ref()).map(|one| MetricsRow::new(version, one)).collect();
        if !metrics.is_empty() {
            let token = format!("metrics/{version}");
            self.store.insert::<MetricsRow<'_>>("repository_metrics", &token, metrics).boxed().await?;
        }
        let changes: Vec<RepositoryChangeRow<'_>> =
            recorded.iter().flat_map(|one| &one.changes).map(|one| RepositoryChangeRow::new(version, one)).collect();
        if !changes.is_empty() {
            // The table knows no tokens: one that is stored twice is read once.
            let token = format!("changes/{version}");
            self.store.insert::<RepositoryChangeRow<'_>>("repository_changes", &token, changes).boxed().await?;
        }
        let rows = repositories.iter().map(|repository| RepositoryRow::new(version, repository));
        // A row that is stored twice is one. Whoever repeats the whole after a failure takes a snapshot of its own, and records the changes
        // again, which are read once.
        let token = format!("repositories/{version}");
        self.store.insert::<RepositoryRow<'_>>("repositories", &token, rows).boxed().await?;
        self.store.note_publication();
        Ok(())
    }

    /// Notes that whatever has one of these aliases was removed (or, with `is_buried` false, was added again by hand).
    pub async fn bury(&self, aliases: &[String], is_buried: bool) -> Result<(), StoreError> {
        if aliases.is_empty() {
            return Ok(());
        }
        let _publishing = self.publishing().await?;
        self.store_tombstones(aliases, is_buried).await
    }

    /// The version of the data moves.
    async fn store_tombstones(&self, aliases: &[String], is_buried: bool) -> Result<(), StoreError> {
        let updated_at = i64::try_from(self.next_version().await?).unwrap_or(i64::MAX);
        let rows = aliases.iter().map(|alias| TombstoneRow { alias, is_buried, updated_at });
        self.store.insert::<TombstoneRow<'_>>("tombstones", "", rows).boxed().await?;
        self.store.note_publication();
        Ok(())
    }

    /// Removes a repository and everything it had, but for its aliases, which the caller has buried, and `job`, which does it. Repeated,
    /// it removes what was left.
    pub async fn delete_repository(&self, id: RepositoryId, aliases: &[String], job: JobId) -> Result<(), StoreError> {
        let (repositories, column) = REPOSITORY_ROW;
        let publishing = self.publishing().await?;
        // Who changes it now has read it before this, and is done; who comes later reads that it is gone.
        self.delete(repositories, &format!("{column} = '{id}'")).await?;
        self.store_tombstones(aliases, true).await?;
        drop(publishing);
        let scanned = SCAN_TABLES.into_iter().map(|table| (table, "repository_id"));
        for (table, column) in REPOSITORY_TABLES.into_iter().chain(scanned) {
            self.delete(table, &format!("{column} = '{id}'")).await?;
        }
        let its_jobs = format!("SELECT id FROM jobs WHERE repository_id = '{id}' AND id != '{job}'");
        self.delete("job_log", &format!("job_id IN ({its_jobs})")).await?;
        self.delete("jobs", &format!("repository_id = '{id}' AND id != '{job}'")).await
    }

    /// Removes the aliases of a repository, when nothing else is left of it: they say what is still to be buried.
    pub async fn delete_aliases(&self, id: RepositoryId) -> Result<(), StoreError> {
        self.delete("repository_aliases", &format!("repository_id = '{id}'")).await
    }
}
