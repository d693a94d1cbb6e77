//! What no scan stores: what forges said, what discovery did, and jobs, as if a server had run for a while. All times are fixed.

use kubestats::model::{
    ChangedField, ForgeId, Job, JobArguments, JobError, JobId, JobKind, JobLogLine, JobProgress, JobState, LastRun,
    LogLevel, Quality, QualityPart, Repository, RepositoryChange, RepositoryId, RepositoryMetrics, RepositoryStatus,
    Requester, RunId, RunStatus,
};
use kubestats::store::{Discovery, DiscoveryRun, Reader, Recorded, Store, Writer};
use uuid::Uuid;

use super::support::REPOSITORIES;

/// 2024-06-01T00:00:00Z.
pub const JUNE: i64 = 1_717_200_000_000;
pub const DAY: i64 = 86_400_000;
/// Snapshots of the first repository, one a day up to the 30th of June.
pub const SNAPSHOTS: i64 = 30;
/// The jobs' UUIDs; the number counts them in the order of their requests.
pub fn job_id(number: u128) -> JobId {
    JobId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub async fn plant(store: &Store, reader: &Reader) {
    let writer = Writer::new(store.clone());
    let mut ids = Vec::new();
    for (_, url) in REPOSITORIES {
        ids.push(reader.repository_by_alias(url).await.unwrap().unwrap().id);
    }
    let run = reader.checkpoint(ids[1]).await.unwrap().unwrap().run;
    for day in 0..SNAPSHOTS {
        let change = |repository: &mut Repository| Recorded {
            metrics: Some(snapshot(repository.id, day)),
            changes: if day == 3 { vec![renamed(repository.id)] } else { Vec::new() },
        };
        writer.update_repositories(reader, &ids[..1], change).await.unwrap();
    }
    writer
        .update_repositories(reader, &ids[..1], |repository| {
            describe(repository);
            Recorded::default()
        })
        .await
        .unwrap();
    // The others' quality depends on the day of this test.
    let unmeasured = |repository: &mut Repository| {
        repository.quality = Quality::default();
        Recorded::default()
    };
    writer.update_repositories(reader, &ids[1..], unmeasured).await.unwrap();
    // As a search tells it.
    let fewer = |repository: &mut Repository| {
        let metrics = RepositoryMetrics { watchers: None, languages: None, ..snapshot(repository.id, -5) };
        Recorded { metrics: Some(metrics), changes: Vec::new() }
    };
    writer.update_repositories(reader, &ids[1..2], fewer).await.unwrap();
    let aliases = vec![("git.example#7", ids[0]), ("http://plain.example:3000/ada/apps", ids[1])];
    writer.add_aliases(aliases).await.unwrap();
    discover(&writer, ids[0], ids[1]).await;
    for job in jobs(&ids, run) {
        writer.save_job(&job).await.unwrap();
    }
    let line = |number, level, text: &str| JobLogLine {
        job: job_id(2),
        time_ms: JUNE + i64::from(number),
        number,
        level,
        text: text.to_owned(),
    };
    let lines = [
        line(1, LogLevel::Info, "fetched 3 commits"),
        line(2, LogLevel::Warn, "1 file is no YAML"),
        line(3, LogLevel::Error, "git ended with 128"),
    ];
    writer.job_log(&lines).await.unwrap();
}

pub fn snapshot(repository: RepositoryId, day: i64) -> RepositoryMetrics {
    let count = |base: i64| u64::try_from(base + day).unwrap();
    RepositoryMetrics {
        repository,
        recorded_at_ms: JUNE + day * DAY,
        stars: count(100),
        forks: count(20),
        watchers: Some(7),
        open_issues: 3,
        size_kb: 2_048,
        resource_count: Some(42),
        languages: Some(vec![("Shell".to_owned(), 300), ("Go".to_owned(), 100)]),
        pushed_at: Some(JUNE / 1_000),
        updated_at: None,
    }
}

fn renamed(repository: RepositoryId) -> RepositoryChange {
    RepositoryChange {
        repository,
        recorded_at_ms: JUNE + 3 * DAY,
        field: ChangedField::FullName,
        before: "ada/old-cluster".to_owned(),
        after: "ada/cluster".to_owned(),
    }
}

fn describe(repository: &mut Repository) {
    repository.forge_id = Some(ForgeId { forge: repository.forge.clone(), id: "7".to_owned() });
    repository.status = RepositoryStatus::Active;
    let profile = &mut repository.profile;
    profile.description = Some("Ada's cluster".to_owned());
    profile.license = Some("MIT".to_owned());
    profile.language = Some("Shell".to_owned());
    profile.topics = vec!["gitops".to_owned(), "kubesearch".to_owned()];
    profile.created_at = Some(1_577_836_800);
    profile.is_archived = true;
    repository.discovery_tags = vec!["topic:kubesearch".to_owned()];
    let part = |name: &str, points, most, explanation: &str| QualityPart {
        name: name.to_owned(),
        points,
        most,
        explanation: explanation.to_owned(),
    };
    repository.quality =
        Quality { parts: vec![part("activity", 20, 25, "12 commits in 30 days"), part("fork", -5, 0, "it is a fork")] };
    repository.sync =
        LastRun { status: RunStatus::Failed, at_ms: Some(JUNE + 29 * DAY), error: Some("no answer".to_owned()) };
    repository.next_sync_at_ms = Some(JUNE + 30 * DAY);
}

async fn discover(writer: &Writer, ada: RepositoryId, bob: RepositoryId) {
    let run = |query: &str, day: i64, error: Option<&str>| DiscoveryRun {
        forge: "git.example".to_owned(),
        query: query.to_owned(),
        ran_at_ms: JUNE + day * DAY,
        job: job_id(1),
        found: 3,
        new: 1,
        requests: 2,
        is_incomplete: false,
        is_limited: false,
        error: error.map(str::to_owned),
    };
    writer.discovery_run(&run("topic:kubesearch", 0, Some("no answer"))).await.unwrap();
    writer.discovery_run(&run("topic:kubesearch", 1, None)).await.unwrap();
    writer.discovery_run(&run("topic:gitops", 1, None)).await.unwrap();
    let found = |full_name: &str, repository, is_new| Discovery {
        forge: "git.example".to_owned(),
        query: "topic:kubesearch".to_owned(),
        full_name: full_name.to_owned(),
        repository,
        is_new,
        found_at_ms: JUNE,
    };
    let found = [
        found("ada/cluster", Ok(ada), true),
        found("bob/apps", Ok(bob), false),
        found("eve/fork", Err("fork"), false),
        found("eve/old", Err("archived"), false),
        found("eve/older", Err("archived"), false),
    ];
    writer.discoveries(&found).await.unwrap();
}

fn jobs(ids: &[RepositoryId], run: RunId) -> Vec<Job> {
    let job = |number: u128, kind, repository, state: JobState| {
        let created = JUNE + i64::try_from(number).unwrap() * 60_000;
        Job {
            id: job_id(number),
            kind,
            repository,
            arguments: JobArguments::default(),
            requested_by: Requester::Clock("sync".to_owned()),
            priority: 3,
            state,
            attempts: 1,
            progress: JobProgress::default(),
            error: None,
            created_at_ms: created,
            started_at_ms: Some(created + 1_000),
            ended_at_ms: state.is_ended().then_some(created + 2_000),
            not_before_ms: None,
            run: None,
            worker: Some(Uuid::from_u128(9)),
            is_cancelled: false,
        }
    };
    let queries = JobArguments { queries: vec!["topic:kubesearch".to_owned()], ..JobArguments::default() };
    let error = Some(JobError { code: "GIT".to_owned(), message: "git ended with 128".to_owned() });
    let progress = JobProgress { done: 2, total: 5, unit: "commits".to_owned(), message: "reading".to_owned() };
    vec![
        Job { arguments: queries, ..job(1, JobKind::Discover, None, JobState::Succeeded) },
        Job { error, attempts: 3, ..job(2, JobKind::Sync, Some(ids[0]), JobState::Failed) },
        Job { run: Some(run), progress, ..job(3, JobKind::Scan, Some(ids[1]), JobState::Succeeded) },
        Job { not_before_ms: Some(JUNE + DAY), ..job(4, JobKind::Sync, Some(ids[1]), JobState::Parked) },
        Job { requested_by: Requester::Webhook, ..job(5, JobKind::Sync, Some(ids[0]), JobState::Queued) },
    ]
}
