//! What clients get wrong: each mistake has a code and a message that helps, and no word of the machinery inside.

use serde_json::{Value, json};

use super::support::{ask, ask_with, respond, respond_through, world};

/// Words that only an inner error would bring.
const INNER: [&str; 8] =
    ["DB::Exception", "Code:", "ClickHouse", "SELECT", "resource_events", "uuid", "panicked", "src/"];

/// The document fails with the code, and its message has each of the words.
#[track_caller]
fn check(document: &str, variables: Value, code: &str, words: &[&str]) {
    check_response(document, &respond(document, variables), code, words);
}

#[track_caller]
fn check_response(document: &str, response: &Value, code: &str, words: &[&str]) {
    let errors = response["errors"].as_array().unwrap_or_else(|| panic!("{document:.200} succeeds"));
    for error in errors {
        let message = error["message"].as_str().unwrap();
        assert_eq!(error["extensions"]["code"], code, "{document:.200}: {message}");
        for place in error.get("locations").and_then(Value::as_array).into_iter().flatten() {
            assert!(place["line"].as_u64() > Some(0) && place["column"].as_u64() > Some(0), "{error}");
        }
        assert!(message.len() < 1_000, "{document:.200}: {} bytes of message", message.len());
        for inner in INNER {
            assert!(!message.contains(inner), "{document:.200}: {message}");
        }
    }
    let message = errors[0]["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{document:.200}: {message}");
    }
}

#[track_caller]
fn bad_input(document: &str, words: &[&str]) {
    check(document, json!({}), "BAD_USER_INPUT", words);
}

const LISTS: [&str; 4] = ["events", "resources", "repositories", "scanFailures"];

#[test]
fn page_sizes_are_checked() {
    for list in LISTS {
        bad_input(&format!("{{ {list}(first: 1, last: 1) {{ totalCount }} }}"), &["`first` or `last`"]);
        for name in ["first", "last"] {
            bad_input(
                &format!("{{ {list}({name}: -1) {{ totalCount }} }}"),
                &[&format!("`{name}` is -1"), "0 or more"],
            );
            for size in ["501", "100000"] {
                let words = [&format!("`{name}` is {size}"), "500"];
                let document = format!("{{ {list}({name}: {size}) {{ totalCount }} }}");
                check(&document, json!({}), "RESOURCE_EXHAUSTED", &words);
            }
        }
        bad_input(&format!("{{ {list}(first: 99999999999) {{ totalCount }} }}"), &["Int"]);
        bad_input(&format!("{{ {list}(first: \"1\") {{ totalCount }} }}"), &["Int"]);
    }
}

#[test]
fn arguments_that_ask_for_nothing_are_refused() {
    for (document, words) in [
        ("{ chartsBehind(by: {name: \"grafana\"}, minBehind: -1) { version } }", ["`minBehind` is -1", "0 or more"]),
        (
            "{ chartMovers(range: {from: \"2024-01-01\", to: \"2024-02-01\"}, minRepositories: -1) { name } }",
            ["`minRepositories` is -1", "0 or more"],
        ),
        (
            "{ installedTogether(by: {name: \"grafana\"}, minRepositories: -2) { chart } }",
            ["`minRepositories` is -2", "0 or more"],
        ),
        ("{ search(query: \"a\", types: []) { matched } }", ["`types`", "empty"]),
        ("{ eventTrend(having: [{}]) { truncated } }", ["`having`", "`lte`"]),
        ("{ eventTrend(measures: [{count: EVENTS}, {count: EVENTS}]) { truncated } }", ["`measures`", "twice"]),
    ] {
        bad_input(document, &words);
    }
}

#[test]
fn cursors_are_checked() {
    let cursors = ["", "!", "bm90IEpTT04", "WyJhIl0", "eyJhIjoxfQ", "W10", &"A".repeat(100_000)];
    for list in LISTS {
        for cursor in cursors {
            for argument in ["after", "before"] {
                let document = format!("{{ {list}(first: 1, {argument}: \"{cursor}\") {{ edges {{ cursor }} }} }}");
                bad_input(&document, &[&format!("`{argument}`"), "no cursor of this list"]);
            }
        }
    }
}

