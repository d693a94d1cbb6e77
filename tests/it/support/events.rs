//! Lines of `kubestats events --json`, and how tests write them down.

use serde::Deserialize;

use super::repos::TempRepo;

/// One event, as its line has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    pub event_type: String,
    pub group: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub path: String,
    pub ordinal: u32,
    pub path_before: Option<String>,
}

impl Event {
    /// A line is a list of the fields above, in that order.
    #[track_caller]
    pub fn from_line(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// `TYPE Kind.group namespace/name in path`, with `#1` after a path for the second of equals in a file, and the path
    /// before a move behind `from`.
    pub fn outline(&self) -> String {
        let group = match self.group.as_str() {
            "" => String::new(),
            group => format!(".{group}"),
        };
        let namespace = self.namespace.as_ref().map_or(String::new(), |name| format!("{name}/"));
        let ordinal = match self.ordinal {
            0 => String::new(),
            ordinal => format!("#{ordinal}"),
        };
        let before = self.path_before.as_ref().map_or(String::new(), |path| format!(" from {path}"));
        let Self { event_type, kind, name, path, .. } = self;
        format!("{event_type} {kind}{group} {namespace}{name} in {path}{ordinal}{before}")
    }
}

/// Events as text: the commit's subject, then what happened.
pub fn outline(repository: &TempRepo, events: &[Event]) -> Vec<String> {
    let subject = |event: &Event| repository.git(&["log", "-1", "--format=%s", &event.commit]);
    events.iter().map(|event| format!("{}: {}", subject(event), event.outline())).collect()
}
