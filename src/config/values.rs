//! The layers of the configuration: of each key the value that wins, where it was set, and what is wrong.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::nearest;
use super::{DEFAULTS, Overrides, Problem, Report, environment, file};

/// Keys whose values are never shown.
const SECRETS: [&str; 3] = ["clickhouse.password", "github.token", "github.webhook_secret"];

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// Lines count from 1.
    File {
        path: PathBuf,
        line: usize,
    },
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value before it is known to be one that its key takes.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    /// A string of a file.
    Text(String),
    /// An integer of a file.
    Integer(i64),
    /// A truth value of a file.
    Truth(bool),
    /// An array of strings of a file.
    Texts(Vec<String>),
    /// What a variable or a flag says, of whatever type.
    Untyped(String),
    /// Anything else that a file may hold, as it is written there.
    Other(String),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Untyped(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Texts(texts) => write!(f, "{texts:?}"),
            Self::Other(written) => f.write_str(written),
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct Setting {
    key: String,
    default: Raw,
    raw: Raw,
    origin: Origin,
    /// The value in force, where it is another than the one that was set.
    effective: Option<String>,
    /// What an empty or zero value stands for.
    explanation: Option<&'static str>,
    was_read: bool,
    is_valid: bool,
}

impl Setting {
    pub fn key(&self) -> &str {
        &self.key
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the value stands for, where it does not say so itself.
    pub const fn explanation(&self) -> Option<&'static str> {
        self.explanation
    }

    /// Whether the value is never shown.
    pub fn is_secret(&self) -> bool {
        SECRETS.contains(&self.key.as_str())
    }

    /// The value in force: `None` when what was set is wrong, or when nothing was set. A secret is `***`.
    pub fn value(&self) -> Option<String> {
        let text = match (&self.effective, &self.raw) {
            (Some(effective), _) => effective.clone(),
            (None, Raw::Text(text) | Raw::Untyped(text)) => text.clone(),
            (None, other) => other.to_string(),
        };
        match text {
            text if text.is_empty() || !self.is_valid => None,
            _ if self.is_secret() => Some("***".to_owned()),
            text => Some(text),
        }
    }

    pub const fn is_valid(&self) -> bool {
        self.is_valid
    }
}

/// All keys while they are read.
pub(super) struct Values {
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

impl Values {
    /// The default file alone, which says what keys there are.
    pub fn defaults() -> Self {
        let file = file::parse(DEFAULTS);
        let setting = |entry: file::Entry| Setting {
            key: entry.key,
            default: entry.value.clone(),
            raw: entry.value,
            origin: Origin::Default,
            effective: None,
            explanation: None,
            was_read: false,
            is_valid: true,
        };
        Self { settings: file.entries.into_iter().map(setting).collect(), problems: Vec::new() }
    }

    /// Defaults, then the file, then the environment, then flags.
    pub fn layered(overrides: &Overrides) -> Self {
        let mut values = Self::defaults();
        match (&overrides.config_file, environment::config_file()) {
            (Some(path), _) => values.add_file(path, "--config"),
            (None, Some(path)) => values.add_file(&path, environment::CONFIG),
            (None, None) => {}
        }
        for (name, value) in environment::variables() {
            values.add_variable(&name, value);
        }
        if let Some(directory) = &overrides.data_dir {
            values.set("data_dir", Raw::Untyped(directory.display().to_string()), Origin::Flag("--data"));
        }
        if let Some(address) = overrides.listen {
            values.set("server.listen", Raw::Untyped(address.to_string()), Origin::Flag("--listen"));
        }
        values
    }

    fn add_file(&mut self, path: &Path, by: &'static str) {
        let text = match file::read(path) {
            Ok(text) => text,
            Err(reason) => return self.report(Problem::File { path: path.to_owned(), by, reason }),
        };
        let origin = |line| Origin::File { path: path.to_owned(), line };
        let file = file::parse(&text);
        for mistake in file.mistakes {
            self.report(Problem::Syntax { origin: origin(mistake.line), reason: mistake.reason });
        }
        let mut reported = BTreeSet::new();
        for entry in file.entries {
            let origin = origin(entry.line);
            if self.find(&entry.key).is_some() {
                self.set(&entry.key, entry.value, origin);
                continue;
            }
            // A section that is unknown is told once, not with each of its keys.
            let problem = self.misplaced(&entry.key, &origin).unwrap_or_else(|| self.unknown(&entry.key, origin));
            if reported.insert(problem.subject().to_owned()) {
                self.report(problem);
            }
        }
    }

    /// A value where a section should be, or a section where a value should be.
    fn misplaced(&self, key: &str, origin: &Origin) -> Option<Problem> {
        if self.sections().contains(key) {
            let reason = format!("this is a section, not a value: write [{key}] above its keys");
            return Some(Problem::Value { key: key.to_owned(), origin: origin.clone(), reason });
        }
        let value = self
            .settings
            .iter()
            .map(Setting::key)
            .find(|known| key.strip_prefix(known).is_some_and(|rest| rest.starts_with('.')))?;
        let reason = "this is a value, not a section".to_owned();
        Some(Problem::Value { key: value.to_owned(), origin: origin.clone(), reason })
    }

    /// An unknown key: its section, when nothing in it is known, or itself; and what may have been meant.
    fn unknown(&self, key: &str, origin: Origin) -> Problem {
        let keys = || self.settings.iter().map(Setting::key);
        let sections = self.sections();
        let (key, nearest) = match key.split_once('.') {
            Some((section, _)) if !section.starts_with('"') && !sections.contains(section) => {
                (section, nearest(section, sections.iter().copied().chain(keys())))
            }
            _ => (key, nearest(key, keys())),
        };
        Problem::UnknownKey { key: key.to_owned(), origin, nearest: nearest.map(str::to_owned) }
    }

    fn sections(&self) -> BTreeSet<&str> {
        self.settings.iter().filter_map(|setting| setting.key.split_once('.')).map(|(section, _)| section).collect()
    }

    fn add_variable(&mut self, name: &OsString, value: OsString) {
        let name = name.to_string_lossy().into_owned();
        let known = self.settings.iter().map(|setting| (environment::variable_of(&setting.key), setting.key.clone()));
        let known: Vec<(String, String)> = known.collect();
        let Some((_, key)) = known.iter().find(|(variable, _)| *variable == name) else {
            // Without the prefix, which would make any two of them alike.
            let bare = |variable| environment::without_prefix(variable);
            let nearest = nearest(bare(&name), known.iter().map(|(variable, _)| bare(variable)));
            let nearest = nearest.map(environment::with_prefix);
            return self.report(Problem::UnknownVariable { name, nearest });
        };
        let origin = Origin::Variable(name);
        match value.into_string() {
            Ok(text) => self.set(key, Raw::Untyped(text), origin),
            Err(_) => {
                let reason = "the value is not UTF-8".to_owned();
                self.report(Problem::Value { key: key.clone(), origin: origin.clone(), reason });
                // As it was, but known to be wrong.
                if let Some(setting) = self.find(key) {
                    (setting.origin, setting.is_valid) = (origin, false);
                }
            }
        }
    }

    fn set(&mut self, key: &str, raw: Raw, origin: Origin) {
        if let Some(setting) = self.find(key) {
            setting.raw = raw;
            setting.origin = origin;
            setting.is_valid = true;
        }
    }

    fn find(&mut self, key: &str) -> Option<&mut Setting> {
        self.settings.iter_mut().find(|setting| setting.key == key)
    }

    /// The value of a key. One that `kind` does not take is reported, and the default stands in for it.
    pub fn read<T>(&mut self, key: &'static str, kind: impl Fn(&Raw) -> Result<T, String>) -> T {
        let setting = self.find(key).expect("the default file has every key");
        setting.was_read = true;
        let default = setting.default.clone();
        let by_default = || kind(&default).expect("the default file has valid values");
        if !setting.is_valid {
            return by_default();
        }
        match kind(&setting.raw) {
            Ok(value) => value,
            Err(reason) => {
                setting.is_valid = false;
                let reason = match SECRETS.contains(&key) {
                    true => "the value (not shown) is not a string".to_owned(),
                    false => reason,
                };
                let problem = Problem::Value { key: key.to_owned(), origin: setting.origin.clone(), reason };
                self.report(problem);
                by_default()
            }
        }
    }

    pub fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A value that is one of its kind and still cannot be: it fits no other, or what it names is not there.
    pub fn refuse(&mut self, key: &'static str, reason: &str) {
        let setting = self.find(key).expect("the default file has every key");
        setting.is_valid = false;
        let problem = Problem::Value { key: key.to_owned(), origin: setting.origin.clone(), reason: reason.to_owned() };
        self.report(problem);
    }

    /// Says what is in force for a key that was left open.
    pub fn show(&mut self, key: &str, effective: &str) {
        if let Some(setting) = self.find(key) {
            setting.effective = Some(effective.to_owned());
        }
    }

    /// Says what a key that was left open means.
    pub fn explain(&mut self, key: &str, explanation: &'static str) {
        if let Some(setting) = self.find(key) {
            setting.explanation = Some(explanation);
        }
    }

    /// A value that a variable of another name gave.
    pub fn replace(&mut self, key: &str, path: &Path, variable: &str) {
        self.set(key, Raw::Untyped(path.display().to_string()), Origin::Variable(variable.to_owned()));
    }

    pub fn into_report(self) -> Report {
        let unread = self.settings.iter().find(|setting| !setting.was_read);
        debug_assert!(unread.is_none(), "nobody reads {unread:?}, so it would do nothing");
        Report { settings: self.settings, problems: self.problems }
    }
}
