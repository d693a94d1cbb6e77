//! Repositories and how far they are scanned.

use super::{ForgeId, Profile, Quality, RepositoryId, RepositoryMetrics, RunId, Step};

/// How the last scan or sync of a repository ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// There was none that came to its end.
    Pending,
    Succeeded,
    Failed,
}

/// What kubestats does with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryStatus {
    /// Known, and not scanned yet.
    Pending,
    /// Synced and scanned.
    Active,
    /// Too large to be fetched without somebody's approval.
    PendingApproval,
    /// Somebody wants it left alone; what is stored stays.
    Blocked,
    /// Its forge has it no more, or only for others; what is stored stays.
    Gone,
}

impl RepositoryStatus {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::PendingApproval, Self::Blocked, Self::Gone];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::PendingApproval => "PENDING_APPROVAL",
            Self::Blocked => "BLOCKED",
            Self::Gone => "GONE",
        }
    }
}

/// How the last run of one kind ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    pub status: RunStatus,
    /// When it ended, in milliseconds since 1970; `None` until the first one ends.
    pub at_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Default for LastRun {
    fn default() -> Self {
        Self { status: RunStatus::Pending, at_ms: None, error: None }
    }
}

/// One Git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub id: RepositoryId,
    /// Where it lives: the host of its URL, or `local`.
    pub forge: String,
    pub owner: String,
    pub name: String,
    /// Normalised URL without credentials, or the canonical path of a repository without a remote.
    pub url: String,
    /// Milliseconds since 1970.
    pub discovered_at_ms: i64,
    pub status: RepositoryStatus,
    /// Somebody approved of its size: it is not asked about again.
    pub is_approved: bool,
    /// `None` until its forge was asked, and where the forge gives no ids.
    pub forge_id: Option<ForgeId>,
    /// GitHub's `node_id`.
    pub node_id: Option<String>,
    /// The default branch is empty until the first mirror or sync.
    pub profile: Profile,
    /// What led to its discovery, sorted: `topic:kubesearch`, `list`, `added by hand`.
    pub discovery_tags: Vec<String>,
    pub quality: Quality,
    /// The newest snapshot.
    pub metrics: Option<RepositoryMetrics>,
    pub sync: LastRun,
    /// Visits that failed, one after the other up to now.
    pub failed_syncs: u32,
    pub scan: LastRun,
    /// The clock visits it then, in milliseconds since 1970; `None`: as soon as it can.
    pub next_sync_at_ms: Option<i64>,
}

impl Repository {
    /// A repository seen for the first time under `alias` (a normalised URL or a canonical path).
    ///
    /// `https://HOST/OWNER/NAME` names forge, owner and name. A path gives its last part as the name; a name of the form
    /// `OWNER--NAME` is read as both (no forge allows `--` in an owner's name, so it is how mirrors are flattened),
    /// otherwise the folder above is the owner.
    pub fn discovered(id: RepositoryId, alias: &str, now_ms: i64) -> Self {
        let (forge, owner, name) = names(alias);
        Self {
            id,
            forge,
            owner,
            name,
            url: alias.to_owned(),
            discovered_at_ms: now_ms,
            status: RepositoryStatus::Pending,
            is_approved: false,
            forge_id: None,
            node_id: None,
            profile: Profile::default(),
            discovery_tags: Vec::new(),
            quality: Quality::default(),
            metrics: None,
            sync: LastRun::default(),
            failed_syncs: 0,
            scan: LastRun::default(),
            next_sync_at_ms: None,
        }
    }

    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// What of a repository can change under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedField {
    /// Owner and name: renamed, or given to another owner.
    FullName,
    DefaultBranch,
    Archived,
    Fork,
    Status,
}

/// A change of a repository itself, not of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryChange {
    pub repository: RepositoryId,
    /// When kubestats noticed it, in milliseconds since 1970.
    pub recorded_at_ms: i64,
    pub field: ChangedField,
    pub before: String,
    pub after: String,
}

fn names(alias: &str) -> (String, String, String) {
    if let Some((_, rest)) = alias.split_once("://") {
        let mut parts = rest.splitn(2, '/');
        let host = parts.next().unwrap_or_default();
        let path = parts.next().unwrap_or_default();
        let (owner, name) = path.rsplit_once('/').unwrap_or(("", path));
        return (host.to_owned(), owner.to_owned(), name.to_owned());
    }
    let path = alias.strip_suffix("/.git").unwrap_or(alias);
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.strip_suffix(".bundle").or_else(|| file.strip_suffix(".git")).unwrap_or(file);
    let (owner, name) = match stem.split_once("--") {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() => (owner, name),
        _ => (folder.rsplit('/').next().unwrap_or_default(), stem),
    };
    ("local".to_owned(), owner.to_owned(), name.to_owned())
}

/// Totals over a repository's whole walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Commits that touch YAML.
    pub commits: u64,
    pub created: u64,
    pub modified: u64,
    pub deleted: u64,
    /// Moves; they are among `modified`.
    pub moved: u64,
    /// Resources alive at the checkpoint.
    pub resources: u64,
    /// Files that hold them.
    pub files: u64,
    /// Versions of files that could not be read as YAML.
    pub unparsable_versions: u64,
}

impl Totals {
    pub fn events(&self) -> u64 {
        self.created + self.modified + self.deleted
    }
}

/// The commit up to which a repository's events are stored. Readers see what a published checkpoint covers.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub repository: RepositoryId,
    /// Counts the times the history was read from the start.
    pub generation: u32,
    /// Last sequence that is covered.
    pub sequence: u64,
    /// The head of the default branch at the time of the scan.
    pub head: Step,
    pub branch: String,
    /// Version of the rules by which the events were extracted.
    pub extractor_version: u32,
    pub totals: Totals,
    pub run: RunId,
}

#[cfg(test)]
mod tests {
    use super::names;

    fn check(alias: &str, expected: [&str; 3]) {
        let (forge, owner, name) = names(alias);
        assert_eq!([forge, owner, name], expected, "{alias}");
    }

    #[test]
    fn aliases_name_forge_owner_and_name() {
        check("https://github.com/onedr0p/home-ops", ["github.com", "onedr0p", "home-ops"]);
        check("https://gitlab.com/group/sub/name", ["gitlab.com", "group/sub", "name"]);
        check("/srv/git/onedr0p--home-ops.bundle", ["local", "onedr0p", "home-ops"]);
        check("/srv/git/cluster.git", ["local", "git", "cluster"]);
        check("/home/me/cluster", ["local", "me", "cluster"]);
    }
}
