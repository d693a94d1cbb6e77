//! The stored rows of every dataset, with all that a question may look at; what lasts is put together here, not in SQL.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::graphql::support::World;

/// A dataset as the schema calls its parts; each column with how the rows below call it.
pub struct Dataset {
    pub field: &'static str,
    /// How the names of its types begin.
    pub types: &'static str,
    pub filter_type: &'static str,
    pub lasts: bool,
    /// Whether patches and vendored files are left out unless they are asked for.
    pub hides: bool,
    pub groups: &'static [(&'static str, &'static str)],
    /// The first counts the rows themselves.
    pub counts: &'static [(&'static str, &'static str)],
    pub numbers: &'static [(&'static str, &'static str)],
    /// Fields that can be filtered by, called the same here and there.
    pub filters: &'static [&'static str],
    /// One array a row: key of what lasts (sequence by sequence), sequence, time, whether it is there, then the columns.
    sql: &'static str,
    columns: &'static [&'static str],
}

/// Columns that depend on the time zone that is asked for.
pub const WEEKDAY: &str = "weekday";
pub const HOUR_OF_DAY: &str = "hourOfDay";

pub const DATASETS: [Dataset; 6] = [
    Dataset {
        field: "eventTrend",
        types: "Event",
        filter_type: "ResourceEventFilter",
        lasts: false,
        hides: true,
        groups: &[
            ("TYPE", "type"),
            ("KIND", "fullKind"),
            ("API_VERSION", "apiVersion"),
            ("REPOSITORY", "repository"),
            ("NAMESPACE", "namespace"),
            ("NAME", "name"),
            ("CHANGE_CLASS", "changeClass"),
            ("CHART", "chart"),
            ("CHART_NAME", "chartName"),
            ("CHART_VERSION", "chartVersion"),
            ("ACTOR", "actor"),
            ("ACTOR_NAME", "actorName"),
            ("WEEKDAY", WEEKDAY),
            ("HOUR_OF_DAY", HOUR_OF_DAY),
        ],
        counts: &[
            ("EVENTS", ""),
            ("REPOSITORIES", "repository"),
            ("RESOURCES", "resource"),
            ("CHARTS", "chart"),
            ("ACTORS", "actorOfRepository"),
            ("COMMITS", "commit"),
            ("KINDS", "fullKind"),
        ],
        numbers: &[("CHANGES", "changes")],
        filters: &["kind", "namespace", "name", "apiVersion"],
        sql: "SELECT toJSONString(tuple('', sequence, toUnixTimestamp64Second(time), 1, toString(type), \
              if(group = '', toString(kind), concat(kind, '.', group)), toString(kind), toString(api_version), toString(repository_id), \
              toString(namespace), name, toString(change_class), toString(chart), toString(chart_name), chart_version, \
              if(actor_is_bot, 'BOT', 'HUMAN'), toString(actor), concat(actor, ' in ', toString(repository_id)), \
              concat(commit, toString(repository_id)), toString(resource_id), length(changes) + changes_omitted)) FROM resource_events",
        columns: &[
            "type",
            "fullKind",
            "kind",
            "apiVersion",
            "repository",
            "namespace",
            "name",
            "changeClass",
            "chart",
            "chartName",
            "chartVersion",
            "actor",
            "actorName",
            "actorOfRepository",
            "commit",
            "resource",
            "changes",
        ],
    },
    Dataset {
        field: "resourceTrend",
        types: "Resource",
        filter_type: "ResourceTrendFilter",
        lasts: true,
        hides: true,
        groups: &[
            ("KIND", "fullKind"),
            ("API_VERSION", "apiVersion"),
            ("REPOSITORY", "repository"),
            ("NAMESPACE", "namespace"),
            ("NAME", "name"),
            ("CHART_NAME", "chartName"),
            ("GROUP", "group"),
            ("SOURCE_TYPE", "sourceType"),
            ("VERSION", "version"),
            ("VERSION_CLASS", "versionClass"),
            ("SUSPEND", "suspend"),
        ],
        counts: &[
            ("RESOURCES", ""),
            ("REPOSITORIES", "repository"),
            ("KINDS", "fullKind"),
            ("NAMESPACES", "namespaceOfRepository"),
            ("NAMES", "name"),
            ("CHARTS", "chart"),
        ],
        numbers: &[("INTERVAL_SECONDS", "interval")],
        filters: &["kind", "namespace", "name", "apiVersion", "chartName"],
        sql: "SELECT toJSONString(tuple(toString(resource_id), sequence, toUnixTimestamp64Second(state_time), type != 'DELETED', \
              if(group = '', toString(kind), concat(kind, '.', group)), toString(kind), toString(api_version), toString(repository_id), \
              toString(namespace), concat(namespace, ' in ', toString(repository_id)), name, toString(chart_name), toString(chart), toString(source_type), \
              toString(group), version, toString(version_class), multiIf(suspend IS NULL, '', suspend, 'true', 'false'), \
              interval_seconds)) FROM resource_events",
        columns: &[
            "fullKind",
            "kind",
            "apiVersion",
            "repository",
            "namespace",
            "namespaceOfRepository",
            "name",
            "chartName",
            "chart",
            "sourceType",
            "group",
            "version",
            "versionClass",
            "suspend",
            "interval",
        ],
    },
    Dataset {
        field: "chartTrend",
        types: "Chart",
        filter_type: "ChartTrendFilter",
        lasts: true,
        hides: true,
        groups: &[
            ("NAME", "name"),
            ("CHART", "chart"),
            ("VERSION", "version"),
            ("VERSION_CLASS", "versionClass"),
            ("SOURCE_KIND", "sourceKind"),
            ("REPOSITORY", "repository"),
        ],
        counts: &[
            ("RELEASES", ""),
            ("REPOSITORIES", "repository"),
            ("CHARTS", "chartAndName"),
            ("VERSIONS", "chartAndVersion"),
        ],
        numbers: &[],
        filters: &["name", "chart", "version", "sourceKind"],
        sql: "SELECT toJSONString(tuple(toString(resource_id), sequence, toUnixTimestamp64Second(state_time), alive AND chart_name != '', \
              toString(chart_name), toString(chart), chart_version, toString(version_class), toString(source_kind), toString(repository_id), \
              concat(chart, ' ', chart_name), concat(chart, ' ', chart_name, ' ', chart_version))) FROM resource_resolutions",
        columns: &[
            "name",
            "chart",
            "version",
            "versionClass",
            "sourceKind",
            "repository",
            "chartAndName",
            "chartAndVersion",
        ],
    },
    Dataset {
        field: "imageTrend",
        types: "Image",
        filter_type: "ImageTrendFilter",
        lasts: true,
        hides: true,
        groups: &[
            ("IMAGE", "image"),
            ("REGISTRY", "registry"),
            ("TAG", "tag"),
            ("KIND", "fullKind"),
            ("NAMESPACE", "namespace"),
            ("REPOSITORY", "repository"),
        ],
        counts: &[
            ("USES", ""),
            ("REPOSITORIES", "repository"),
            ("RESOURCES", "resource"),
            ("IMAGES", "image"),
            ("TAGS", "imageAndTag"),
        ],
        numbers: &[],
        filters: &["image", "tag", "kind", "namespace"],
        sql: "SELECT toJSONString(tuple(toString(resource_id), sequence, toUnixTimestamp64Second(state_time), type != 'DELETED', \
              image.1, multiIf(position(splitByChar('/', image.1)[1], '$') > 0, '', position(image.1, '/') > 0 \
              AND match(splitByChar('/', image.1)[1], '[.:]|^localhost$'), splitByChar('/', image.1)[1], 'docker.io'), \
              image.2, if(group = '', toString(kind), concat(kind, '.', group)), toString(kind), toString(namespace), \
              toString(repository_id), toString(resource_id), concat(image.1, ' ', image.2, ' ', image.3))) \
              FROM resource_events LEFT ARRAY JOIN images AS image",
        columns: &[
            "image",
            "registry",
            "tag",
            "fullKind",
            "kind",
            "namespace",
            "repository",
            "resource",
            "imageAndTag",
        ],
    },
    Dataset {
        field: "referenceTrend",
        types: "Reference",
        filter_type: "ReferenceTrendFilter",
        lasts: true,
        hides: false,
        groups: &[
            ("FIELD", "field"),
            ("KIND", "kind"),
            ("NAMESPACE", "namespace"),
            ("NAME", "name"),
            ("IS_DECLARED", "isDeclared"),
            ("REPOSITORY", "repository"),
        ],
        counts: &[("REFERENCES", ""), ("REPOSITORIES", "repository"), ("RESOURCES", "resource"), ("TARGETS", "target")],
        numbers: &[],
        filters: &["field", "kind", "namespace", "name"],
        sql: "SELECT toJSONString(tuple(concat(toString(resource_id), field, ' ', to_kind, ' ', to_namespace, ' ', toString(is_declared), ' ', \
              to_name, ' ', selector, ' ', toString(produces)), sequence, toUnixTimestamp64Second(state_time), begins, toString(field), \
              toString(to_kind), toString(to_namespace), to_name, if(is_declared, 'true', 'false'), toString(repository_id), \
              toString(resource_id), concat(toString(repository_id), to_kind, ' ', to_namespace, ' ', to_name))) FROM resource_references",
        columns: &["field", "kind", "namespace", "name", "isDeclared", "repository", "resource", "target"],
    },
    Dataset {
        field: "repositoryMetricsTrend",
        types: "RepositoryMetrics",
        filter_type: "RepositoryMetricsTrendFilter",
        lasts: true,
        hides: false,
        groups: &[("REPOSITORY", "repository"), ("LANGUAGE", "language")],
        counts: &[("SNAPSHOTS", ""), ("REPOSITORIES", "repository")],
        numbers: &[
            ("STARS", "stars"),
            ("FORKS", "forks"),
            ("WATCHERS", "watchers"),
            ("OPEN_ISSUES", "openIssues"),
            ("SIZE_KB", "sizeKb"),
            ("RESOURCES", "resources"),
        ],
        filters: &["language"],
        sql: "SELECT toJSONString(tuple(toString(repository_id), toUnixTimestamp64Milli(recorded_at), \
              intDiv(toUnixTimestamp64Milli(recorded_at), 1000), 1, toString(repository_id), toString(languages[1].1), stars, forks, watchers, \
              open_issues, size_kb, resource_count)) FROM repository_metrics",
        columns: &["repository", "language", "stars", "forks", "watchers", "openIssues", "sizeKb", "resources"],
    },
];

