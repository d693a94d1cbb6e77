//! Jobs, discovery and the server itself: lists of what belongs to no version of the data.

use async_graphql::Request;
use kubestats::graphql::{answer, global_id_of_job};
use kubestats::model::Job;
use kubestats::store::query::{Filter, JobField, Jobs, Operator};
use kubestats::store::{Reader, ReaderOptions, Writer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::seeds::job_id;
use super::support::{all_events, ask, ask_with, respond, respond_through, world};

#[track_caller]
fn numbers(arguments: &str) -> Vec<u128> {
    let data = ask(&format!("{{ jobs{arguments} {{ totalCount nodes {{ id }} }} }}"));
    let nodes = data["jobs"]["nodes"].as_array().unwrap();
    assert_eq!(data["jobs"]["totalCount"], nodes.len(), "{arguments}");
    let number = |node: &Value| (1..=5).find(|number| node["id"] == global_id_of_job(job_id(*number)).as_str());
    nodes.iter().map(|node| number(node).unwrap()).collect()
}

#[test]
fn jobs_are_listed_and_filtered() {
    assert_eq!(numbers(""), [5, 4, 3, 2, 1], "newest first");
    assert_eq!(numbers("(orderBy: [{ field: CREATED_AT, direction: ASC }])"), [1, 2, 3, 4, 5]);
    assert_eq!(numbers("(filter: { kind: { eq: SYNC } })"), [5, 4, 2]);
    assert_eq!(numbers("(filter: { kind: { in: [SCAN, DISCOVER] } })"), [3, 1]);
    assert_eq!(numbers("(filter: { state: { eq: SUCCEEDED } })"), [3, 1]);
    assert_eq!(numbers("(filter: { state: { in: [PARKED, QUEUED] }, kind: { eq: SYNC } })"), [5, 4]);
    let ada = ask("{ repository(by: {fullName: \"ada/cluster\"}) { id } }")["repository"]["id"].take();
    assert_eq!(numbers(&format!("(filter: {{ repository: {{ eq: {ada} }} }})")), [5, 2]);
}

#[test]
fn jobs_are_paged_by_cursors() {
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for expected in [2, 2, 1] {
        let document = "query Page($after: String) { jobs(first: 2, after: $after) { \
             edges { node { id } } pageInfo { hasNextPage endCursor } } }";
        let mut page = ask_with(document, json!({ "after": after }))["jobs"].take();
        let edges = page["edges"].as_array().unwrap();
        assert_eq!((edges.len(), page["pageInfo"]["hasNextPage"].as_bool()), (expected, Some(expected == 2)));
        seen.extend(edges.iter().map(|edge| edge["node"]["id"].clone()));
        after = page["pageInfo"]["endCursor"].take();
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(|number| json!(global_id_of_job(job_id(number)))));
    let last = ask("{ jobs(last: 2) { nodes { id } } }");
    assert_eq!(last["jobs"]["nodes"], json!([{ "id": seen[3] }, { "id": seen[4] }]));
}

#[test]
fn a_job_tells_all_of_itself() {
    let job = |number: u128, fields: &str| {
        let id = global_id_of_job(job_id(number));
        let document = format!("query One($id: ID!) {{ job(id: $id) {{ {fields} }} node(id: $id) {{ id }} }}");
        let mut data = ask_with(&document, json!({ "id": id }));
        assert_eq!(data["node"]["id"], id.as_str());
        data["job"].take()
    };
    let fields = "kind state requestedBy attempts error { code message } repository { fullName } createdAt startedAt endedAt \
         progress { done total } log { number level text } last: log(last: 1) { number }";
    assert_eq!(
        job(2, fields),
        json!({
            "kind": "SYNC", "state": "FAILED", "requestedBy": "schedule sync", "attempts": 3,
            "error": { "code": "GIT", "message": "git ended with 128" }, "repository": { "fullName": "ada/cluster" },
            "createdAt": "2024-06-01T00:02:00Z", "startedAt": "2024-06-01T00:02:01Z", "endedAt": "2024-06-01T00:02:02Z",
            "progress": { "done": 0, "total": null },
            "log": [
                { "number": 1, "level": "INFO", "text": "fetched 3 commits" },
                { "number": 2, "level": "WARN", "text": "1 file is no YAML" },
                { "number": 3, "level": "ERROR", "text": "git ended with 128" },
            ],
            "last": [{ "number": 3 }],
        })
    );
    assert_eq!(
        job(1, "arguments { queries all fetch } repository { id }"),
        json!({ "arguments": { "queries": ["topic:kubesearch"], "all": false, "fetch": false }, "repository": null })
    );
    let nobody = json!({ "id": global_id_of_job(job_id(99)) });
    let answer = ask_with("query One($id: ID!) { job(id: $id) { id } node(id: $id) { id } }", nobody);
    assert_eq!(answer, json!({ "job": null, "node": null }));
}

#[test]
fn the_run_of_a_scan_finds_its_events() {
    let document =
        "query One($id: ID!) { job(id: $id) { runId repository { events(first: 1) { totalCount nodes { runId } } } } }";
    let data = ask_with(document, json!({ "id": global_id_of_job(job_id(3)) }));
    let (job, events) = (&data["job"], &data["job"]["repository"]["events"]);
    assert_eq!(job["runId"], events["nodes"][0]["runId"]);
    // The two hostings were scanned by different runs, so each is asked for its own.
    let document = "query Of($run: ID!) { events(filter: { runId: { eq: $run } }) { totalCount } }";
    let answer = respond_through(&world().reader, document, json!({ "run": job["runId"] }));
    assert_eq!(answer["data"]["events"]["totalCount"], events["totalCount"]);
    assert!(events["totalCount"].as_u64().unwrap() < all_events().len() as u64);
    let response = respond(document, json!({ "run": "x" }));
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
}

#[test]
fn nested_jobs_and_logs_are_batched() {
    for size in [1, 5] {
        let reader = Reader::new(world().store.clone(), ReaderOptions::default());
        let document = format!("{{ jobs(first: {size}) {{ nodes {{ log {{ text }} repository {{ name }} }} }} }}");
        assert_eq!(respond_through(&reader, &document, json!({})).get("errors"), None);
        assert_eq!(reader.asked(), 4, "{size}: the version, the page, the logs and the repositories");
    }
}

#[test]
fn discovery_tells_what_it_yields() {
    let data = ask(
        "{ discoveryStats { query runs lastRunAt found new error requests known taken firstHere accepted yieldRate \
         rejected { reason count } } discoveryRuns(since: \"2024-06-02\") { query time found job { kind } } }",
    );
    let stats = data["discoveryStats"].as_array().unwrap();
    let kubesearch = stats.iter().find(|row| row["query"] == "topic:kubesearch").unwrap();
    assert_eq!(
        kubesearch,
        &json!({
            "query": "topic:kubesearch", "runs": 2, "lastRunAt": "2024-06-02T00:00:00Z", "found": 3, "new": 1,
            "error": null, "requests": 4, "known": 5, "taken": 2, "firstHere": 1, "accepted": 2, "yieldRate": 1.0,
            "rejected": [{ "reason": "archived", "count": 2 }, { "reason": "fork", "count": 1 }],
        })
    );
    assert_eq!(stats.len(), 2);
    let run = |query: &str| json!({ "query": query, "time": "2024-06-02T00:00:00Z", "found": 3, "job": { "kind": "DISCOVER" } });
    assert_eq!(data["discoveryRuns"], json!([run("topic:gitops"), run("topic:kubesearch")]));
}

#[test]
fn only_a_server_tells_of_itself() {
    for field in ["schedules { name }", "workers { number }", "rateLimits { forge }"] {
        let response = respond(&format!("{{ {field} }}"), json!({}));
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response}");
        assert!(response["errors"][0]["message"].as_str().unwrap().contains("kubestats serve"), "{response}");
    }
}

#[test]
fn what_belongs_to_no_version_is_never_stale() {
    let world = world();
    let reader = Reader::new(world.store.clone(), ReaderOptions::default());
    // Another version of the data would ask anew, whatever is kept: only the job changes here.
    let filter = Filter::default().and(JobField::Id, Operator::Equal(job_id(4).to_string()));
    let rows = world.block_on(reader.now(&Jobs { filter, page: None })).unwrap();
    let document = format!(
        "{{ repositories {{ totalCount }} jobs(last: 2) {{ nodes {{ id worker }} }} job(id: \"{}\") {{ worker }} }}",
        global_id_of_job(job_id(4))
    );
    let writer = Writer::new(world.store.clone());
    for number in [1, 2, 3] {
        let worker = Uuid::from_u128(number);
        let job = Job { worker: Some(worker), ..rows[0].to_model() };
        world.block_on(writer.save_job(&job)).unwrap();
        let json = world.block_on(answer(&world.schema, &reader, Request::new(&document))).unwrap();
        let answer: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(answer["data"]["job"]["worker"], worker.to_string().as_str());
    }
}
