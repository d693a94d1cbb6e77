//! Every field of every type answers. The documents are made from the introspection, so a new field is asked at once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::introspection;
use super::support::ask;

/// How deep documents go: from a list over its rows to their commits' actors.
const DEPTH: usize = 4;

/// Fields of `Query` with arguments that let them answer with rows.
const ROOTS: [(&str, &str); 30] = [
    ("repositories", "(first: 2)"),
    ("resources", "(first: 2)"),
    ("events", "(first: 2, filter: { moved: true })"),
    ("scanFailures", "(first: 2)"),
    ("chartVersionChanges", "(first: 2)"),
    ("chartGroups", ""),
    ("eventTrend", "(bucket: YEAR, groupBy: [KIND], compareTo: { period: PREVIOUS_YEAR })"),
    ("resourceTrend", "(bucket: YEAR, groupBy: [KIND], range: { from: \"2023-01-01\", to: \"2025-01-01\" })"),
    ("chartTrend", "(groupBy: [NAME], range: { from: \"2023-01-01\", to: \"2025-01-01\" })"),
    ("imageTrend", "(groupBy: [REGISTRY], range: { from: \"2023-01-01\", to: \"2025-01-01\" })"),
    ("referenceTrend", "(groupBy: [FIELD], range: { from: \"2023-01-01\", to: \"2025-01-01\" })"),
    ("repositoryMetricsTrend", "(measures: [{ sum: STARS }], range: { from: \"2023-01-01\", to: \"2025-01-01\" })"),
    ("charts", "(first: 2)"),
    ("images", "(first: 2)"),
    ("references", "(first: 2)"),
    ("repositoryMetrics", "(first: 2)"),
    ("search", "(query: \"radarr\")"),
    ("jobs", "(first: 5)"),
    ("discoveryStats", ""),
    ("limits", ""),
    ("coverage", ""),
    ("ecosystem", ""),
    ("chartMovers", "(range: { from: \"2023-06-01\", to: \"2025-01-01\" }, minRepositories: 1)"),
    ("mostChangedResources", "(first: 2)"),
    ("inactiveRepositories", "(first: 2)"),
    ("discoveryRuns", "(first: 2)"),
    ("upgradeLag", "(by: { name: \"grafana\" }, first: 2)"),
    ("chartsBehind", "(by: { name: \"app-template\" })"),
    ("installedTogether", "(by: { name: \"app-template\" }, minRepositories: 1)"),
    ("valuesKeys", "(by: { name: \"app-template\" })"),
];

/// What only a process that runs jobs has: `circle::answers` asks for it.
pub const OF_A_SERVER: [&str; 12] = [
    "Mutation.",
    "Subscription.",
    "EventsRecorded.",
    "Query.schedules",
    "Query.workers",
    "Query.rateLimits",
    "Schedule.",
    "Worker.",
    "RateLimit.",
    "JobPayload.",
    "SchedulePayload.",
    "UserError.",
];

/// A field that is asked for, with what is asked of its value.
struct Asked {
    name: String,
    fields: Vec<Asked>,
}

#[test]
fn every_field_of_every_type_answers() {
    let types = introspection();
    let mut seen = BTreeSet::new();
    for (root, arguments) in ROOTS {
        let result = field(&types, "Query", root)["type"].clone();
        let asked = Asked { name: root.to_owned(), fields: select(&types, named(&result), DEPTH, &mut seen) };
        let answer = ask(&format!("{{ {root}{arguments} {} }}", document(&asked.fields)));
        assert_answered(&answer, &[asked], "");
    }
    // By their ids, as `nodes` has it.
    let elsewhere = ["Query.node", "Query.nodes", "Query.repository", "Query.resource", "Query.job"].map(str::to_owned);
    seen.extend(elsewhere);
    seen.extend(ROOTS.map(|(root, _)| format!("Query.{root}")));
    let of_a_server = |field: &&String| OF_A_SERVER.iter().any(|of| field.starts_with(of));
    assert_eq!(
        all_fields(&types).difference(&seen).filter(|field| !of_a_server(field)).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "never asked"
    );
}

