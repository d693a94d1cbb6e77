//! GraphQL over WebSocket: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>, the subprotocol `graphql-transport-ws`.
//!
//! One task a connection reads, asks and writes in turn: a client that does not read is not asked for, and its events wait in the queue's
//! channel, which drops the older ones.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use async_graphql::{Request, Response};
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use futures_util::stream::{BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::caller::{caller, peer, refuse_socket};
use super::graphql::never_began;
use super::incoming::Incoming;
use super::peers::{PeerPlace, Peers};
use crate::graphql::{BODY_BYTES, Caller, Limit, answers, is_query, too_many_at_once, too_many_operations};

const PROTOCOL: &str = "graphql-transport-ws";
/// Connections at once.
const MAX_CONNECTIONS: usize = 1_000;
/// Of them from one address.
const MAX_OF_A_PEER: usize = MAX_CONNECTIONS / 10;
/// Bytes of the id that a client gives an operation.
const MAX_ID: usize = 256;
/// Time for the first message.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// A connection without any message is asked this often whether somebody is there, and given up after the longer time.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Time that a client gets to take one message.
const SEND_LIMIT: Duration = Duration::from_secs(20);

/// The open connections, and the word that ends them.
#[derive(Clone)]
pub struct Sockets {
    places: Arc<Semaphore>,
    peers: Peers,
    /// Queries that run, those of no socket included.
    requests: Peers,
    closing: CancellationToken,
}

/// The place of one connection, until it is dropped.
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_peer: PeerPlace,
}

impl Sockets {
    pub fn new(requests: Peers) -> Self {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { places, peers: Peers::new(MAX_OF_A_PEER), requests, closing: CancellationToken::new() }
    }

