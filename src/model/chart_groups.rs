//! One chart at several places: HTTP and OCI repositories, mirrors, owners that changed.

use std::collections::{BTreeMap, BTreeSet};

/// Releases went from one place of a chart to another, with the chart's name kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartMove {
    /// Identities.
    pub before: String,
    pub after: String,
    pub name: String,
    /// In which it happened.
    pub repositories: u64,
    /// Seconds since 1970.
    pub first_time: i64,
}

/// Identities that are one chart, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartGroup {
    /// The one that stands for all: where the moves lead.
    pub canonical: String,
    pub name: String,
    /// Sorted.
    pub identities: Vec<String>,
    /// What joined them, those of most repositories first.
    pub moves: Vec<ChartMove>,
}

/// A move that fewer repositories made is somebody's own decision.
pub const MIN_REPOSITORIES: u64 = 3;

/// Joins what enough repositories moved between. Of a group that place stands for all to which most repositories moved that did not leave it
/// again; of equals, the first by name.
pub fn chart_groups(moves: &[ChartMove]) -> Vec<ChartGroup> {
    let moves: Vec<&ChartMove> = moves.iter().filter(|one| one.repositories >= MIN_REPOSITORIES).collect();
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for one in &moves {
        let (joined, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.contains(&*one.before) || group.contains(&*one.after));
        groups = rest;
        let mut group: BTreeSet<&str> = joined.into_iter().flatten().collect();
        group.extend([&*one.before, &*one.after]);
        groups.push(group);
    }
    let mut groups: Vec<ChartGroup> = groups.into_iter().filter_map(|group| group_of(&group, &moves)).collect();
    groups.sort_by(|one, two| one.canonical.cmp(&two.canonical));
    groups
}

fn group_of(identities: &BTreeSet<&str>, moves: &[&ChartMove]) -> Option<ChartGroup> {
    let mut moves: Vec<ChartMove> =
        moves.iter().filter(|one| identities.contains(&*one.before)).map(|one| (*one).clone()).collect();
    moves.sort_by(|one, two| {
        (two.repositories, &one.before, &one.after).cmp(&(one.repositories, &two.before, &two.after))
    });
    let mut stayed: BTreeMap<&str, i64> = identities.iter().map(|identity| (*identity, 0)).collect();
    for one in &moves {
        let count = i64::try_from(one.repositories).unwrap_or(i64::MAX);
        for (identity, sign) in [(&*one.after, 1), (&*one.before, -1)] {
            if let Some(stayed) = stayed.get_mut(identity) {
                *stayed += sign * count;
            }
        }
    }
    // Of equals, `min_by_key` takes the first.
    let (canonical, _) = stayed.into_iter().min_by_key(|(_, count)| -count)?;
    Some(ChartGroup {
        canonical: canonical.to_owned(),
        name: moves.first()?.name.clone(),
        identities: identities.iter().map(|identity| (*identity).to_owned()).collect(),
        moves,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(before: &str, after: &str, repositories: u64) -> ChartMove {
        ChartMove { before: before.into(), after: after.into(), name: "app".into(), repositories, first_time: 0 }
    }

    #[test]
    fn places_between_which_three_repositories_moved_are_one_chart() {
        let groups = chart_groups(&[
            moved("http/app", "oci/app", 5),
            moved("oci/app", "new/app", 3),
            moved("fork/app", "oci/app", 2),
        ]);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].identities, ["http/app", "new/app", "oci/app"]);
        assert_eq!(groups[0].canonical, "new/app");
        assert_eq!(groups[0].moves.len(), 2);
        assert!(chart_groups(&[moved("a/app", "b/app", 2)]).is_empty());
    }

    #[test]
    fn groups_that_a_move_connects_become_one() {
        let groups = chart_groups(&[moved("a", "b", 3), moved("c", "d", 3), moved("b", "d", 4)]);
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].canonical.as_str(), groups[0].identities.len()), ("d", 4));
    }
}
