//! What a forge says of a repository.

/// The id that a forge gave a repository: it stays when the repository is renamed or goes to another owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForgeId {
    /// The forge's host: `github.com`; `local` for folders and lists.
    pub forge: String,
    /// As the forge writes it. GitHub: the numeric id.
    pub id: String,
}

impl ForgeId {
    /// The alias that finds a repository by its forge's id; no URL and no path looks like it.
    pub fn alias(&self) -> String {
        format!("{}#{}", self.forge, self.id)
    }
}

/// A repository as its forge describes it at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct ForgeRepository {
    /// None where the forge gives no ids (folders and lists).
    pub id: Option<ForgeId>,
    /// GitHub's `node_id`, by which repositories are asked for in batches.
    pub node_id: Option<String>,
    pub owner: String,
    pub name: String,
    /// What git clones: an https URL without credentials, or a path.
    pub clone_url: String,
    pub profile: Profile,
    pub metrics: ForgeMetrics,
    pub is_private: bool,
}

/// What is known of a repository beside its content: the newest description counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub description: Option<String>,
    /// SPDX id; `NOASSERTION` where the forge finds a license it does not know.
    pub license: Option<String>,
    /// The language with most bytes.
    pub language: Option<String>,
    pub topics: Vec<String>,
    pub default_branch: String,
    /// Seconds since 1970.
    pub created_at: Option<i64>,
    pub is_archived: bool,
    pub is_fork: bool,
    pub is_template: bool,
}

/// What a forge counts of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgeMetrics {
    pub stars: u64,
    pub forks: u64,
    /// Subscribers. None where the answer does not tell them: a search of GitHub's calls stars watchers.
    pub watchers: Option<u64>,
    /// Open issues; GitHub's REST API counts pull requests among them.
    pub open_issues: u64,
    /// KiB.
    pub size_kb: u64,
    /// Bytes of code by language, most first. None where the answer does not tell them.
    pub languages: Option<Vec<(String, u64)>>,
    /// Seconds since 1970.
    pub pushed_at: Option<i64>,
    /// Seconds since 1970.
    pub updated_at: Option<i64>,
}

/// What is left of one budget of a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub forge: String,
    /// `core`, `search`, `graphql`, `secondary`.
    pub resource: String,
    pub limit: u64,
    pub remaining: u64,
    /// Seconds since 1970.
    pub resets_at: i64,
}
