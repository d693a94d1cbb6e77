//! A page of repositories where there are many, each with snapshots of a year.

use kubestats::graphql::{Limits, schema};
use kubestats::store::query::{Direction, Filter, Repositories, RepositoryOrder};

use super::Result;
use super::engine::Engine;
use super::pages::{Asked, page};
use super::report::{Goal, Report};

const REPOSITORIES: u64 = 2_000;
const SNAPSHOTS: u64 = 365;

pub async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    plant(engine).await?;
    let asked = Asked { engine, schema: schema(None, Limits::default()), version: engine.version().await? };
    let order = RepositoryOrder::keys(&[(RepositoryOrder::Stars, Direction::Descending)]);
    let question = Repositories { filter: Filter::default(), page: Some(page(order)) };
    let fields = "nodes { fullName resourceCount metrics { stars watchers } quality { score } }";
    let field = format!("repositories(first: 100, orderBy: [{{field: STARS, direction: DESC}}]) {{ {fields} }}");
    let what = format!("repositories(first: 100), by stars, of {REPOSITORIES} with {SNAPSHOTS} snapshots each");
    asked.compare_as(report, &what, &field, &question, Goal::AtMost(1.5, "")).await
}

/// Copies of one scanned repository, the newest snapshot in each, and snapshots of a year, one a day.
async fn plant(engine: &Engine) -> Result<()> {
    let id = "reinterpretAsUUID(sipHash128(n, 'many'))";
    let counts = "toUInt64(n), toUInt64(5), toUInt64(6), toUInt64(7), toUInt64(8), toUInt64(9)";
    let newest = format!("[(now64(3), {counts}, [('Shell', toUInt64(7))], true, NULL, NULL)]");
    let copies = format!("ARRAY JOIN range({REPOSITORIES}) AS n");
    let repositories = format!(
        "INSERT INTO repositories SELECT * REPLACE ({id} AS id, 'many' AS forge, \
         concat(name, '-', toString(n)) AS name, {newest} AS metrics) \
         FROM (SELECT * FROM repositories FINAL WHERE id IN (SELECT repository_id FROM checkpoints) LIMIT 1) {copies}"
    );
    let checkpoints = format!(
        "INSERT INTO checkpoints SELECT * REPLACE ({id} AS repository_id) FROM (SELECT * FROM checkpoints LIMIT 1) {copies}"
    );
    let snapshots = format!(
        "INSERT INTO repository_metrics (repository_id, recorded_at, version, stars, forks, watchers, open_issues, \
         size_kb, resource_count, languages, has_languages) \
         SELECT {id}, now64(3) - toIntervalDay(day), 1, {counts}, [('Shell', toUInt64(7))], true \
         FROM (SELECT number AS n FROM numbers({REPOSITORIES})) ARRAY JOIN range({SNAPSHOTS}) AS day"
    );
    for sql in [repositories, checkpoints, snapshots] {
        engine.client.query_raw(&sql).execute().await?;
    }
    Ok(())
}
