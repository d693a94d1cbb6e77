//! An insert whose rows come in the body: all of them are stored, or none.

use super::chdb::Statistics;
use super::exception::{Exception, code};
use super::host::Host;
use super::query::{QUERY_ID_HEADER, SUMMARY_HEADER, header_value, summary};
use super::request::Request;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task;

// Pieces of the body the client may be ahead of the engine.
const PIECES_AHEAD: usize = 8;

/// What travels from the body to the engine. Only `End` stores the rows: a channel that closes without one means
/// that the body was cut short.
enum Piece {
    Rows(Bytes),
    End,
}

/// Stores the rows of `body`.
///
/// # Errors
/// The engine's exception, or NETWORK_ERROR (210) for a body cut short; nothing is stored then.
pub(super) async fn store(host: Arc<Host>, request: Request, body: Body) -> Result<Response, Exception> {
    let slot = host.slot().await?;
    let query_id = request.query_id.clone();
    let (pieces, received) = mpsc::channel(PIECES_AHEAD);
    let worker = task::spawn_blocking(move || {
        let _slot = slot;
        insert(&host, &request, received)
    });
    let read = pass_on(body, pieces).await;
    let stored = worker.await.unwrap_or_else(|_| {
        Err(Exception::new(code::UNKNOWN_EXCEPTION, "the insert's thread ended without an answer"))
    });
    read?;
    let statistics = stored?;
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(QUERY_ID_HEADER, header_value(&query_id));
    response.headers_mut().insert(SUMMARY_HEADER, header_value(&summary(&statistics)));
    Ok(response)
}

async fn pass_on(body: Body, pieces: mpsc::Sender<Piece>) -> Result<(), Exception> {
    let mut body = body.into_data_stream();
    while let Some(rows) = body.next().await {
        let rows = rows.map_err(|error| cut_short(&error))?;
        // After a failure the rest is read and thrown away: a client that still writes would not see the answer.
        let _ = pieces.send(Piece::Rows(rows)).await;
    }
    let _ = pieces.send(Piece::End).await;
    Ok(())
}

fn insert(host: &Host, request: &Request, mut pieces: mpsc::Receiver<Piece>) -> Result<Statistics, Exception> {
    let connection = host.open(request)?;
    let from_engine = |text: String| Exception::from_engine(&text);
    let mut stream = connection.insert(&request.sql, &request.format, &request.parameters).map_err(from_engine)?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Rows(rows)) if stream.append(&rows) => {}
            // `finish` gives the reason of a refused piece.
            Some(Piece::Rows(_) | Piece::End) => return stream.finish().map_err(from_engine),
            None => return Err(cut_short(&"the client went away")),
        }
    }
}

fn cut_short(reason: &dyn std::fmt::Display) -> Exception {
    Exception::new(code::NETWORK_ERROR, format!("the request's body was cut short, nothing was stored: {reason}"))
}
