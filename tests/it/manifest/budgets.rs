//! Files made to be expensive. Each of these would take minutes or gigabytes if a bound were missing.

use kubestats::manifest::resources::resources;
use kubestats::manifest::yaml::{MAX_NODES, Node, read};
use kubestats::scan::changes::changes;

use super::properties::{reading_keeps_its_budgets, size};

/// A manifest with more fields.
fn manifest(fields: &str) -> Vec<u8> {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\n{fields}").into_bytes()
}

#[track_caller]
fn refused(file: &[u8], message: &str) {
    let error = resources(file).unwrap_err();
    assert!(error.message.contains(message), "{error}");
}

/// A text of 100 KB that stands for 10 GB: cheap in nodes, ruinous to write out.
#[test]
fn a_text_repeated_by_aliases_without_end_is_unparsable() {
    let (long, aliases) = ("x".repeat(100_000), "- *a\n".repeat(100_000));
    refused(&manifest(&format!("a: &a {long}\nlist:\n{aliases}")), "64 MiB");
}

/// The same with a tag, which is written beside every value that has it.
#[test]
fn a_tag_repeated_by_aliases_without_end_is_unparsable() {
    let (long, aliases) = ("x".repeat(100_000), "- *a\n".repeat(100_000));
    for tagged in ["x", "[]", "{}"] {
        refused(&manifest(&format!("a: &a !{long} {tagged}\nlist:\n{aliases}")), "64 MiB");
    }
}

#[test]
fn exactly_as_many_nodes_as_allowed_are_read() {
    // The sequence is one node, each alias as many as the list it stands for.
    let list = format!("[{}]", "1,".repeat(999));
    let file = |ones: usize| format!("[&a {list},{}{}]", "*a,".repeat(998), "1,".repeat(ones));
    let most = file(999);
    let documents = read(most.as_bytes()).unwrap();
    assert_eq!(size(&documents[0]).nodes, MAX_NODES);
    assert!(read(file(1000).as_bytes()).unwrap_err().message.contains("nodes"));
    // They are counted over the whole file, keys and merged mappings as they are written.
    assert!(read(format!("{most}\n---\n").as_bytes()).is_err());
    let merges = "{<<: *a}\n- ".repeat(350_000);
    assert!(read(format!("- &a {{}}\n- {merges}").as_bytes()).unwrap_err().message.contains("nodes"));
}

/// Lists of the one before, twice each: 2⁶⁰ nodes.
#[test]
fn laughs_of_every_style_are_unparsable() {
    for (first, second) in [("[*l", "*l]"), ("{a: *l", "b: *l}"), ("{? *l : a", "b: *l}")] {
        let mut file = "- &l [1]\n".to_owned();
        (0..60).for_each(|_| file.push_str(&format!("- &l {first} , {second}\n").replace("*l", "*l ")));
        assert!(read(file.as_bytes()).is_err());
        reading_keeps_its_budgets(file.as_bytes());
    }
    let merges: String =
        (1..60).map(|level| format!("m{level}: &m{level} {{<<: [*m{0}, *m{0}]}}\n", level - 1)).collect();
    assert!(read(format!("m0: &m0 {{a: 1}}\n{merges}").as_bytes()).unwrap_err().message.contains("nodes"));
}

/// Keys that are mappings with such keys, in one order and in the other.
#[test]
fn keys_within_keys_are_compared_in_about_one_walk() {
    let file = |turned: bool| {
        let mut file = "- &k0 {a: 1, b: 2}\n".to_owned();
        for level in 1..15 {
            let below = level - 1;
            let (one, two) = (format!("? {{k: *k{below}, n: 1}}"), format!("? {{k: *k{below}, n: 2}}"));
            let (first, second) = if turned { (two, one) } else { (one, two) };
            file.push_str(&format!("- &k{level}\n  {first}\n  {second}\n"));
        }
        file
    };
    let [one, two] = [false, true].map(|turned| read(file(turned).as_bytes()).unwrap().remove(0));
    assert_eq!(one, two);
    assert!(changes(&one, &two).list.is_empty());
}

#[test]
fn data_of_any_depth_that_can_be_read_can_be_written() {
    let deep = format!("{}x{}", "{? [".repeat(49), "] : !x {a: b}}".repeat(49));
    let node: Node = read(deep.as_bytes()).unwrap().remove(0);
    assert_eq!(Node::from_json(&node.to_json()).as_ref(), Ok(&node));
    assert_eq!(read(node.to_yaml().as_bytes()).as_deref(), Ok(&[node][..]));
}
