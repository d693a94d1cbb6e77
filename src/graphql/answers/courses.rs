//! Which versions of a chart repositories installed, and when: what the answers about versions count in.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::model::Version;
use crate::store::query::ChartIntervalRecord;

/// A chart's exact versions. What cannot be read as a version is left out.
#[derive(Debug, Default)]
pub struct Courses {
    /// Every version with its first sight.
    pub sights: BTreeMap<Version, Sight>,
    pub repositories: BTreeMap<Uuid, Course>,
}

/// Where a version was seen first.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The version as it stands there.
    pub text: String,
    pub repository: Uuid,
    /// Seconds since 1970.
    pub time: i64,
}

/// A repository's version from each time on, in seconds since 1970: the newest one that its releases install then. `None`: they install none.
#[derive(Debug, Default)]
pub struct Course(Vec<(i64, Option<Version>)>);

/// What became of a repository after a version was seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was at the version or a newer one after so many seconds.
    Arrived(i64),
    /// It installs an older one to this day.
    Behind,
    /// It gave the chart up, or installs no exact version any more.
    Left,
}

impl Courses {
    /// `intervals` come in the order of their beginnings.
    pub fn new(intervals: &[ChartIntervalRecord]) -> Self {
        let mut courses = Self::default();
        let mut changes: BTreeMap<Uuid, Vec<(i64, bool, Version)>> = BTreeMap::new();
        for interval in intervals {
            let Some(version) = Version::of(&interval.version) else { continue };
            let of_repository = changes.entry(interval.repository_id).or_default();
            of_repository.push((interval.valid_from, true, version.clone()));
            if interval.valid_to < i64::MAX {
                of_repository.push((interval.valid_to, false, version.clone()));
            }
            courses.sights.entry(version).or_insert_with(|| Sight {
                text: interval.version.clone(),
                repository: interval.repository_id,
                time: interval.valid_from,
            });
        }
        courses.repositories = changes.into_iter().map(|(repository, changes)| (repository, changes.into())).collect();
        courses
    }
}

impl From<Vec<(i64, bool, Version)>> for Course {
    /// Takes what begins (`true`) and ends when.
    fn from(mut changes: Vec<(i64, bool, Version)>) -> Self {
        changes.sort_by_key(|(time, ..)| *time);
        let mut releases: BTreeMap<Version, i64> = BTreeMap::new();
        let mut course = Vec::new();
        for at_once in changes.chunk_by(|(one, ..), (two, ..)| one == two) {
            for (_, begins, version) in at_once {
                *releases.entry(version.clone()).or_default() += if *begins { 1 } else { -1 };
            }
            releases.retain(|_, count| *count != 0);
            course.push((at_once[0].0, releases.last_key_value().map(|(version, _)| version.clone())));
        }
        Self(course)
    }
}

impl Course {
    /// The version now.
    pub fn now(&self) -> Option<&Version> {
        self.0.last().and_then(|(_, version)| version.as_ref())
    }

    /// What became of the repository after a time at which a version appeared; `None` where it did not install an older one then.
    pub fn after(&self, time: i64, version: &Version) -> Option<Outcome> {
        let next = self.0.partition_point(|(from, _)| *from <= time);
        self.0[..next].last()?.1.as_ref().filter(|installed| *installed < version)?;
        let arrives = |(_, installed): &&(i64, Option<Version>)| installed.as_ref() >= Some(version);
        Some(match self.0[next..].iter().find(arrives) {
            Some((from, _)) => Outcome::Arrived(from - time),
            None if self.now().is_some() => Outcome::Behind,
            None => Outcome::Left,
        })
    }
}
