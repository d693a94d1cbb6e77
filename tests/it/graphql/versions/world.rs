//! Releases of a dozen repositories over a year, made up from a fixed seed and stored in a database of their own: enough of them that versions
//! arrive early, late and never. What they install at a time is told here in the plainest way.

use std::fmt::Write;
use std::sync::OnceLock;

use kubestats::store::{Reader, ReaderOptions, Store, migrate};
use serde_json::Value;

use crate::graphql::support::{respond_through, world};

pub const DAY: i64 = 86_400;
/// 2024-01-01T00:00:00Z.
const BEGINNING: i64 = 1_704_067_200;
const DATABASE: &str = "versions";
const REPOSITORIES: usize = 12;
const CHARTS: [(&str, &str); 5] = [
    ("app", "charts.example/stable/app"),
    ("app", "ghcr.io/example/app"),
    ("database", "charts.example/stable/database"),
    ("proxy", "charts.example/stable/proxy"),
    ("rest", ""),
];
const VERSIONS: [&str; 14] = [
    "1.0.0", "1.0.1", "1.1.0", "v1.1.0", "1.9.0", "1.10.0", "2.0.0", "2.0.1", "2.1.0", "v2.1.0", "2.1.1", "3.0.0",
    "^1.0", "*",
];
const KEYS: [&str; 6] =
    ["image.repository", "image.tag", "ingress.enabled", "ingress.hosts[].host", "env.TZ", "replicas"];

/// What a release installs from one time on.
#[derive(Clone, Debug)]
pub struct Row {
    pub repository: usize,
    pub release: usize,
    sequence: usize,
    pub time: i64,
    alive: bool,
    pub name: &'static str,
    pub identity: &'static str,
    pub version: &'static str,
    is_patch: bool,
    is_vendored: bool,
    pub keys: Vec<&'static str>,
}

pub struct Versions {
    reader: Reader,
    /// Those that readers see, in the order of the walks.
    rows: Vec<Row>,
}

/// The database with its rows; the first caller fills it.
pub fn versions() -> &'static Versions {
    static VERSIONS: OnceLock<Versions> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let rows = made_up();
        world().block_on(store(&rows));
        let is_seen = |row: &&Row| row.sequence <= published(row.repository);
        Versions {
            reader: world().reader_of(DATABASE, ReaderOptions::default()),
            rows: rows.iter().filter(is_seen).cloned().collect(),
        }
    })
}

impl Versions {
    /// The data of an answer that has no errors.
    #[track_caller]
    pub fn ask(&self, document: &str, variables: Value) -> Value {
        let mut response = respond_through(&self.reader, document, variables);
        assert!(response.get("errors").is_none(), "{document}: {response:#}");
        response["data"].take()
    }

    /// What the releases that a test picks install right after a time, patches and vendored files left out.
    pub fn at(&self, time: i64, is_picked: impl Fn(&Row) -> bool) -> Vec<&Row> {
        let mut newest: Vec<&Row> = Vec::new();
        for row in self.rows.iter().filter(|row| row.time <= time) {
            newest.retain(|other| (other.repository, other.release) != (row.repository, row.release));
            newest.push(row);
        }
        newest.retain(|row| row.alive && !row.is_patch && !row.is_vendored && is_picked(row));
        newest
    }

    /// Times at which anything changed, in order.
    pub fn times(&self) -> Vec<i64> {
        let mut times: Vec<i64> = self.rows.iter().map(|row| row.time).collect();
        times.sort_unstable();
        times.dedup();
        times
    }
}

pub fn repository_name(repository: usize) -> String {
    format!("owner/repository-{repository}")
}

/// The numbers of a version; `None`: a constraint.
pub fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = version.trim_start_matches('v').split('.').map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Some repositories have rows beyond their checkpoint.
fn published(repository: usize) -> usize {
    if repository % 4 == 3 { 20 } else { usize::MAX >> 1 }
}

fn made_up() -> Vec<Row> {
    let mut state = 42_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut rows = Vec::new();
    for repository in 0..REPOSITORIES {
        let mut time = BEGINNING;
        let releases: Vec<usize> = (0..1 + random(4)).map(|_| random(CHARTS.len())).collect();
        for sequence in 1..=25 {
            time += DAY / 2 * random(40) as i64;
            let release = random(releases.len());
            // Now and then a release goes to another chart, or is gone for a while.
            let chart = if random(12) == 0 { random(CHARTS.len()) } else { releases[release] };
            let (name, identity) = CHARTS[chart];
            // Versions rise with the time, more or less.
            let newest = (1 + (time - BEGINNING) / (30 * DAY)) as usize;
            let version = VERSIONS[(random(newest.min(12) + 2)).min(11)];
            let version = if random(10) == 0 { VERSIONS[12 + random(2)] } else { version };
            rows.push(Row {
                repository,
                release,
                sequence,
                time,
                alive: random(10) != 0,
                name,
                identity,
                version,
                is_patch: random(15) == 0,
                is_vendored: random(15) == 0,
                keys: KEYS.into_iter().filter(|_| random(2) == 0).collect(),
            });
        }
    }
    rows
}

async fn store(rows: &[Row]) {
    let client = world().client();
    client.query(&format!("CREATE DATABASE {DATABASE}")).execute().await.unwrap();
    let store = Store::elsewhere(client.clone().with_database(DATABASE));
    migrate(&store).await.unwrap();
    let repository_id = |repository: usize| format!("00000000-0000-4000-8000-0000000000{repository:02}");
    let mut repositories = String::new();
    let mut checkpoints = String::new();
    for repository in 0..REPOSITORIES {
        let id = repository_id(repository);
        let name = format!("repository-{repository}");
        let _ = write!(repositories, "('{id}', 'owner', '{name}', 'https://git.example/owner/{name}', 'SUCCEEDED'),");
        let _ = write!(checkpoints, "('{id}', {}, 1, {}),", repository + 1, published(repository));
    }
    let (mut resolutions, mut resources) = (String::new(), String::new());
    for row in rows {
        let repository = repository_id(row.repository);
        let resource = format!("00000000-0000-4000-9000-0000000{:02}{:03}", row.repository, row.release);
        let Row { sequence, time, alive, name, identity, version, is_patch, is_vendored, .. } = row;
        let class = match numbers(version) {
            Some(_) => "EXACT",
            None if *version == "*" => "WILDCARD",
            None => "RANGE",
        };
        let _ = write!(
            resolutions,
            "('{repository}', 1, {sequence}, '{resource}', {time}, {time}, {alive}, {is_patch}, {is_vendored}, '{name}', '{identity}', \
             '{version}', '{class}'),"
        );
        let status = if *alive { "ACTIVE" } else { "DELETED" };
        let keys = format!("{:?}", row.keys).replace('"', "'");
        let _ = write!(resources, "('{repository}', 1, '{resource}', {sequence}, '{status}', {keys}),");
    }
    let tables = [
        ("repositories (id, owner, name, url, scan_status)", repositories),
        ("checkpoints (repository_id, version, generation, sequence)", checkpoints),
        (
            "resource_resolutions (repository_id, generation, sequence, resource_id, time, state_time, alive, is_patch, is_vendored, \
             chart_name, chart, chart_version, version_class)",
            resolutions,
        ),
        ("resources (repository_id, generation, id, sequence, status, values_keys)", resources),
    ];
    for (table, values) in tables {
        let values = values.trim_end_matches(',');
        let sql = format!("INSERT INTO {DATABASE}.{table} VALUES {values}");
        // `?` would be a parameter.
        assert!(!sql.contains('?'));
        client.query(&sql).execute().await.unwrap();
    }
}
