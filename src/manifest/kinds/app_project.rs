//! AppProject of Argo CD: what Applications may do. It names no resources, only patterns of repositories and namespaces.

use super::Kind;

pub static KIND: Kind = Kind { name: "AppProject", groups: &["argoproj.io"], references: &[], read: |_, _| {} };