#[test]
fn a_cursor_of_another_list_or_order_is_refused() {
    let data = ask("{ events(first: 1) { edges { cursor } } resources(first: 1) { edges { cursor } } \
           repositories(first: 1) { edges { cursor } } \
           updated: resources(first: 1, orderBy: [{ field: UPDATED_AT }]) { edges { cursor } } }");
    let cursor = |list: &str| data[list]["edges"][0]["cursor"].as_str().unwrap().to_owned();
    for (list, foreign) in [
        ("events", "resources"),
        ("events", "repositories"),
        ("resources", "events"),
        ("resources", "repositories"),
        ("repositories", "events"),
        ("scanFailures", "repositories"),
    ] {
        let document = format!("{{ {list}(after: \"{}\") {{ edges {{ cursor }} }} }}", cursor(foreign));
        bad_input(&document, &["no cursor of this list"]);
    }
    let document = format!("{{ resources(after: \"{}\") {{ edges {{ cursor }} }} }}", cursor("updated"));
    bad_input(&document, &["in this order"]);
}

#[test]
fn documents_are_checked() {
    bad_input("{ events { nodes { colour } } }", &["colour", "ResourceEvent"]);
    bad_input("{ event { id } }", &["event"]);
    bad_input("{ events(colour: 1) { totalCount } }", &["colour"]);
    bad_input("{ events(filter: { colour: 1 }) { totalCount } }", &["colour"]);
    bad_input("{ events(filter: { type: { eq: RENAMED } }) { totalCount } }", &["RENAMED"]);
    bad_input("{ events", &["expected"]);
    bad_input("query A { __typename } query B { __typename }", &["peration"]);
    bad_input("mutation { anything }", &["anything", "Mutation"]);
    check("query Q($n: Int!) { events(first: $n) { totalCount } }", json!({}), "BAD_USER_INPUT", &["`$n`", "`Int!`"]);
    check("query Q($n: Int!) { events(first: $n) { totalCount } }", json!({ "n": null }), "BAD_USER_INPUT", &["`$n`"]);
    check("query Q($n: Int!) { events(first: $n) { totalCount } }", json!({ "n": "x" }), "BAD_USER_INPUT", &["n"]);
}

#[test]
fn documents_have_limits() {
    let mut deep = "id".to_owned();
    for _ in 0..25 {
        deep = format!("repository {{ resources {{ nodes {{ {deep} }} }} }}");
    }
    check(&format!("{{ resources {{ nodes {{ {deep} }} }} }}"), json!({}), "RESOURCE_EXHAUSTED", &["78 levels", "40"]);
    let nested = "repository { resources { nodes { ".repeat(8) + "id" + &" } } }".repeat(8);
    check(&format!("{{ resources {{ nodes {{ {nested} }} }} }}"), json!({}), "RESOURCE_EXHAUSTED", &["depth of 27"]);
    let wide = "scanFailures { totalCount } ".repeat(1_001);
    check(&format!("{{ {wide} }}"), json!({}), "RESOURCE_EXHAUSTED", &["2000 fields"]);
    let circle =
        "query { events { nodes { ...A } } } fragment A on ResourceEvent { resource { events { nodes { ...A } } } }";
    bad_input(circle, &[]);
}

#[test]
fn ids_are_checked() {
    let data = ask("{ resources(first: 1) { nodes { id } } repositories(first: 1) { nodes { id } } }");
    let id = |list: &str| data[list]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let (resource, repository) = (id("resources"), id("repositories"));
    for bad in ["", "1", "UmVzb3VyY2U6MQ", "👻", &"A".repeat(100_000)] {
        bad_input(&format!("{{ node(id: \"{bad}\") {{ id }} }}"), &["no id of this API"]);
        bad_input(&format!("{{ resource(id: \"{bad}\") {{ id }} }}"), &["no id of this API"]);
        bad_input(&format!("{{ events(filter: {{ repository: {{ eq: \"{bad}\" }} }}) {{ totalCount }} }}"), &["no id"]);
    }
    let words = ["id of a Repository", "a Resource is wanted"];
    bad_input(&format!("{{ resource(id: \"{repository}\") {{ id }} }}"), &words);
    bad_input(&format!("{{ events(filter: {{ resource: {{ in: [\"{repository}\"] }} }}) {{ totalCount }} }}"), &words);
    bad_input(&format!("{{ repository(by: {{id: \"{resource}\"}}) {{ id }} }}"), &["a Repository is wanted"]);
}

