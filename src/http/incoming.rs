//! A request as clients send it.

use async_graphql::Request;
use serde::Deserialize;

use crate::graphql::DocumentId;

/// Perhaps with the id of a document in place of its text.
#[derive(Deserialize)]
pub struct Incoming {
    #[serde(default, rename = "documentId")]
    document_id: Option<String>,
    #[serde(flatten)]
    request: Request,
}

impl From<Incoming> for Request {
    fn from(Incoming { document_id, request }: Incoming) -> Self {
        match document_id {
            Some(id) => request.data(DocumentId(id)),
            None => request,
        }
    }
}
