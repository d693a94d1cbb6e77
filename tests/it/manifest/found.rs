//! What fuzz targets start from, and what they found: each file of `fuzz/seeds` is one input.

use std::fs;
use std::path::Path;

use kubestats::manifest::yaml::Node;

use super::properties::{
    changes_are_what_differs, facts_keep_their_bounds, planted_credentials_are_redacted, reading_keeps_its_budgets,
    stored_json_is_stable, written_data_are_read_back, yaml_is_exact,
};

/// Runs a property on every seed of a folder.
#[track_caller]
fn holds_for_seeds(folder: &str, property: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(folder);
    let seeds: Vec<Vec<u8>> =
        fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| property(seed));
}

#[test]
fn seeds_hold_every_property() {
    holds_for_seeds("yaml", reading_keeps_its_budgets);
    holds_for_seeds("yaml", written_data_are_read_back);
    holds_for_seeds("yaml", changes_are_what_differs);
    holds_for_seeds("yaml", facts_keep_their_bounds);
    holds_for_seeds("json", |seed| stored_json_is_stable(std::str::from_utf8(seed).unwrap()));
    holds_for_seeds("redact", |seed| planted_credentials_are_redacted(std::str::from_utf8(seed).unwrap()));
}

/// By `json_read`: libyaml writes the tag `!a,b` short and unescaped, and then cannot read it.
#[test]
fn a_tag_with_a_flow_indicator_is_written_in_full() {
    for tag in ["!a,b", "!a[b]", "tag:yaml.org,2002:a,b"] {
        let node = Node::sequence(Some(tag.into()), Vec::new());
        yaml_is_exact(&node);
        assert!(node.to_yaml().contains("!<"), "{}", node.to_yaml());
    }
}

/// By `redact`: for Unicode there is no word boundary between a letter of another script and a token.
#[test]
fn a_token_behind_a_word_of_another_script_is_redacted() {
    planted_credentials_are_redacted("\u{6f22}\u{5b57}");
}

/// By `yaml_round_trip`, of the property itself: a number past the largest double is one in JSON, too.
#[test]
fn a_number_of_any_size_is_one_in_json() {
    written_data_are_read_back(b"[1e644, -1e-644, 123456789012345678901234567890]");
}
