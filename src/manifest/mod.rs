//! Manifests: YAML files and the Kubernetes resources declared in them.
//!
//! * [`yaml`] reads a file's bytes into [`yaml::Node`] trees and writes them back.
//! * [`resources`] takes the resources out of a file's documents.
//! * [`kinds`] takes typed facts out of resources of known kinds.
//! * [`redact`] replaces secrets by keyed digests before anything is stored or shown.
//!
//! Nothing here does I/O: bytes go in, values come out. Broken YAML is data ([`yaml::Unparsable`]).

pub mod file;
pub mod kinds;
pub mod redact;
pub mod resources;
pub mod yaml;