/// The selection of all fields of a type.
pub fn whole(types: &[Value], name: &str, depth: usize, seen: &mut BTreeSet<String>) -> String {
    document(&select(types, name, depth, seen))
}

/// All fields of a type: leaves, and composite ones as far as the depth allows.
fn select(types: &[Value], name: &str, depth: usize, seen: &mut BTreeSet<String>) -> Vec<Asked> {
    let mut asked = Vec::new();
    for field in fields(types, name) {
        let result = named(&field["type"]);
        let leaf = fields(types, result).len() == 0;
        if leaf || depth > 0 {
            let name_of_field = field["name"].as_str().unwrap().to_owned();
            seen.insert(format!("{name}.{name_of_field}"));
            let nested = if leaf { Vec::new() } else { select(types, result, depth - 1, seen) };
            asked.push(Asked { name: name_of_field, fields: nested });
        }
    }
    // A composite type without leaves cannot be asked at the last level.
    asked.retain(|asked| !asked.fields.is_empty() || is_leaf(types, name, &asked.name));
    asked
}

fn is_leaf(types: &[Value], owner: &str, name: &str) -> bool {
    fields(types, named(&field(types, owner, name)["type"])).len() == 0
}

fn document(asked: &[Asked]) -> String {
    let write = |asked: &Asked| match asked.fields.is_empty() {
        true => asked.name.clone(),
        false => format!("{} {}", asked.name, document(&asked.fields)),
    };
    format!("{{ {} }}", asked.iter().map(write).collect::<Vec<_>>().join(" "))
}

/// Each object has exactly the fields that were asked for, and each list has rows where it is the first level's.
fn assert_answered(value: &Value, asked: &[Asked], place: &str) {
    match value {
        Value::Array(rows) => rows.iter().for_each(|row| assert_answered(row, asked, place)),
        Value::Object(object) if !asked.is_empty() => {
            let names: Vec<&str> = asked.iter().map(|asked| asked.name.as_str()).collect();
            assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), names, "{place}");
            for asked in asked {
                let value = &object[&asked.name];
                let place = format!("{place}/{}", asked.name);
                let rows = matches!(asked.name.as_str(), "nodes" | "edges" | "rows") && place.matches('/').count() == 2;
                assert!(!rows || value.as_array().is_some_and(|rows| !rows.is_empty()), "{place} is empty");
                assert_answered(value, &asked.fields, &place);
            }
        }
        _ => {}
    }
}

pub fn all_fields(types: &[Value]) -> BTreeSet<String> {
    let objects = types.iter().filter(|meta| meta["kind"] == "OBJECT");
    let names = objects.map(|meta| meta["name"].as_str().unwrap());
    let names = names.filter(|name| !name.starts_with("__"));
    names.flat_map(|name| fields(types, name).map(move |f| format!("{name}.{}", f["name"].as_str().unwrap()))).collect()
}

pub fn field<'a>(types: &'a [Value], owner: &str, name: &str) -> &'a Value {
    fields(types, owner).find(|field| field["name"] == name).unwrap_or_else(|| panic!("no field {owner}.{name}"))
}

pub fn fields<'a>(types: &'a [Value], name: &str) -> FieldIter<'a> {
    let meta = types.iter().find(|meta| meta["name"] == name);
    meta.and_then(|meta| meta["fields"].as_array()).map(Vec::as_slice).unwrap_or_default().iter()
}

/// The name of a type without its wrappers.
pub fn named(meta: &Value) -> &str {
    match meta["name"].as_str() {
        Some(name) => name,
        None => named(&meta["ofType"]),
    }
}

pub type FieldIter<'a> = std::slice::Iter<'a, Value>;
