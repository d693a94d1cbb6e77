//! The quick reader against libyaml: whatever it reads must be exactly what libyaml reads.

use proptest::prelude::*;

use super::super::Node;
use super::super::compose::{Versions, read_by_libyaml, read_events};
use super::read;

/// Reads `text` both ways; the order of keys and the texts count too. Whether the quick reader read it at all.
fn check(text: &str) -> bool {
    let Some(quick) = read(text) else {
        return false;
    };
    let slow = read_events(text).unwrap_or_else(|error| panic!("{text}\nis unparsable: {error}"));
    let json = |documents: &[Node]| documents.iter().map(Node::to_json).collect::<Vec<_>>();
    assert_eq!(json(&quick), json(&slow), "{text}");
    assert_eq!(quick, slow, "{text}");
    true
}

#[test]
fn ordinary_manifests_are_read() {
    for text in [
        "",
        "# only a comment\n\n",
        "---\n---\na: 1\n---\n# nothing\n",
        "a: 1\nb:\n  c: x y # comment\n  d:\n  - e\n  -   f: 1\n      g: 2\n  -\n    h: i\n  - # comment\n  - j\nk:\n# comment\nl: ~",
        "a: 'x: y' # z\nb: \"it's\"\n'c d': \"\"\n\"e\": ''\nf: a:b#c\ng: -1\nh: --x\ni: 0644\nj: {}\nk: [] # none\n",
        "a: [b, \"c d\", 'e', [f], {g: h}, 1.10]\nb: {c: d, e: [f, g], \"h\": { i: j }}\nc: [ x , y ]\n",
        "a: &b c\nd: *b\ne:\n- &b f # newest\n- *b\n",
        "a: |\n  x\n\n    y # no comment\n  z  \n\n\nb: |-\n\n  x\n  \n  y\nc: |+\n  x\n\n\nd:\n- |\n x\n# comment\n- >-\n  x\n  y\n- >\n  z\n",
        "a: ü # значение\nb: 'é'\nc: |\n  ключ\n",
        "- a\n- b: c\n",
        "a: &b # c\n  d: &e\n    f: g\n  h: *e\ni: *b\nj:\n- &b\n  k: l\n- *b\n",
        "a: 'it''s'\nb: 'x\n  y''\n\n\n  z  \n  '\nc: \"x\n    y\" # d\ne:\n- '\n  x'\n",
        "a: \"\\\\x\\\"\\n \n\n  \\n y\\n\"\nb: \"\\n\"\n",
        "a: \"x \\\n  y\\\n\n\n  \\  z\\t\\\n  \"\nb: \"\\\n  \\\n  x\"\n",
        "a: x\n  - y\n  ? z\n  {b}\n  `&c` !d\n  %\ne: <x\n   -\n",
        "a: x\n  y\nb: x y\n\n   (z)\n\n  1\nc: 1\n  2\nd:\n- e\n  f\n",
    ] {
        assert!(check(text), "{text}");
    }
}

#[test]
fn the_rest_is_left_to_libyaml() {
    for text in [
        "a: b: c\n",
        "a: x\n  y: z\n",
        "a: x # c\n  y\n",
        "a: x\n# c\n  y\n",
        "a: x\n  y # c\n  z\n",
        "a: 'x\ny'\n",
        "a: 'x\n",
        "a:\n   b: 1\n  c: 2\n",
        "a: 1\na: 2\n",
        "a: *x\n",
        "<<: {a: 1}\n",
        "a: !x y\n",
        "a: &x\nb: c\n",
        "a: &x\n  b: *x\n",
        "a: &x\n  b: &y\n    c: *x\n",
        "a: \"\\x41\"\n",
        "a:\tb\n",
        "a: b\r\n",
        "a: \u{85}\n",
        "a: \u{feff}\n",
        "? a\n: b\n",
        "text\n",
        "%YAML 1.2\n---\na: 1\n",
        "--- a\n",
        "a: 1\n...\n",
        "a: |2\n   x\n",
        "a: |\n   \n  x\n",
        "a: |\n  x",
        "a: >\n  x\n   y\n",
        "a: >\n  x\n\n  y\n",
        "a: - b\n",
        "- - a\n",
        "a: [b,\n  c]\n",
        "a: [b c]\n",
        "a: {b}\n",
        "a: {b: 1, b: 2}\n",
        "a: [b: c]\n",
        "a: @b\n",
        "a: |\nb: c\n",
        "a: 'b' c\n",
    ] {
        assert!(read(text).is_none(), "{text}");
    }
}