    /// A place for one more from this address.
    ///
    /// # Errors
    /// Why there is none.
    fn admit(&self, peer: IpAddr) -> Result<Place, &'static str> {
        let Ok(of_all) = self.places.clone().try_acquire_owned() else {
            return Err("too many sockets are open; try again later\n");
        };
        let Some(of_peer) = self.peers.admit(peer) else {
            return Err("too many sockets are open from your address; close one first\n");
        };
        Ok(Place { _of_all: of_all, _of_peer: of_peer })
    }

    pub const fn requests(&self) -> &Peers {
        &self.requests
    }

    /// Asks all connections to end.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until all have ended, for at most so long.
    pub async fn closed(&self, patience: Duration) {
        let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        if timeout(patience, self.places.acquire_many(all)).await.is_err() {
            tracing::warn!("sockets are left open");
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromClient {
    ConnectionInit {},
    Ping { payload: Option<Value> },
    Pong {},
    Subscribe { id: String, payload: Box<Incoming> },
    Complete { id: String },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromServer<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [async_graphql::ServerError],
    },
    Complete {
        id: &'a str,
    },
}

/// Why a connection ends: a code of the protocol, and a word for people. None: the client is gone.
type Ended = Option<(u16, String)>;

fn end<T>(code: u16, reason: impl Into<String>) -> Result<T, Ended> {
    Err(Some((code, reason.into())))
}

/// Whether a request asks for a socket instead of an answer.
pub fn is_asked_for(parts: &Parts) -> bool {
    let upgrade = parts.headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens a socket, if the request may have one.
pub async fn open(context: Context, sockets: Sockets, mut parts: Parts) -> axum::response::Response {
    if let Some(reason) = refuse_socket(&parts) {
        return (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response();
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]).max_message_size(BODY_BYTES).max_frame_size(BODY_BYTES),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        let message = format!("this socket speaks the subprotocol {PROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    let Some(peer) = peer(&parts) else { return StatusCode::FORBIDDEN.into_response() };
    let place = match sockets.admit(peer) {
        Ok(place) => place,
        Err(reason) => return (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    };
    let caller = caller(&parts);
    let client = Client { peer, caller, requests: sockets.requests };
    upgrade.on_upgrade(move |socket| Connection::new(context, client, socket).serve(sockets.closing, place))
}

/// Who is at the other end.
struct Client {
    peer: IpAddr,
    caller: Caller,
    requests: Peers,
}

struct Connection {
    context: Context,
    client: Client,
    socket: WebSocket,
    is_initialised: bool,
    operations: Operations,
    last_heard: Instant,
}

/// What a connection runs, by the ids its client gave. Who was answered longest ago is first.
#[derive(Default)]
struct Operations(VecDeque<(String, BoxStream<'static, Response>)>);

impl Operations {
    /// Whether there is room for one more.
    ///
    /// # Errors
    /// The end of the connection, for an id that is none, or another operation's.
    fn admit(&self, id: &str) -> Result<bool, Ended> {
        if id.is_empty() || id.len() > MAX_ID {
            return end(4400, "an id has 1 to 256 bytes");
        }
        if self.0.iter().any(|(other, _)| other == id) {
            return end(4409, format!("Subscriber for {id} already exists"));
        }
        Ok((self.0.len() as u64) < Limit::SocketOperations.usual())
    }

    fn insert(&mut self, id: String, answers: BoxStream<'static, Response>) {
        self.0.push_back((id, answers));
    }

    fn remove(&mut self, id: &str) {
        self.0.retain(|(other, _)| other != id);
    }

    /// The next answer of any; `None` with it: the operation is complete. One that always has an answer keeps no other waiting.
    fn poll(&mut self, context: &mut TaskContext<'_>) -> Poll<(String, Option<Response>)> {
        for place in 0..self.0.len() {
            if let Poll::Ready(answer) = self.0[place].1.poll_next_unpin(context) {
                let answered = self.0.remove(place).expect("it was polled a moment ago");
                let id = answered.0.clone();
                self.0.push_back(answered);
                return Poll::Ready((id, answer));
            }
        }
        Poll::Pending
    }
}

impl Connection {
    fn new(context: Context, client: Client, socket: WebSocket) -> Self {
        let operations = Operations::default();
        Self { context, client, socket, is_initialised: false, operations, last_heard: Instant::now() }
    }

    /// Serves until either side ends it. `_place` is free again afterwards.
    async fn serve(mut self, closing: CancellationToken, _place: Place) {
        let ended = tokio::select! {
            ended = self.run() => ended,
            () = closing.cancelled() => Some((1001, "the server is shutting down".to_owned())),
        };
        if let Some((code, reason)) = ended {
            // No reason may have more bytes than fit a control frame.
            let reason: String = reason.chars().take(40).collect();
            let frame = CloseFrame { code, reason: reason.into() };
            // The client may be gone already.
            let _ = timeout(SEND_LIMIT, self.socket.send(Message::Close(Some(frame)))).await;
        }
    }

    async fn run(&mut self) -> Ended {
        let deadline = Instant::now() + INIT_LIMIT;
        let mut ping = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        loop {
            let step = tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) | None => Err(None),
                },
                (id, answer) = poll_fn(|context| self.operations.poll(context)) => self.tell(&id, answer).await,
                _ = ping.tick() => self.ask_whether_somebody_is_there().await,
                () = sleep_until(deadline), if !self.is_initialised => end(4408, "Connection initialisation timeout"),
            };
            if let Err(ended) = step {
                return ended;
            }
        }
    }

    async fn ask_whether_somebody_is_there(&mut self) -> Result<(), Ended> {
        if self.last_heard.elapsed() > SILENCE_LIMIT {
            return Err(None);
        }
        self.write(Message::Ping(Default::default())).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), Ended> {
        self.last_heard = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => return end(4400, "messages are text"),
            Message::Close(_) => return Err(None),
        };
        match serde_json::from_str(&text) {
            Ok(FromClient::ConnectionInit {}) if self.is_initialised => end(4429, "Too many initialisation requests"),
            Ok(FromClient::ConnectionInit {}) => {
                self.is_initialised = true;
                self.send(&FromServer::ConnectionAck).await
            }
            Ok(FromClient::Ping { payload }) => self.send(&FromServer::Pong { payload }).await,
            Ok(FromClient::Pong {}) => Ok(()),
            Ok(FromClient::Subscribe { .. }) if !self.is_initialised => end(4401, "Unauthorized"),
            Ok(FromClient::Subscribe { id, payload }) => self.begin(id, (*payload).into()).await,
            Ok(FromClient::Complete { id }) => {
                self.operations.remove(&id);
                Ok(())
            }
            Err(_) => end(4400, "no message of graphql-transport-ws"),
        }
    }

    async fn begin(&mut self, id: String, mut request: Request) -> Result<(), Ended> {
        if !self.operations.admit(&id)? {
            let refused = too_many_operations();
            return self.send(&FromServer::Error { id: &id, payload: &refused.errors }).await;
        }
        let Context { schema, reader, jobs, .. } = &self.context;
        // A subscription waits for most of its life; a query counts like one that comes without a socket.
        let place = match is_query(schema, &mut request) {
            Ok(true) => match self.client.requests.admit(self.client.peer) {
                Some(place) => Some(place),
                None => {
                    let refused = too_many_at_once(schema.limits());
                    return self.send(&FromServer::Error { id: &id, payload: &refused.errors }).await;
                }
            },
            _ => None,
        };
        let answers = answers(schema, reader, jobs.as_ref(), request.data(self.client.caller));
        let answers = answers.inspect(move |_| {
            let _held = &place;
        });
        self.operations.insert(id, answers.boxed());
        Ok(())
    }

    async fn tell(&mut self, id: &str, answer: Option<Response>) -> Result<(), Ended> {
        match answer {
            // What did not begin has no result, and no end but this.
            Some(refused) if never_began(&refused) => {
                self.operations.remove(id);
                self.send(&FromServer::Error { id, payload: &refused.errors }).await
            }
            Some(answer) => self.send(&FromServer::Next { id, payload: &answer }).await,
            None => {
                self.operations.remove(id);
                self.send(&FromServer::Complete { id }).await
            }
        }
    }

    async fn send(&mut self, message: &FromServer<'_>) -> Result<(), Ended> {
        match serde_json::to_string(message) {
            Ok(json) => self.write(Message::Text(json.into())).await,
            Err(error) => {
                tracing::error!(%error, "a message of a socket cannot be written as JSON");
                end(1011, "Internal server error")
            }
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), Ended> {
        match timeout(SEND_LIMIT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[test]
    fn ids_are_unique_and_operations_few() {
        let mut operations = Operations::default();
        for number in 0..Limit::SocketOperations.usual() {
            let id = number.to_string();
            assert_eq!(operations.admit(&id), Ok(true));
            operations.insert(id, stream::pending().boxed());
        }
        assert_eq!(operations.admit("one more"), Ok(false));
        assert_eq!(operations.admit("7"), Err(Some((4409, "Subscriber for 7 already exists".to_owned()))));
        operations.remove("7");
        assert_eq!(operations.admit("7"), Ok(true));
        for id in ["", &"i".repeat(MAX_ID + 1)] {
            assert!(matches!(operations.admit(id), Err(Some((4400, _)))));
        }
    }

    #[tokio::test]
    async fn answers_of_all_operations_are_taken() {
        let mut operations = Operations::default();
        operations.insert("open".to_owned(), stream::pending().boxed());
        operations.insert("over".to_owned(), stream::empty().boxed());
        let (id, answer) = poll_fn(|context| operations.poll(context)).await;
        assert!(id == "over" && answer.is_none());
    }

    #[tokio::test]
    async fn an_operation_that_always_has_an_answer_keeps_no_other_waiting() {
        let mut operations = Operations::default();
        for id in ["one", "two", "three"] {
            operations.insert(id.to_owned(), stream::repeat_with(|| Response::new(())).boxed());
        }
        let mut told = Vec::new();
        for _ in 0..6 {
            told.push(poll_fn(|context| operations.poll(context)).await.0);
        }
        assert_eq!(told, ["one", "two", "three", "one", "two", "three"]);
    }
}
