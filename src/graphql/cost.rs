//! What a request cost, for whoever asks: `{"extensions": {"cost": true}}` beside its document. Only what is known to be true is told.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Request, Value};
use bytes::{BufMut, Bytes, BytesMut};

use crate::store::{Meter, Reader};

/// The extension of requests that ask for it, and of the answers that tell it.
const EXTENSION: &str = "cost";

/// What is measured while a request is answered.
pub struct Cost {
    meter: Arc<Meter>,
    began: Instant,
}

impl Cost {
    /// `None`: nobody asks for it.
    pub fn wanted(request: &Request) -> Option<Self> {
        let is_wanted = request.extensions.get(EXTENSION) == Some(&Value::Boolean(true));
        is_wanted.then(|| Self { meter: Arc::default(), began: Instant::now() })
    }

    /// A reader that measures what it reads.
    pub fn reader(&self, reader: &Reader) -> Reader {
        reader.clone().metered(self.meter.clone())
    }

    /// The cost until now. `is_kept`: the whole answer was in memory.
    pub fn value(&self, complexity: u64, is_kept: bool) -> Value {
        let mut fields = IndexMap::new();
        let mut tell = |name: &str, value: Value| {
            fields.insert(Name::new(name), value);
        };
        tell("complexity", complexity.into());
        tell("fromCache", is_kept.into());
        tell("questions", self.meter.questions().into());
        if let Some((rows, bytes)) = self.meter.read() {
            tell("rowsRead", rows.into());
            tell("bytesRead", bytes.into());
        }
        tell("milliseconds", (self.began.elapsed().as_micros() as f64 / 1e3).into());
        Value::Object(fields)
    }

    /// An answer in JSON, which has no extensions, with its cost.
    pub fn beside(&self, answer: &Bytes, complexity: u64, is_kept: bool) -> Bytes {
        let cost = serde_json::json!({ EXTENSION: self.value(complexity, is_kept) });
        let Some(open) = answer.strip_suffix(b"}") else { return answer.clone() };
        let extension = format!(",\"extensions\":{cost}}}");
        let mut told = BytesMut::with_capacity(open.len() + extension.len());
        told.put_slice(open);
        told.put_slice(extension.as_bytes());
        told.freeze()
    }

    /// Tells it with a response.
    pub fn tell(&self, response: &mut async_graphql::Response, complexity: u64) {
        response.extensions.insert(EXTENSION.to_owned(), self.value(complexity, false));
    }
}
