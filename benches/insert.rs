//! Events through the writer, against the same rows already in the engine's own format.

use std::sync::Arc;

use bytes::Bytes;
use clickhouse::Row;
use kubestats::model::{
    Change, ChangeClass, Chart, EventId, Facts, Image, RepositoryId, Resolution, ResourceEvent, ResourceId, RunId,
    Step, VersionClass,
};
use kubestats::store::query::EventRecord;
use kubestats::store::{Origin, Run, Writer};
use serde::Deserialize;
use uuid::Uuid;

use super::Result;
use super::engine::Engine;
use super::report::{Goal, Report, in_turn};

/// About what a scan inserts at a time.
const ROWS: usize = 8_000;
const TIMES: usize = 7;
const FLOOR: &str = "insert_floor";

pub async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    let events = stored(engine).await?;
    let writer = Writer::new(engine.store.clone());
    // Another table with the same columns: rows that are already there make merges, which would slow one of the two.
    engine.client.query_raw(&format!("CREATE TABLE {FLOOR} AS resource_events")).execute().await?;
    let columns = "* EXCEPT recorded_at";
    let sql = format!("SELECT {columns} FROM resource_events ORDER BY repository_id, sequence LIMIT {ROWS}");
    let block = engine.client.query_raw(&sql).fetch_bytes("RowBinaryWithNamesAndTypes")?.collect().await?;
    let value = async || {
        // A repository of its own, as each scan has: nobody publishes it.
        let origin = Origin { repository: RepositoryId(Uuid::new_v4()), generation: 1, run: RunId(Uuid::new_v4()) };
        Ok(writer.events(&Run::new(origin, 0), &events).await?)
    };
    let floor = async || insert(engine, block.clone()).await;
    let (value, floor) = in_turn(TIMES, value, floor).await?;
    engine.client.query_raw(&format!("DROP TABLE {FLOOR}")).execute().await?;
    let strays = "ALTER TABLE resource_events DELETE WHERE repository_id NOT IN (SELECT repository_id FROM checkpoints) \
         SETTINGS mutations_sync = 2";
    engine.client.query_raw(strays).execute().await?;
    let what = format!("insert of {} events; floor: the same rows as one prepared block", events.len());
    report.ratio(&what, value, floor, Goal::AtMost(1.5, ""));
    let rate = |time: std::time::Duration| events.len() as f64 / time.as_secs_f64();
    report.rate("inserted events a second", rate(value), rate(floor), "/s", Goal::None);
    Ok(())
}

async fn insert(engine: &Engine, block: Bytes) -> Result<()> {
    let sql = format!("INSERT INTO {FLOOR} FORMAT RowBinaryWithNamesAndTypes");
    let mut insert = engine.client.insert_formatted_with(sql);
    insert.send(block).await?;
    Ok(insert.end().await?)
}

/// What a page does not read.
#[derive(Row, Deserialize)]
struct Rest {
    state_time: i64,
    content: String,
    version: String,
    images: Vec<(String, String, String)>,
}

/// Events as a scan makes them.
async fn stored(engine: &Engine) -> Result<Vec<ResourceEvent>> {
    let tail = format!("FROM resource_events ORDER BY repository_id, sequence LIMIT {ROWS}");
    let columns = "repository_id, sequence, id, resource_id, toInt8(type) AS event_type, moved, path_before, commit, time, \
         actor, actor_is_bot, subject, path, ordinal, blob_before, blob_after, group, api_version, kind, namespace, name, \
         changes, changes_omitted, toInt8(change_class) AS change_class_code, effective_namespaces, is_patch, is_vendored, chart_name, chart, \
         chart_version, toInt8(chart_version_class) AS chart_version_class, run_id, recorded_at";
    let records = engine.client.query_raw(&format!("SELECT {columns} {tail}")).fetch_all::<EventRecord>().await?;
    let rest = engine
        .client
        .query_raw(&format!("SELECT state_time, content, version, images {tail}"))
        .fetch_all::<Rest>()
        .await?;
    Ok(records.into_iter().zip(rest).map(|(record, rest)| event(record, rest)).collect())
}

fn event(record: EventRecord, rest: Rest) -> ResourceEvent {
    let changes = record.changes.iter().cloned();
    let image = |(repository, tag, digest)| Image { repository, tag, digest };
    let facts =
        Facts { version: Some(rest.version), images: rest.images.into_iter().map(image).collect(), ..Facts::default() };
    let chart = Chart {
        name: record.chart_name.clone(),
        identity: record.chart.clone(),
        url: String::new(),
        version: Some(record.chart_version.clone()),
        version_class: VersionClass::Exact,
        source_kind: "HelmRepository",
        source: None,
    };
    let resolution = Resolution {
        namespaces: record.effective_namespaces.iter().map(|namespace| namespace.as_str().into()).collect(),
        is_patch: record.is_patch,
        is_vendored: record.is_vendored,
        chart: (!record.chart_name.is_empty()).then_some(chart),
    };
    ResourceEvent {
        sequence: record.sequence,
        id: EventId(record.id),
        resource: ResourceId(record.resource_id),
        event_type: record.event_type(),
        moved: record.moved,
        path_before: record.moved.then(|| record.path_before.as_slice().into()),
        step: Arc::new(Step {
            commit: record.commit,
            time: record.time,
            state_time: rest.state_time,
            actor: record.actor,
            actor_is_bot: record.actor_is_bot,
            subject: record.subject,
        }),
        path: record.path.as_slice().into(),
        ordinal: record.ordinal,
        blob_before: record.blob_before,
        blob_after: record.blob_after,
        api_version: record.api_version.into(),
        group: record.group.into(),
        kind: record.kind.into(),
        namespace: (!record.namespace.is_empty()).then(|| record.namespace.into()),
        name: record.name.into(),
        changes: changes.map(|(pointer, before, after)| Change { pointer, before, after }).collect(),
        changes_omitted: record.changes_omitted,
        change_class: (record.change_class_code > 0).then_some(ChangeClass::Other),
        facts: Arc::new(facts),
        resolution: Arc::new(resolution),
        content: rest.content,
    }
}
