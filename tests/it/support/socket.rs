//! GraphQL over WebSocket (graphql-transport-ws), as a browser speaks it: single messages, and subscriptions that are waited for.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::process::PATIENCE;

/// A client of one socket.
pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// A client that speaks the protocol.
    pub async fn speaking(address: SocketAddr) -> Self {
        Self::connect(address, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
    }

    /// One that has introduced itself.
    pub async fn ready(address: SocketAddr) -> Self {
        let mut client = Self::speaking(address).await;
        client.send(&json!({ "type": "connection_init", "payload": {} })).await;
        assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
        client
    }

    pub async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server says something") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return other,
            }
        }
    }

    pub async fn receive(&mut self) -> Value {
        match self.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The code that the server closes with.
    pub async fn closed(&mut self) -> u16 {
        match self.next().await {
            Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
            other => panic!("{other:?}"),
        }
    }
}

/// The message that runs an operation.
pub fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

/// A subscription for tests that do nothing else meanwhile; it ends with this value.
pub struct Subscription {
    runtime: Runtime,
    client: Client,
}

impl Subscription {
    /// Subscribes; what happens from now on is told.
    #[track_caller]
    pub fn start(address: SocketAddr, document: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut client = runtime.block_on(Client::ready(address));
        runtime.block_on(async {
            client.send(&subscribe("told", document)).await;
            // Messages are handled in their order: when this one is answered, the subscription has begun.
            client.send(&subscribe("after", "{ __typename }")).await;
            for kind in ["next", "complete"] {
                let message = client.receive().await;
                assert_eq!((&message["type"], &message["id"]), (&json!(kind), &json!("after")), "{message}");
            }
        });
        Self { runtime, client }
    }

    /// Waits for the next answer; its `data`.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        let mut message = self.runtime.block_on(self.client.receive());
        assert_eq!((&message["type"], &message["payload"]["errors"]), (&json!("next"), &Value::Null), "{message}");
        message["payload"]["data"].take()
    }

    /// Waits for an answer that `is_wanted` picks; passes over the others.
    #[track_caller]
    pub fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let data = self.next();
            if is_wanted(&data) {
                return data;
            }
        }
    }
}
