//! GraphQL over WebSocket: the protocol, with a real client and a real port.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::SinkExt;
use kubestats::http::{Context, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::http::context;
use super::support::world;
use crate::support::socket::{Client, subscribe};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        Self::over(context(world().schema.clone(), world().reader.clone())).await
    }

    pub async fn over(context: Context) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(serve(listener, context, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), ended }
    }

    async fn connect(&self, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        Client::connect(self.address, headers).await
    }

    async fn client(&self) -> Client {
        Client::speaking(self.address).await
    }

    pub async fn ready(&self) -> Client {
        Client::ready(self.address).await
    }
}

#[test]
fn queries_are_answered_and_completed() {
    world().block_on(async {
        let server = Server::start().await;
        let mut client = server.ready().await;
        client.send(&subscribe("a", "{ repositories { totalCount } }")).await;
        let data = json!({ "data": { "repositories": { "totalCount": 5 } } });
        assert_eq!(client.receive().await, json!({ "type": "next", "id": "a", "payload": data }));
        assert_eq!(client.receive().await, json!({ "type": "complete", "id": "a" }));
        // The id is free again.
        client.send(&subscribe("a", "{ __typename }")).await;
        assert_eq!(client.receive().await["payload"], json!({ "data": { "__typename": "Query" } }));
    });
}

#[test]
fn what_cannot_be_run_is_an_error_message() {
    world().block_on(async {
        let server = Server::start().await;
        let mut client = server.ready().await;
        for document in ["{", "{ nothing }", "subscription { nothing }"] {
            client.send(&subscribe("a", document)).await;
            let answer = client.receive().await;
            assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!("a")), "{answer}");
            assert_eq!(answer["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        }
    });
}

#[test]
fn deep_nesting_is_refused_on_a_socket_that_stays_open() {
    world().block_on(async {
        let server = Server::start().await;
        let mut client = server.ready().await;
        let filter = (0..50).fold(json!({}), |inner, _| json!({ "not": inner }));
        for operation in ["query", "subscription"] {
            let field = if operation == "query" { "events" } else { "eventsRecorded" };
            let document = format!("{operation} Q($f: ResourceEventFilter) {{ {field}(filter: $f) {{ __typename }} }}");
            let mut message = subscribe("a", &document);
            message["payload"]["variables"] = json!({ "f": filter });
            client.send(&message).await;
            let answer = client.receive().await;
            assert_eq!(answer["type"], "error", "{answer}");
            assert_eq!(answer["payload"][0]["extensions"]["limit"], "nesting", "{answer}");
        }
        client.send(&subscribe("a", "{ __typename }")).await;
        assert_eq!(client.receive().await["type"], "next");
    });
}

#[test]
fn mutations_follow_the_rule_of_requests() {
    world().block_on(async {
        let server = Server::start().await;
        let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
        for (headers, code) in
            [(vec![protocol], "UNAVAILABLE"), (vec![protocol, ("x-forwarded-for", "192.0.2.1")], "FORBIDDEN")]
        {
            let mut client = server.connect(&headers).await.unwrap();
            client.send(&json!({ "type": "connection_init" })).await;
            client.receive().await;
            client.send(&subscribe("a", "mutation { syncAll { joined } }")).await;
            let answer = client.receive().await;
            assert_eq!(answer["payload"]["errors"][0]["extensions"]["code"], code, "{answer}");
        }
    });
}

#[test]
fn pings_are_answered() {
    world().block_on(async {
        let server = Server::start().await;
        let mut client = server.client().await;
        client.send(&json!({ "type": "ping", "payload": { "a": 1 } })).await;
        assert_eq!(client.receive().await, json!({ "type": "pong", "payload": { "a": 1 } }));
        client.send(&json!({ "type": "ping" })).await;
        assert_eq!(client.receive().await, json!({ "type": "pong" }));
    });
}

#[test]
fn mistakes_have_the_codes_of_the_protocol() {
    world().block_on(async {
        let server = Server::start().await;
        let init = json!({ "type": "connection_init" });
        let long = subscribe(&"i".repeat(300), "{ __typename }");
        for (messages, code) in [
            (vec![subscribe("a", "{ __typename }")], 4401),
            (vec![init.clone(), init.clone()], 4429),
            (vec![init.clone(), json!({ "type": "start", "id": "a", "payload": { "query": "{__typename}" } })], 4400),
            (vec![init.clone(), json!("connection_init")], 4400),
            (vec![init.clone(), long], 4400),
        ] {
            let mut client = server.client().await;
            for message in &messages {
                client.send(message).await;
            }
            if messages.len() > 1 {
                client.receive().await;
            }
            assert_eq!(client.closed().await, code, "{messages:?}");
        }
    });
}

#[test]
fn strangers_get_no_socket() {
    world().block_on(async {
        let server = Server::start().await;
        let own = format!("http://{}", server.address);
        let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
        assert!(server.connect(&[protocol, ("origin", &own)]).await.is_ok());
        for (headers, status) in [
            (vec![protocol, ("origin", "http://evil.example")], 403),
            (vec![protocol, ("host", "evil.example")], 403),
            (vec![("sec-websocket-protocol", "graphql-ws")], 400),
            (vec![], 400),
        ] {
            match server.connect(&headers).await {
                Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status, "{headers:?}"),
                other => panic!("{headers:?}: {:?}", other.map(|_| ())),
            }
        }
    });
}

#[test]
fn messages_have_a_limit() {
    world().block_on(async {
        let server = Server::start().await;
        let mut client = server.ready().await;
        let ping = |bytes: usize| json!({ "type": "ping", "payload": { "a": "x".repeat(bytes) } });
        client.send(&ping((1 << 20) - 100)).await;
        assert_eq!(client.receive().await["type"], "pong");
        // A byte more than it may be would be answered as well.
        let sent = client.0.send(Message::text(ping(1 << 20).to_string())).await;
        let answer = client.next().await;
        assert!(sent.is_err() || !matches!(answer, Some(Ok(Message::Text(_)))), "{answer:?}");
    });
}

#[test]
fn the_end_of_the_server_is_told() {
    world().block_on(async {
        let mut server = Server::start().await;
        let mut client = server.ready().await;
        server.stop.take().unwrap().send(()).unwrap();
        assert_eq!(client.closed().await, 1001);
        timeout(PATIENCE, server.ended).await.unwrap().unwrap().unwrap();
    });
}
