//! Ids. All but a run's are UUIDv5 of what the thing is, so that scanning twice gives the same ids.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The one namespace of every id that kubestats derives (random, fixed for ever).
const NAMESPACE: Uuid = Uuid::from_u128(0x5c1f_3b8e_92a4_4d0b_8f6e_1d7a_c0b5_e921);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A repository's id. Never changes once given; later names of the repository are aliases.
    RepositoryId
}
id! {
    /// A resource's id: kept through moves and modifications, new when the resource is created again.
    ResourceId
}
id! {
    /// An event's id.
    EventId
}
id! {
    /// One run of a scan.
    RunId
}

impl RepositoryId {
    /// The id a repository gets when its first alias (normalised URL or canonical path) is seen.
    pub fn from_alias(alias: &str) -> Self {
        Self(derive(&[b"repository", alias.as_bytes()]))
    }
}

impl ResourceId {
    /// A resource by repository, commit and identity of its CREATED event.
    ///
    /// `commit` is the hexadecimal commit id; `identity` holds group, kind, namespace (empty for none) and name.
    pub fn new(repository: RepositoryId, commit: &str, identity: [&str; 4], path: &[u8], ordinal: u32) -> Self {
        let [group, kind, namespace, name] = identity.map(str::as_bytes);
        let ordinal = ordinal.to_be_bytes();
        Self(derive(&[
            b"resource",
            repository.0.as_bytes(),
            commit.as_bytes(),
            group,
            kind,
            namespace,
            name,
            path,
            &ordinal,
        ]))
    }
}

impl EventId {
    /// An event by repository, commit, resource and type.
    pub fn new(repository: RepositoryId, commit: &str, resource: ResourceId, event_type: super::EventType) -> Self {
        Self(derive(&[
            b"event",
            repository.0.as_bytes(),
            commit.as_bytes(),
            resource.0.as_bytes(),
            event_type.as_str().as_bytes(),
        ]))
    }
}

impl RunId {
    /// A new run, ordered by the time of its start.
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }
}

/// UUIDv5 over the fields, each preceded by its length, so that no two lists of fields run together.
fn derive(fields: &[&[u8]]) -> Uuid {
    let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    Uuid::new_v5(&NAMESPACE, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        assert_ne!(derive(&[b"ab", b"c"]), derive(&[b"a", b"bc"]));
    }

    #[test]
    fn an_alias_always_gives_the_same_id() {
        // Pinned: a change of the namespace or of the encoding would orphan every stored row.
        assert_eq!(
            RepositoryId::from_alias("https://github.com/owner/name").to_string(),
            "2bea50ca-2bba-5edc-b4ef-0a5025edaa3c"
        );
    }
}
