//! Documents that are named in place of being sent.
//!
//! Clients that speak the protocol of automatic persisted queries
//! (<https://www.apollographql.com/docs/apollo-server/performance/apq>) send a document's SHA-256 hash alone; one that is not known yet
//! is sent once with its hash. A server may also be given a folder of trusted documents: it then runs those and nothing else.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::{Error, Request, Value};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::error::{Code, bad_input, error};

/// Bytes of the documents that are remembered; those that nobody asks for go first.
const REMEMBERED: u64 = 16 << 20;
/// The extension of the protocol.
const PERSISTED_QUERY: &str = "persistedQuery";
/// What an id of a document may begin with.
const ALGORITHM: &str = "sha256:";
/// How files of documents end.
const ENDINGS: [&str; 2] = ["graphql", "gql"];

/// The id of a document that a request names: the SHA-256 hash of its text, perhaps with `sha256:` before it.
pub struct DocumentId(pub String);

/// A folder of trusted documents that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", .path.display())]
    Syntax { path: PathBuf, reason: String },
    #[error("{}: there is no document (*.graphql, *.gql) in it", .0.display())]
    Empty(PathBuf),
}

/// The documents that are known by their hash.
#[derive(Clone)]
pub enum Documents {
    /// Any may be sent; those that came with their hash are remembered.
    Remembered(Cache<String, Arc<str>>),
    /// No other is run.
    Trusted(Arc<HashMap<String, Arc<str>>>),
}

impl Default for Documents {
    fn default() -> Self {
        let weigher = |hash: &String, text: &Arc<str>| u32::try_from(hash.len() + text.len()).unwrap_or(u32::MAX);
        Self::Remembered(Cache::builder().max_capacity(REMEMBERED).weigher(weigher).build())
    }
}

impl Documents {
    /// The documents of a folder and those below it.
    ///
    /// # Errors
    /// When a file cannot be read or is no document, or there is none at all.
    pub fn trusted(folder: &Path) -> Result<Self, DocumentsError> {
        let mut known = HashMap::new();
        read_folder(folder, &mut known)?;
        if known.is_empty() {
            return Err(DocumentsError::Empty(folder.to_owned()));
        }
        Ok(Self::Trusted(Arc::new(known)))
    }

    /// Gives a request the text of the document that it names.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_FOUND`: the client sends the text once more. `FORBIDDEN`: the document is not trusted.
    pub fn resolve(&self, request: &mut Request) -> Result<(), Error> {
        let named = hash_that_is_named(request)?;
        if named.is_none() && matches!(self, Self::Remembered(_)) {
            return Ok(());
        }
        if !request.query.is_empty() {
            let hash = hash_of(&request.query);
            if named.as_ref().is_some_and(|named| *named != hash) {
                return Err(bad_input("the hash is not the SHA-256 of the document that came with it"));
            }
            return match self {
                Self::Trusted(known) if known.contains_key(&hash) => Ok(()),
                Self::Trusted(known) if known.contains_key(&hash_of(request.query.trim())) => Ok(()),
                Self::Trusted(_) => Err(not_trusted()),
                Self::Remembered(cache) => {
                    cache.insert(hash, request.query.as_str().into());
                    Ok(())
                }
            };
        }
        let Some(named) = named else { return Ok(()) };
        let text = match self {
            Self::Trusted(known) => known.get(&named).cloned().ok_or_else(not_trusted)?,
            // The message is the one that clients of the protocol look for.
            Self::Remembered(cache) => {
                cache.get(&named).ok_or_else(|| error(Code::PersistedQueryNotFound, "PersistedQueryNotFound"))?
            }
        };
        request.query = text.to_string();
        Ok(())
    }
}

/// Whether a request names its document.
pub fn is_named(request: &Request) -> bool {
    request.extensions.contains_key(PERSISTED_QUERY) || document_id(request).is_some()
}

fn document_id(request: &Request) -> Option<&str> {
    let id = request.data.get(&std::any::TypeId::of::<DocumentId>())?;
    id.downcast_ref().map(|DocumentId(id)| id.as_str())
}

/// # Errors
/// For an extension or id of another form.
fn hash_that_is_named(request: &Request) -> Result<Option<String>, Error> {
    let hash = match (request.extensions.get(PERSISTED_QUERY), document_id(request)) {
        (None, None) => return Ok(None),
        (None, Some(id)) => id.strip_prefix(ALGORITHM).unwrap_or(id),
        (Some(Value::Object(persisted)), None) if persisted.get("version") == Some(&Value::from(1)) => {
            match persisted.get("sha256Hash") {
                Some(Value::String(hash)) => hash.as_str(),
                _ => return Err(bad_input("`extensions.persistedQuery.sha256Hash` holds no hash")),
            }
        }
        (Some(_), None) => return Err(bad_input("`extensions.persistedQuery` is known in version 1 alone")),
        (Some(_), Some(_)) => return Err(bad_input("give `documentId` or `extensions.persistedQuery`, not both")),
    };
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad_input("a document is named by the SHA-256 of its text in 64 hexadecimal digits"));
    }
    Ok(Some(hash.to_ascii_lowercase()))
}

fn not_trusted() -> Error {
    let message =
        "this server runs only the documents that it was given (query.trusted_documents), and this is none of them";
    error(Code::Forbidden, message)
}

fn hash_of(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// Documents by the hash of their text, and by that of the text without the space around it: clients seldom send a file's last line break.
fn read_folder(folder: &Path, known: &mut HashMap<String, Arc<str>>) -> Result<(), DocumentsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DocumentsError::File { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_dir() {
            read_folder(&path, known)?;
            continue;
        }
        if !path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        if let Err(error) = parse_query(&text) {
            return Err(DocumentsError::Syntax { path, reason: error.to_string() });
        }
        for text in [text.trim(), text.as_str()] {
            known.insert(hash_of(text), text.into());
        }
    }
    Ok(())
}
