//! Relay connections: paged forward and backward in every order, each row comes exactly once.

use serde_json::{Value, json};

use super::support::ask_with;

/// A list, an order of it, and what tells its rows apart.
struct List {
    field: &'static str,
    order: String,
    key: &'static str,
}

#[test]
fn pages_in_both_directions_give_each_row_once() {
    let lists = lists();
    assert_eq!(lists.len(), 4 + 2 * (1 + 1 + 1 + 4 + 3 + 3 + 6) + 1);
    for list in lists {
        let name = format!("{}{}", list.field, list.order);
        let whole = page(&list, json!({ "first": 500 }));
        let rows = keys(&whole, list.key);
        assert!(rows.len() > 1, "{name}");
        assert_eq!(json!(rows.len()), whole["totalCount"], "{name}");
        assert_unique(&rows, &name);
        // A few pages, and one that the list fills exactly.
        for size in [1.max(rows.len() / 3), rows.len()] {
            assert_eq!(forward(&list, size), rows, "{name}, {size} forward");
            assert_eq!(backward(&list, size), rows, "{name}, {size} backward");
        }
    }
}

#[test]
fn a_page_between_two_cursors_holds_what_lies_between() {
    let list = List { field: "events", order: String::new(), key: "id" };
    let whole = page(&list, json!({ "first": 20 }));
    let rows = keys(&whole, "id");
    let cursor = |index: usize| whole["edges"][index]["cursor"].clone();
    let between = json!({ "after": cursor(4), "before": cursor(15) });
    assert_eq!(keys(&page(&list, between.clone()), "id"), rows[5..15]);

    let first = page(&list, merged(&between, "first", 3));
    assert_eq!(keys(&first, "id"), rows[5..8]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let last = page(&list, merged(&between, "last", 3));
    assert_eq!(keys(&last, "id"), rows[12..15]);
    assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
}

#[test]
fn an_empty_page_has_no_cursors() {
    let list = List { field: "events", order: String::new(), key: "id" };
    let none = page(&list, json!({ "first": 0 }));
    assert_eq!(keys(&none, "id"), Vec::<String>::new());
    assert_eq!(none["pageInfo"]["startCursor"], Value::Null);
    assert_eq!(none["pageInfo"]["endCursor"], Value::Null);
    assert_eq!(none["pageInfo"]["hasNextPage"], true, "rows follow the empty page");
    assert_eq!(none["pageInfo"]["hasPreviousPage"], false);
}

#[test]
fn a_page_without_a_size_has_fifty_rows() {
    let list = List { field: "events", order: String::new(), key: "id" };
    assert_eq!(keys(&page(&list, json!({})), "id").len(), 50);
}

/// Every list in every order, both directions, with a second key where there is one.
fn lists() -> Vec<List> {
    let mut lists = vec![
        List { field: "events", order: String::new(), key: "id" },
        List { field: "charts", order: String::new(), key: "id" },
        List { field: "images", order: String::new(), key: "id" },
        List { field: "repositoryMetrics", order: String::new(), key: "recordedAt" },
    ];
    let orders = [
        ("events", ["TIME"].as_slice()),
        ("scanFailures", &["TIME"]),
        ("chartVersionChanges", &["TIME"]),
        ("charts", &["REPOSITORY_COUNT", "RELEASE_COUNT", "NAME", "IDENTITY"]),
        ("images", &["REPOSITORY_COUNT", "RESOURCE_COUNT", "REPOSITORY"]),
        ("repositories", &["FULL_NAME", "RESOURCE_COUNT", "HEAD_TIME"]),
        ("resources", &["KIND", "NAMESPACE", "NAME", "PATH", "CREATED_AT", "UPDATED_AT"]),
    ];
    for (field, keys) in orders {
        for key in keys {
            for direction in ["ASC", "DESC"] {
                let order = format!(", orderBy: [{{ field: {key}, direction: {direction} }}]");
                let key = match field {
                    "scanFailures" => "commitId path",
                    "chartVersionChanges" => "commitId time",
                    _ => "id",
                };
                lists.push(List { field, order, key });
            }
        }
    }
    let order = ", orderBy: [{ field: NAMESPACE, direction: DESC }, { field: CREATED_AT }]".to_owned();
    lists.push(List { field: "resources", order, key: "id" });
    lists
}

fn forward(list: &List, size: usize) -> Vec<String> {
    let (mut rows, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = page(list, json!({ "first": size, "after": after }));
        let info = &page["pageInfo"];
        assert_eq!(info["hasPreviousPage"], json!(!after.is_null()), "{}{}", list.field, list.order);
        check_cursors(&page);
        rows.extend(keys(&page, list.key));
        after = info["endCursor"].clone();
        if info["hasNextPage"] == false {
            return rows;
        }
        assert_eq!(keys(&page, list.key).len(), size, "a full page before the last");
    }
}

fn backward(list: &List, size: usize) -> Vec<String> {
    let (mut rows, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = page(list, json!({ "last": size, "before": before }));
        let info = &page["pageInfo"];
        assert_eq!(info["hasNextPage"], json!(!before.is_null()), "{}{}", list.field, list.order);
        check_cursors(&page);
        rows.splice(0..0, keys(&page, list.key));
        before = info["startCursor"].clone();
        if info["hasPreviousPage"] == false {
            return rows;
        }
        assert_eq!(keys(&page, list.key).len(), size, "a full page before the first");
    }
}

#[track_caller]
fn page(list: &List, variables: Value) -> Value {
    let List { field, order, key } = list;
    let document = format!(
        "query Page($first: Int, $after: String, $last: Int, $before: String) {{ \
             {field}(first: $first, after: $after, last: $last, before: $before{order}) {{ \
                 totalCount edges {{ cursor node {{ {key} }} }} nodes {{ {key} }} \
                 pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    ask_with(&document, variables)[field].take()
}

/// The edges are the nodes, and `pageInfo` has the cursors of the first and the last.
fn check_cursors(page: &Value) {
    let edges = page["edges"].as_array().unwrap();
    let nodes: Vec<&Value> = edges.iter().map(|edge| &edge["node"]).collect();
    assert_eq!(nodes, page["nodes"].as_array().unwrap().iter().collect::<Vec<_>>());
    let cursor = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
    assert_eq!(page["pageInfo"]["startCursor"], cursor(edges.first()));
    assert_eq!(page["pageInfo"]["endCursor"], cursor(edges.last()));
}

/// What tells each row of a page apart from the others.
fn keys(page: &Value, key: &str) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| key.split(' ').map(|field| node[field].as_str().unwrap()).collect()).collect()
}

fn merged(variables: &Value, name: &str, size: u32) -> Value {
    let mut variables = variables.clone();
    variables[name] = json!(size);
    variables
}

fn assert_unique(rows: &[String], name: &str) {
    let distinct: std::collections::HashSet<&String> = rows.iter().collect();
    assert_eq!(distinct.len(), rows.len(), "{name}");
}
