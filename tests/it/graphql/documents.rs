//! Documents that are named by their hash, and servers that run no others: by POST, by GET and by socket.

use std::fs;

use axum::http::{Method, StatusCode, header};
use kubestats::graphql::{Documents, Limits, Schema, schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Answer, context, send_to};
use super::sockets::Server;
use super::support::world;

const DOCUMENT: &str = "query Count($first: Int) { repositories(first: $first) { totalCount } }";

fn hash_of(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn post(schema: &Schema, body: &Value) -> Answer {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    send_to(context(schema.clone(), world().reader.clone()), Method::POST, "/graphql", &headers, &body.to_string())
}

fn get(schema: &Schema, parameters: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    send_to(context(schema.clone(), world().reader.clone()), Method::GET, &format!("/graphql?{query}"), &[], "")
}

/// The first answer to a payload over a socket.
fn subscribe(schema: &Schema, payload: &Value) -> Value {
    world().block_on(async {
        let server = Server::over(context(schema.clone(), world().reader.clone())).await;
        let mut client = server.ready().await;
        client.send(&json!({ "type": "subscribe", "id": "a", "payload": payload })).await;
        client.receive().await["payload"].take()
    })
}

#[track_caller]
fn counted(answer: &Value) {
    assert!(answer["data"]["repositories"]["totalCount"].is_u64() && answer.get("errors").is_none(), "{answer}");
}

#[track_caller]
fn refused(answer: &Value, code: &str, words: &str) {
    let errors = answer.get("errors").unwrap_or(answer);
    assert_eq!(errors[0]["extensions"]["code"], code, "{answer}");
    assert!(errors[0]["message"].as_str().unwrap().contains(words), "{answer}");
}

#[test]
fn a_document_that_came_with_its_hash_is_known_by_it() {
    let schema = schema(None, Limits::default());
    let hash = hash_of(DOCUMENT);
    let by_hash = json!({ "extensions": persisted(&hash), "variables": { "first": 1 } });
    // What clients of the protocol look for.
    refused(&post(&schema, &by_hash).json(), "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");
    counted(&post(&schema, &json!({ "query": DOCUMENT, "extensions": persisted(&hash) })).json());
    counted(&post(&schema, &by_hash).json());
    counted(&post(&schema, &json!({ "documentId": format!("sha256:{hash}") })).json());
    counted(&get(&schema, &[("extensions", &persisted(&hash).to_string())]).json());
    counted(&get(&schema, &[("documentId", &hash)]).json());
    counted(&subscribe(&schema, &by_hash));
    counted(&subscribe(&schema, &json!({ "documentId": hash.to_uppercase() })));
}

#[test]
fn a_document_that_was_answered_before_is_remembered_too() {
    let schema = schema(None, Limits::default());
    let hash = hash_of(DOCUMENT);
    counted(&post(&schema, &json!({ "query": DOCUMENT })).json());
    refused(&post(&schema, &json!({ "documentId": hash })).json(), "PERSISTED_QUERY_NOT_FOUND", "");
    let sent = json!({ "query": DOCUMENT, "extensions": persisted(&hash) });
    counted(&post(&schema, &sent).json());
    counted(&post(&schema, &json!({ "documentId": hash })).json());
}

#[test]
fn names_of_documents_are_checked() {
    let schema = schema(None, Limits::default());
    let hash = hash_of(DOCUMENT);
    let other = hash_of("{ __typename }");
    for (body, words) in [
        (json!({ "query": DOCUMENT, "extensions": persisted(&other) }), "not the SHA-256"),
        (json!({ "query": DOCUMENT, "documentId": other }), "not the SHA-256"),
        (json!({ "documentId": "abc" }), "64 hexadecimal digits"),
        (json!({ "extensions": persisted("abc") }), "64 hexadecimal digits"),
        (json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": hash } } }), "version 1"),
        (json!({ "extensions": { "persistedQuery": { "version": 1 } } }), "sha256Hash"),
        (json!({ "documentId": hash, "extensions": persisted(&hash) }), "not both"),
    ] {
        refused(&post(&schema, &body).json(), "BAD_USER_INPUT", words);
    }
    refused(&post(&schema, &json!({ "documentId": other })).json(), "PERSISTED_QUERY_NOT_FOUND", "");
}

#[test]
fn a_link_to_a_mutation_changes_nothing() {
    let schema = schema(None, Limits::default());
    let mutation = "mutation { syncAll { joined } }";
    let hash = hash_of(mutation);
    post(&schema, &json!({ "query": mutation, "extensions": persisted(&hash) }));
    assert_eq!(get(&schema, &[("documentId", &hash)]).status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_server_with_trusted_documents_runs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("charts")).unwrap();
    let file = format!("# How many there are\n{DOCUMENT}\n");
    fs::write(folder.path().join("charts/count.graphql"), &file).unwrap();
    fs::write(folder.path().join("notes.txt"), "{ no document").unwrap();
    let schema = schema(None, Limits::default()).knowing(Documents::trusted(folder.path()).unwrap());

    let hash = hash_of(&file);
    for body in [
        json!({ "query": file }),
        json!({ "query": file.trim() }),
        json!({ "documentId": hash }),
        json!({ "documentId": hash_of(file.trim()) }),
        json!({ "extensions": persisted(&hash) }),
        json!({ "query": file, "extensions": persisted(&hash) }),
    ] {
        counted(&post(&schema, &body).json());
        counted(&subscribe(&schema, &body));
    }
    counted(&get(&schema, &[("documentId", &hash)]).json());
    counted(&get(&schema, &[("query", &file)]).json());

    let other = hash_of("{ __typename }");
    for body in [
        json!({ "query": "{ __typename }" }),
        json!({ "query": "{ __typename }", "extensions": persisted(&other) }),
        json!({ "documentId": other }),
        json!({ "query": "{ __schema { queryType { name } } }" }),
    ] {
        refused(&post(&schema, &body).json(), "FORBIDDEN", "only the documents that it was given");
        refused(&subscribe(&schema, &body), "FORBIDDEN", "only the documents that it was given");
    }
    refused(&get(&schema, &[("query", "{ __typename }")]).json(), "FORBIDDEN", "trusted_documents");
}

#[test]
fn a_folder_of_trusted_documents_is_checked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = |folder: &std::path::Path| Documents::trusted(folder).err().unwrap().to_string();
    assert!(error(folder.path()).contains("there is no document"));
    assert!(error(&folder.path().join("nowhere")).contains("nowhere"));
    fs::write(folder.path().join("broken.graphql"), "{ a").unwrap();
    assert!(error(folder.path()).contains("broken.graphql"));
}
