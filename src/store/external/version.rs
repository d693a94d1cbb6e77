//! The oldest ClickHouse that the schema and the questions run on.

use super::StoreError;

/// `fromUnixTimestamp64Second`, which the questions use because commits date from before 1970, came with 24.12. What else
/// is needed is older: settings of columns, projections, deduplication tokens, types in the answers' heads.
///
/// Only 26.7 (the embedded engine's version) is tested, and that 18.16 is refused; between them the changelog is trusted.
const OLDEST: (u32, u32) = (24, 12);
/// The same, as messages show it.
pub const OLDEST_SUPPORTED: &str = "24.12";

/// What to make of an answer to `SELECT version()`; `None` when it is no version at all.
pub fn check(answer: &str) -> Option<Result<(), StoreError>> {
    let mut numbers = answer.split('.').map_while(|number| number.parse::<u32>().ok());
    let found = (numbers.next()?, numbers.next()?);
    if found >= OLDEST {
        return Some(Ok(()));
    }
    Some(Err(StoreError::TooOld { found: answer.to_owned(), oldest: OLDEST_SUPPORTED }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_are_named_and_newer_ones_accepted() {
        assert_eq!(OLDEST_SUPPORTED, format!("{}.{}", OLDEST.0, OLDEST.1));
        for supported in ["24.12.1.1614", "25.1.0.1", "26.7.2.1", "100.1"] {
            assert!(matches!(check(supported), Some(Ok(()))), "{supported}");
        }
        for old in ["18.16.1", "24.3.18.7", "24.11.9.1", "9.99"] {
            let error = check(old).unwrap().unwrap_err().to_string();
            assert!(error.contains(old) && error.contains(OLDEST_SUPPORTED), "{error}");
        }
    }

    #[test]
    fn other_answers_are_no_versions() {
        for answer in ["", "<!doctype html>", "1", "Ok.", "latest.1"] {
            assert!(check(answer).is_none(), "{answer}");
        }
    }
}
