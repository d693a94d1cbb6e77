//! A live GraphQL subscription, as a browser keeps one: graphql-transport-ws over a real socket.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::process::PATIENCE;

/// One that is under way; it ends with this value.
pub struct Subscription {
    runtime: Runtime,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Subscription {
    /// Subscribes; what happens from now on is told.
    #[track_caller]
    pub fn start(address: SocketAddr, document: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, _) = runtime.block_on(connect_async(request)).unwrap();
        let mut subscription = Self { runtime, socket };
        subscription.send(&json!({ "type": "connection_init" }));
        assert_eq!(subscription.receive()["type"], "connection_ack");
        subscription.send(&json!({ "type": "subscribe", "id": "1", "payload": { "query": document } }));
        // Messages are treated in their order.
        subscription.send(&json!({ "type": "ping" }));
        assert_eq!(subscription.receive()["type"], "pong");
        subscription
    }

    /// Waits for the next answer; its `data`.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        let mut message = self.receive();
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

    fn send(&mut self, message: &Value) {
        self.runtime.block_on(self.socket.send(Message::text(message.to_string()))).unwrap();
    }

    #[track_caller]
    fn receive(&mut self) -> Value {
        loop {
            let next = self.runtime.block_on(async { timeout(PATIENCE, self.socket.next()).await });
            match next.expect("the server says something") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
