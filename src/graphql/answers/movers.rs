//! Charts that gain and lose repositories.

use std::collections::BTreeMap;

use async_graphql::{Context, Error, Object, SimpleObject};

use crate::graphql::error::bad_input;
use crate::graphql::pagination::{TimeRange, least, list_size};
use crate::graphql::scalars::Long;
use crate::graphql::sight::snapshot;
use crate::graphql::trend::{ends, measure, own};
use crate::store::query::aggregate::{ChartColumn, ChartDistinct, Charts, Measure, Span};

const MAX_LIST: i32 = 500;
/// Beyond this, chance alone would bring a difference in one case of twenty.
const SIGNIFICANT: f64 = 1.96;
/// Cochran's rule: with less in any of the four cells, shares are not distributed as the test takes them to be.
const ENOUGH: f64 = 5.0;

/// A chart that gained or lost repositories between two times. Charts of one name are one here, whatever their source.
#[derive(SimpleObject)]
struct ChartMover {
    /// Name of the chart.
    name: String,
    /// Repositories that installed it at the beginning.
    repositories_before: Long,
    /// Repositories that install it at the end.
    repositories_after: Long,
    /// What these are more.
    delta: Long,
    /// The same as a share of what there was; null where there was none.
    relative_delta: Option<f64>,
    /// The part of all repositories with charts that installed it at the beginning, from 0 to 1.
    share_before: f64,
    /// The part that installs it at the end.
    share_after: f64,
    /// How far the two shares are apart in standard errors, by the test of two proportions: positive for what rose, beyond 1.96 either way
    /// hardly by chance.
    significance: f64,
    /// Whether it is beyond 1.96 either way, and enough repositories were asked for that to mean anything: by chance, five would install the
    /// chart, and five not, at each end.
    is_significant: bool,
}

#[derive(Default)]
pub struct MoverQuery;

#[Object]
impl MoverQuery {
    /// Charts that gained or lost the most repositories in a range of time: by how sure the difference is, either way, then by its size.
    async fn chart_movers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "From when to when; both ends have to be given.")] range: TimeRange,
        #[graphql(desc = "Charts that fewer repositories installed at both ends are left out.", default = 2)]
        min_repositories: i32,
        #[graphql(desc = "The most charts, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<ChartMover>, Error> {
        let most = list_size(first, MAX_LIST)? as usize;
        let (Some(from), Some(to)) = ends(Some(range), "range")? else {
            return Err(bad_input("`range` needs both `from` and `to`"));
        };
        let snapshot = snapshot(context)?;
        let at = |end: i64| Span { from: end - 1, to: end, buckets: vec![end - 1] };
        let spans = || vec![at(to), at(from)];
        let repositories = || vec![Measure::Distinct(ChartDistinct::Repositories)];
        let (rows, all) = tokio::try_join!(
            measure::<Charts>(&snapshot, own::<Charts>(), Some(ChartColumn::Name), repositories(), spans()),
            measure::<Charts>(&snapshot, own::<Charts>(), None, repositories(), spans()),
        )?;
        let total = |period: u8| all.iter().find(|row| row.period == period).map_or(0, |row| row.count(0).0);
        let (all_after, all_before) = (total(0), total(1));
        let mut charts: BTreeMap<&str, [i64; 2]> = BTreeMap::new();
        for row in &rows {
            charts.entry(&row.group).or_default()[usize::from(row.period.min(1))] = row.count(0).0;
        }
        let mover =
            |(name, [after, before]): (&&str, &[i64; 2])| mover(name, (*before, all_before), (*after, all_after));
        let least = i64::from(least(min_repositories, "minRepositories")?);
        let mut movers: Vec<ChartMover> = charts
            .iter()
            .filter(|(_, [after, before])| *after.max(before) >= least && after != before)
            .map(mover)
            .collect();
        movers.sort_by(|one, two| {
            let size = |mover: &ChartMover| mover.delta.0.abs();
            let by_significance = two.significance.abs().total_cmp(&one.significance.abs());
            by_significance.then(size(two).cmp(&size(one))).then_with(|| one.name.cmp(&two.name))
        });
        movers.truncate(most);
        Ok(movers)
    }
}

/// Both counts are out of a number of repositories.
fn mover(name: &str, before: (i64, i64), after: (i64, i64)) -> ChartMover {
    let share = |(count, of): (i64, i64)| if of > 0 { count as f64 / of as f64 } else { 0.0 };
    let delta = after.0 - before.0;
    // Thousandths: what differs less is the same.
    let significance = (significance(before, after) * 1_000.0).round() / 1_000.0;
    ChartMover {
        name: name.to_owned(),
        repositories_before: Long(before.0),
        repositories_after: Long(after.0),
        delta: Long(delta),
        relative_delta: (before.0 > 0).then(|| delta as f64 / before.0 as f64),
        share_before: share(before),
        share_after: share(after),
        significance,
        is_significant: significance.abs() > SIGNIFICANT && expected(before, after) >= ENOUGH,
    }
}

/// The z-score of two proportions with their pooled variance; 0 where there is nothing to compare.
fn significance(before: (i64, i64), after: (i64, i64)) -> f64 {
    let (x, n) = (before.0 as f64, before.1 as f64);
    let (y, m) = (after.0 as f64, after.1 as f64);
    let pooled = (x + y) / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    if error.is_finite() && error > 0.0 { (y / m - x / n) / error } else { 0.0 }
}

/// The least of the four cells, had nothing changed: repositories with the chart and without it, before and after.
fn expected(before: (i64, i64), after: (i64, i64)) -> f64 {
    let with = (before.0 + after.0) as f64;
    let all = (before.1 + after.1) as f64;
    let fewer = before.1.min(after.1) as f64;
    with.min(all - with) * fewer / all
}

#[cfg(test)]
mod tests {
    use super::{expected, mover, significance};

    #[test]
    fn a_few_repositories_prove_nothing() {
        let all_of_two = mover("coredns", (0, 2), (2, 2));
        assert!(all_of_two.significance > 1.96 && !all_of_two.is_significant);
        assert!(mover("coredns", (20, 100), (35, 100)).is_significant);
        assert!(!mover("coredns", (20, 100), (21, 100)).is_significant);
        // 55 of 200 have it: of each hundred, 27.5 by chance.
        assert!((expected((20, 100), (35, 100)) - 27.5).abs() < 1e-9);
    }

    #[test]
    fn significance_is_the_z_score_of_two_proportions() {
        // 20 of 100 and 35 of 100: (0.35 - 0.2) / sqrt(0.275 * 0.725 * 0.02).
        assert!((significance((20, 100), (35, 100)) - 2.375_5).abs() < 1e-4);
        assert!((significance((35, 100), (20, 100)) + 2.375_5).abs() < 1e-4);
        assert_eq!([significance((0, 0), (3, 10)), significance((5, 5), (5, 5))], [0.0, 0.0]);
    }
}
