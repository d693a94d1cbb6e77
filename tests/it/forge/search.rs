//! Searches: all results, each once, whatever their number.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use kubestats::forge::{Forge, ForgeError, Pages, SearchQuery};
use kubestats::model::ForgeRepository;

use super::{Asked, Taken, check_out_of_budget, full_name, query};
use crate::support::github::{Emulator, NOON, Repo, Trouble};

/// An emulator with so many repositories of the topic, and a limit that nothing reaches.
fn crowded(count: u64) -> Emulator {
    let emulator = Emulator::start();
    for id in 1..=count {
        emulator.add(Repo::new(id, &format!("owner{id}/cluster")));
    }
    emulator.state().budgets.clear();
    emulator
}

#[test]
fn a_search_past_a_thousand_results_finds_each_once() {
    let emulator = crowded(1_600);
    // All made within an hour, some in the same second, one before GitHub and one after now.
    for id in 1..=1_600 {
        emulator.change(id, |repo| repo.created_at = NOON - 86_400 + i64::try_from(id).unwrap() / 3);
    }
    emulator.change(7, |repo| repo.created_at = 0);
    emulator.change(8, |repo| repo.created_at = NOON + 500);
    let asked = Asked::at(&emulator);
    let (found, outcome) = asked.find("topic:kubesearch");
    let unique: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), unique.len(), outcome.found), (1_600, 1_600, 1_600));
    assert!(!outcome.is_incomplete);
    assert_eq!(outcome.requests as usize, emulator.requests().len());
    assert_eq!(asked.find("topic:kubesearch").0, found, "the order stays");
}

#[test]
fn a_second_with_more_than_a_thousand_says_that_it_is_incomplete() {
    let emulator = crowded(1_050);
    for id in 1..=1_050 {
        emulator.change(id, |repo| repo.created_at = NOON - 5);
    }
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    assert_eq!((found.len(), outcome.is_incomplete), (1_000, true));
    // So does a query whose own bounds stand where ours would.
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch created:>=2008-01-01");
    assert_eq!((found.len(), outcome.is_incomplete), (1_000, true));
}

#[test]
fn results_that_move_between_pages_are_found_once() {
    let emulator = crowded(230);
    // The last one gets the most stars while the second page is asked for: everything else moves down by one.
    emulator.trouble(Trouble::Meanwhile(Box::new(|_| {})));
    emulator.trouble(Trouble::Meanwhile(Box::new(|state| state.repos.get_mut(&1).unwrap().stars = 9_999)));
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    let unique: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), outcome.found), (unique.len(), found.len() as u64));
    assert_eq!(outcome.requests, 3);
}

#[test]
fn an_incomplete_answer_is_asked_for_again_and_then_told() {
    let emulator = crowded(3);
    emulator.state().incomplete = 2;
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    assert_eq!((found.len(), outcome.requests, outcome.is_incomplete), (3, 3, false));
    emulator.state().incomplete = 3;
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    assert_eq!((found.len(), outcome.requests, outcome.is_incomplete), (3, 3, true));
}

#[test]
fn a_limit_takes_the_most_starred_with_one_request() {
    let emulator = crowded(1_200);
    let (found, outcome) = Asked::at(&emulator).search(&SearchQuery { limit: Some(3), ..query("topic:kubesearch") });
    assert_eq!(found, ["owner1200/cluster", "owner1199/cluster", "owner1198/cluster"]);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.found, outcome.requests, outcome.is_incomplete), (3, 1, false));
    let (found, outcome) = Asked::at(&emulator).search(&SearchQuery { limit: Some(150), ..query("topic:kubesearch") });
    assert_eq!((found.len(), outcome.unwrap().requests), (150, 2));
}