/// Lines put together out of what the quick reader looks at.
fn lines() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec!["", "- ", "-", "  - ", "# ", "---"]);
    let key = prop::sample::select(vec!["", "", "a: ", "b: ", "c:", "d: ", "'e': ", "a:", "0: "]);
    let value = prop::sample::select(vec![
        "", "", "", "x", "x y", "'x'", "\"x\"", "'x", "|", "|-", "|+", ">", ">-", "&a x", "*a", "[]", "{}", "[x, y]",
        "[x,y]", "{a: b}", "{a: [x]}", "x: y", "x # c", "x#c", "# c", "-1", "~", "x:", "- x", "[x, 'y']", "''", "x ",
        "\"x\" y", "&a", "&b 'x'", "'it''s'", "x'", "\"\\n", "\\\"\"", "\"x \\", "\\", "{x", "#", "\"x", "y z", "*b",
        "&b", "? x", "{a: }",
    ]);
    let line = (0..5_usize, start, key, value)
        .prop_map(|(indent, start, key, value)| format!("{}{start}{key}{value}", " ".repeat(indent)));
    (prop::collection::vec(line, 0..8), any::<bool>())
        .prop_map(|(lines, newline)| lines.join("\n") + if newline { "\n" } else { "" })
}

/// Reads `newer` against `older`, which must not show, and again: what is read then is all there already.
fn check_version(older: &str, newer: &str) {
    let mut versions = Versions::default();
    let _ = versions.read(older.as_bytes());
    for _ in 0..2 {
        let read_next = versions.read(newer.as_bytes());
        let alone = read_by_libyaml(newer.as_bytes());
        assert_eq!(read_next, alone, "{older}\nthen\n{newer}");
        let json = |documents: Vec<Node>| documents.iter().map(Node::to_json).collect::<Vec<_>>();
        assert_eq!(read_next.map(json), alone.map(json), "{older}\nthen\n{newer}");
    }
}

#[test]
fn what_stands_around_a_block_counts() {
    for (older, newer) in [
        ("a:\n  b: 1234567890\n  c: 1234567890\nd: 1\n", "a:\n  b: 1234567890\n  c: 1234567890\n  d: 1\n"),
        ("a:\n  b: 1234567890\n  c: 1234567890\nd: 1\n", "a:\n  b: 1234567890\n  c: 1234567890\n d: 1\n"),
        ("a:\n  b: 1234567890\n  c: 1234567890", "a:\n  b: 1234567890\n  c: 12345678901\n"),
        ("a:\n  b: 1234567890\n  c: |\n    1234567890\n", "a:\n  b: 1234567890\n  c: |\n    1234567890\n    x\n"),
        ("a:\n  b: 1234567890\n  c: |+\n    1234567890\n", "a:\n  b: 1234567890\n  c: |+\n    1234567890\n\n"),
        ("a:\n  b: 1234567890\n  c: 1234567890\n", "a:\n  b: 1234567890\n  c: 1234567890\n    x\n"),
        ("a:\n- b: 1234567890\n- c: 1234567890\n", "a:\n- b: 1234567890\n- c: 1234567890\n-d: 1\n"),
        ("x: &b 1\na:\n  b: 1234567890\n  c: *b\n", "x: &b 2\na:\n  b: 1234567890\n  c: *b\n"),
        ("a:\n  b: 1234567890\n  c: 1234567890\n---\nd: 1\n", "a:\n  b: 1234567890\n  c: 1234567890\n...\nd: 1\n"),
        ("a: 1\nb:\n  c: 1234567890\n  d: 1234567890\n", "b:\n  c: 1234567890\n  d: 1234567890\n"),
        (
            "a:\n    b:\n     c: 1234567890\n     d: 12345678\n",
            "a:\n  a:\n   a:\n    b:\n     c: 1234567890\n     d: 12345678\n",
        ),
    ] {
        check_version(older, newer);
        check_version(newer, older);
    }
}

/// A text and a version of it with some lines exchanged.
fn versions() -> impl Strategy<Value = (String, String)> {
    (lines(), lines(), lines(), lines()).prop_map(|(before, one, two, after)| {
        let text = |middle: &str| format!("{before}\n{middle}\n{after}");
        (text(&one), text(&two))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_agree(text in lines()) {
        check(&text);
    }

    #[test]
    fn versions_are_read_as_if_alone((older, newer) in versions()) {
        check_version(&older, &newer);
    }
}