#[test]
fn times_are_checked() {
    for bad in ["\"yesterday\"", "\"2024-13-01\"", "\"\"", "true", "1.5", "99999999999999999999", "[]"] {
        bad_input(&format!("{{ events(filter: {{ time: {{ gte: {bad} }} }}) {{ totalCount }} }}"), &["RFC 3339"]);
        bad_input(&format!("{{ eventTrend(range: {{ to: {bad} }}) {{ truncated }} }}"), &["RFC 3339"]);
        bad_input(&format!("{{ resources(first: 1) {{ nodes {{ yaml(at: {bad}) }} }} }}"), &["RFC 3339"]);
    }
    check(
        "query Q($at: DateTime) { resources(first: 1) { nodes { yaml(at: $at) } } }",
        json!({ "at": "noon" }),
        "BAD_USER_INPUT",
        &["RFC 3339"],
    );
}

#[test]
fn what_is_no_length_of_time_or_date_by_itself_is_explained() {
    bad_input("{ events(filter: { time: { gte: \"2020\" } }) { totalCount } }", &["a year alone", "2020-01-01"]);
    let document = "query Q($d: Duration!) { inactiveRepositories(idle: $d) { lastEventAt } }";
    for length in ["P1Y", "P1M", "P1Y2M3DT4H"] {
        check(document, json!({ "d": length }), "BAD_USER_INPUT", &["years and months", "weeks or days"]);
    }
}

#[test]
fn large_filters_are_refused() {
    let prefix = "a/".repeat(512 << 10);
    for list in ["events", "resources", "scanFailures"] {
        let document = format!(
            "query Q($prefix: String) {{ {list}(filter: {{ path: {{ startsWith: $prefix }} }}) {{ totalCount }} }}"
        );
        check(&document, json!({ "prefix": prefix }), "RESOURCE_EXHAUSTED", &["1048576 bytes", "at most"]);
    }
    let names: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    let document = "query Q($names: [String!]) { events(filter: { name: { in: $names } }) { totalCount } }";
    check(document, json!({ "names": names }), "RESOURCE_EXHAUSTED", &["1001 values", "at most"]);
    let document = "query Q($or: [ResourceEventFilter!]) { events(filter: { or: $or }) { totalCount } }";
    let many = |number: usize| json!({ "or": vec![json!({ "kind": { "eq": "a" } }); number] });
    check(document, many(201), "RESOURCE_EXHAUSTED", &["201 comparisons", "at most"]);
    // The largest that is allowed is answered, and what is nested as deeply as a request may be.
    assert_eq!(ask_with(document, many(200))["events"]["totalCount"], 0);
    let deep = (0..30).fold(json!({ "kind": { "eq": "a" } }), |inner, _| json!({ "not": inner }));
    assert_eq!(ask_with(document, json!({ "or": [deep] }))["events"]["totalCount"], 0);
    let longest = "a".repeat(4 << 10);
    let found = ask(&format!("{{ events(filter: {{ path: {{ startsWith: \"{longest}\" }} }}) {{ totalCount }} }}"));
    assert_eq!(found["events"]["totalCount"], 0);
}

#[test]
fn trends_have_limits() {
    bad_input("{ eventTrend(timeZone: \"Europe/Atlantis\") { truncated } }", &["Europe/Atlantis", "IANA"]);
    bad_input("{ eventTrend(range: { from: \"2024-01-02\", to: \"2024-01-01\" }) { truncated } }", &["from", "to"]);
    for top in [-1, 0] {
        bad_input(&format!("{{ eventTrend(top: {top}) {{ truncated }} }}"), &["`top`", "1 or more"]);
    }
    for range in ["from: \"0000-01-01\", to: \"9999-12-31\"", "from: \"1990-01-01\"", "to: \"2090-01-01\""] {
        let document = format!("{{ eventTrend(bucket: HOUR, range: {{ {range} }}) {{ truncated }} }}");
        check(&document, json!({}), "RESOURCE_EXHAUSTED", &["10000 buckets", "wider"]);
    }
}

#[test]
fn a_failure_inside_is_told_without_its_cause() {
    let document = "{ events(first: 1) { totalCount } }";
    let response = respond_through(&world().failing_reader(), document, json!({}));
    check_response(document, &response, "INTERNAL", &["failed inside the server"]);
}

#[test]
fn pointers_are_checked() {
    for pointer in ["spec", " /spec", "#/spec"] {
        bad_input(
            &format!("{{ resources(first: 1) {{ nodes {{ content(pointer: \"{pointer}\") }} }} }}"),
            &["JSON pointer"],
        );
    }
}