#[test]
fn forks_and_what_others_own_follow_the_expression() {
    let emulator = crowded(3);
    emulator.change(1, |repo| repo.is_fork = true);
    emulator.change(2, |repo| repo.is_private = true);
    let asked = Asked::at(&emulator);
    assert_eq!(asked.find("topic:kubesearch").0, ["owner3/cluster"]);
    assert_eq!(asked.find("topic:kubesearch fork:true").0, ["owner3/cluster", "owner1/cluster"]);
    assert_eq!(asked.find("user:owner3").0, ["owner3/cluster"]);
    assert_eq!(asked.find("topic:another").0, Vec::<String>::new());
}

#[test]
fn a_search_that_the_budget_cuts_short_goes_on_where_it_stood() {
    let emulator = crowded(950);
    let token = emulator.state().token.clone();
    let asked = Asked::with(super::options(emulator.url(), Some(&token), &emulator));
    let budget = crate::support::github::Budget { limit: 4, remaining: 4, resets_at: NOON + 60, window: 60 };
    emulator.state().budgets.insert("search", budget);
    let (first, outcome) = asked.search(&query("topic:kubesearch"));
    check_out_of_budget(outcome.unwrap_err(), ("search", NOON + 60));
    assert_eq!(first.len(), 400);
    emulator.set_now(NOON + 60);
    let (second, outcome) = asked.search(&query("topic:kubesearch"));
    check_out_of_budget(outcome.unwrap_err(), ("search", NOON + 120));
    emulator.set_now(NOON + 120);
    let (third, outcome) = asked.search(&query("topic:kubesearch"));
    let outcome = outcome.unwrap();
    assert_eq!((outcome.found, outcome.requests), (950, 10 + 2), "two requests found no budget, and were not sent");
    let all: BTreeSet<String> = first.into_iter().chain(second).chain(third).collect();
    assert_eq!((all.len(), emulator.requests().len()), (950, 10));
}

/// Takes so many pages.
struct Few(usize, Taken);

impl Pages for Few {
    async fn take(&mut self, page: Vec<ForgeRepository>) -> ControlFlow<()> {
        let Some(left) = self.0.checked_sub(1) else { return ControlFlow::Break(()) };
        self.0 = left;
        self.1.take(page).await
    }
}

#[test]
fn a_page_that_is_not_taken_ends_the_search_before_it() {
    let emulator = crowded(950);
    let asked = Asked::at(&emulator);
    let mut few = Few(2, Taken::default());
    let searched = asked.runtime.block_on(asked.forge.search(&query("topic:kubesearch"), &mut few));
    assert!(searched.ended.is_ok() && searched.outcome.found == 200, "{searched:?}");
    assert_eq!(emulator.requests().len(), 3, "nothing is asked for that nobody takes");
    let (rest, outcome) = asked.search(&query("topic:kubesearch"));
    assert_eq!((rest.len(), outcome.unwrap().found), (750, 950));
    let all: BTreeSet<String> = few.1.0.iter().map(full_name).chain(rest).collect();
    assert_eq!(all.len(), 950);
}

#[test]
fn an_item_of_another_form_loses_no_other() {
    let emulator = crowded(1);
    let good = Repo::new(1, "ada/cluster").item(emulator.url().as_str().trim_end_matches('/'));
    let mut bad = good.clone();
    bad["id"] = 2.into();
    bad.as_object_mut().unwrap().remove("clone_url");
    let page = serde_json::json!({ "total_count": 2, "incomplete_results": false, "items": [bad, good] });
    emulator.next_answer(200, &[], &page.to_string());
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    assert_eq!((found, outcome.is_incomplete), (vec!["ada/cluster".to_owned()], true));
}

#[test]
fn an_expression_that_is_none_says_so() {
    let emulator = crowded(1);
    let error = Asked::at(&emulator).search(&query("topic:kubesearch created:soon")).1.unwrap_err();
    let ForgeError::BadQuery { expression, reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(expression, "topic:kubesearch created:soon");
    assert_eq!(reason, "Validation Failed: soon is no range");
    assert!(!error.is_transient());
}