/// A row with all that a question may look at.
#[derive(Clone, Debug)]
pub struct Row {
    /// Seconds since 1970.
    pub begins: i64,
    /// `i64::MAX`: it still lasts.
    pub ends: i64,
    pub fields: HashMap<String, String>,
    pub numbers: HashMap<String, f64>,
}

/// What a world has stored.
pub struct Stored<'a> {
    pub world: &'a World,
    loaded: RefCell<BTreeMap<&'static str, Rc<Vec<Row>>>>,
}

impl<'a> Stored<'a> {
    pub fn of(world: &'a World) -> Self {
        Self { world, loaded: RefCell::default() }
    }

    /// The rows of a dataset.
    pub fn rows(&self, dataset: &Dataset) -> Rc<Vec<Row>> {
        let mut loaded = self.loaded.borrow_mut();
        loaded.entry(dataset.field).or_insert_with(|| Rc::new(read(self.world, dataset))).clone()
    }
}

fn read(world: &World, dataset: &Dataset) -> Vec<Row> {
    let names = repositories(world);
    let mut lines: Vec<Vec<Value>> =
        world.texts(dataset.sql).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_cached_key(|line| (line[0].as_str().unwrap().to_owned(), number(&line[1]) as i64));
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let sequence = |line: &[Value]| number(&line[1]) as i64;
        // What follows it in the walk ends it; several rows may stand at one place.
        let next = lines[index..].iter().find(|next| next[0] != line[0] || sequence(next) != sequence(line));
        let next = next.filter(|next| next[0] == line[0]).map_or(i64::MAX, |next| number(&next[2]) as i64);
        if number(&line[3]) == 0.0 {
            continue;
        }
        let mut row =
            Row { begins: number(&line[2]) as i64, ends: next, fields: HashMap::new(), numbers: HashMap::new() };
        for (column, value) in dataset.columns.iter().zip(&line[4..]) {
            match value {
                Value::String(text) => {
                    let text = if *column == "repository" { &names[text] } else { text };
                    row.fields.insert((*column).to_owned(), text.clone());
                }
                Value::Null => {}
                value => {
                    row.numbers.insert((*column).to_owned(), number(value));
                }
            }
        }
        // A resource without images stands there for the end of what it had.
        if row.fields.get("image").is_none_or(|image| !image.is_empty()) {
            rows.push(row);
        }
    }
    rows
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}

/// Full names by stored id.
fn repositories(world: &World) -> HashMap<String, String> {
    let texts = world.texts("SELECT toJSONString(tuple(toString(id), url)) FROM repositories FINAL");
    let known = world.ask_with("{ repositories(first: 500) { nodes { url fullName } } }", json!({}));
    let known = known["repositories"]["nodes"].as_array().unwrap();
    let pairs = texts.iter().map(|text| {
        let (id, url): (String, String) = serde_json::from_str(text).unwrap();
        let node = known.iter().find(|node| node["url"] == *url).unwrap();
        (id, node["fullName"].as_str().unwrap().to_owned())
    });
    pairs.collect()
}
