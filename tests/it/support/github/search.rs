//! The part of GitHub's search syntax that we use.

use chrono::{DateTime, NaiveDate};

use super::repository::Repo;

/// Whether a repository is among the results. A query with a qualifier that cannot be read is refused, as GitHub does.
pub fn matches(repo: &Repo, query: &str) -> Result<bool, String> {
    let has = |text: &str| query.split_whitespace().any(|word| word == text);
    let mut is_match = !repo.is_gone && !repo.is_private && !repo.is_taken_down;
    is_match &= !repo.is_fork || has("fork:true") || has("fork:only");
    for word in query.split_whitespace() {
        is_match &= match word.split_once(':') {
            Some(("topic", topic)) => repo.topics.iter().any(|this| this == topic),
            Some(("user" | "org", owner)) => repo.owner.eq_ignore_ascii_case(owner),
            Some(("created", range)) => within(repo.created_at, range)?,
            Some(("pushed", range)) => within(repo.pushed_at, range)?,
            Some(("fork", _)) => true,
            Some(("archived", is_archived)) => repo.is_archived.to_string() == is_archived,
            Some(_) => return Err(format!("the qualifier of {word} is none")),
            None => repo.name.contains(word) || repo.description.as_ref().is_some_and(|text| text.contains(word)),
        };
    }
    Ok(is_match)
}

fn within(time: i64, range: &str) -> Result<bool, String> {
    if let Some((from, to)) = range.split_once("..") {
        return Ok((seconds(from)?..=seconds(to)?).contains(&time));
    }
    if let Some(from) = range.strip_prefix(">=") {
        return Ok(time >= seconds(from)?);
    }
    if let Some(to) = range.strip_prefix("<=") {
        return Ok(time <= seconds(to)?);
    }
    Err(format!("{range} is no range"))
}

fn seconds(text: &str) -> Result<i64, String> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp());
    let day = || text.parse::<NaiveDate>().map(|day| day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp());
    time.or_else(|_| day()).map_err(|_| format!("{text} is no time"))
}
