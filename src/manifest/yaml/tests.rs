//! One test for each rule of "Documents" and "Same data", and the exactness of both written forms.

use super::*;

fn one(yaml: &str) -> Node {
    let mut documents = read(yaml.as_bytes()).unwrap_or_else(|error| panic!("{yaml:?}: {error}"));
    assert_eq!(documents.len(), 1, "{yaml:?}");
    documents.remove(0)
}

fn refused(yaml: &str, message: &str) {
    let error = read(yaml.as_bytes()).expect_err(yaml);
    assert!(error.message.contains(message), "{yaml:?}: {error}");
}

fn same(one_text: &str, two_text: &str) {
    assert_eq!(one(one_text), one(two_text), "{one_text:?} {two_text:?}");
}

fn differ(one_text: &str, two_text: &str) {
    assert_ne!(one(one_text), one(two_text), "{one_text:?} {two_text:?}");
}

#[test]
fn order_comments_quotes_styles_and_indentation_do_not_count() {
    same("{a: 1, b: 2}", "b:    2 # two\na: 1\n");
    same("a: 'x y'", "a: \"x\\x20y\"");
    same("a: |\n  x\n  y\n", "a: \"x\\ny\\n\"");
    same("a:\n- 1\n- 2\n", "a: [1, 2]");
    same("a: >-\n  x\n  y\n", "a: x y");
    same("a: 1\r\nb: 2\r\n", "{a: 1, b: 2}");
    same("a: |\r\n  x\r\n  y\r\n", "a: \"x\\ny\\n\"");
    same("a: 1\rb: 2\r", "{a: 1, b: 2}");
    same("a: 1\u{85}b: 2\n", "{a: 1, b: 2}");
    same("a: 1\u{2028}b: 2\u{2029}", "{a: 1, b: 2}");
    same("%YAML 1.1\n---\na: 1\n...\n# end\n", "a: 1");
    same("%TAG !e! tag:example.com,2000:\n--- !e!x\na: 1\n", "!<tag:example.com,2000:x> {a: 1}");
    same("--- a\n", "a");
}

#[test]
fn scalars_are_equal_by_type_and_text() {
    differ("\"1\"", "1");
    differ("1.10", "1.1");
    differ("1", "1.0");
    differ("0644", "420");
    differ("null", "'null'");
    same("~", "null");
    same("a:", "a: NULL");
    same("True", "true");
    differ("true", "'true'");
    same("yes", "'yes'");
    same("on: 1", "'on': 1");
    same("!!str 1", "'1'");
    same("!!int '1'", "1");
    differ("[a, b]", "[b, a]");
    differ("[]", "{}");
}

#[test]
fn unknown_tags_are_kept_and_count() {
    differ("!a x", "x");
    differ("!a x", "!b x");
    differ("!a [x]", "[x]");
    differ("!a {x: 1}", "{x: 1}");
    same("!!map {x: 1}", "{x: 1}");
    same("! {x: 1}", "{x: 1}");
    differ("!!binary eA==", "eA==");
    assert_eq!(
        *one("!!binary eA==").as_scalar().unwrap().scalar_type(),
        ScalarType::Custom("tag:yaml.org,2002:binary".into())
    );
}

#[test]
fn timestamps_nan_and_long_integers_are_valid() {
    same("2001-12-14", "'2001-12-14'");
    same(".nan", ".nan");
    same("123456789012345678901234567890", "123456789012345678901234567890");
}

#[test]
fn the_newest_anchor_counts() {
    same("[&a 1, &b 2, &a 3, &c 4, *a]", "[1, 2, 3, 4, 3]");
    refused("[&a 1]\n---\n[*a]", "alias");
}

#[test]
fn an_alias_without_anchor_or_inside_its_own_is_unparsable() {
    refused("a: *nope", "alias");
    refused("&a [*a]", "alias");
    refused("&a {b: *a}", "alias");
    refused("&a 1\n---\n&b [&b [*b]]", "alias");
}

#[test]
fn merge_keys_are_applied_own_keys_win_then_earlier_sources() {
    same("{<<: {a: 1, b: 1}, b: 2}", "{a: 1, b: 2}");
    same("{b: 2, <<: [{a: 1}, {a: 9, c: 3}]}", "{a: 1, b: 2, c: 3}");
    same("{<<: []}", "{}");
    same("[&a {x: 1}, &b {<<: *a, y: 2}, {<<: *b, z: 3}]", "[{x: 1}, {x: 1, y: 2}, {x: 1, y: 2, z: 3}]");
    same("{<<: {<<: {a: 1, b: 1}, b: 2}}", "{a: 1, b: 2}");
    same("{<<: [{1: a}, {'1': b}]}", "{1: a, '1': b}");
    same("!x {<<: !y {a: 1}}", "!x {a: 1}");
    let keys = |yaml| {
        one(yaml)
            .as_mapping()
            .unwrap()
            .entries()
            .iter()
            .map(|(key, _)| key.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("{z: 1, <<: {y: 1, z: 2}, a: 1}"), ["z", "y", "a"]);
}

#[test]
fn only_a_plain_untagged_key_merges() {
    assert!(one("{'<<': {a: 1}}").get("<<").is_some());
    assert!(one("{!!str <<: {a: 1}}").get("<<").is_some());
    assert!(one("{&x <<: {a: 1}}").get("a").is_some());
    assert!(one("[&x <<, {*x : {a: 1}}]").pointer("/1/<<").is_some());
}

#[test]
fn a_merge_of_no_mapping_is_unparsable() {
    refused("<<: 1", "<<");
    refused("<<: [{a: 1}, 2]", "<<");
    refused("<<:", "<<");
    refused("<<: []\n<<: []", "equal keys");
    refused("<<: [[{a: 1}]]", "<<");
    refused("a: &a 1\n<<: *a", "<<");
}

#[test]
fn equal_keys_are_unparsable() {
    refused("{a: 1, 'a': 2}", "equal keys");
    refused("{<<: {}, <<: {}}", "equal keys");
    refused("{<<: {}, '<<': {}}", "equal keys");
    refused("{? {a: 1, b: 2} : 1, ? {b: 2, a: 1} : 2}", "equal keys");
    refused("{~: 1, null: 2}", "equal keys");
    refused("{a: 1, \"\\x61\": 2}", "equal keys");
    refused("{true: 1, True: 2}", "equal keys");
    refused("{[a, b]: 1, ? [a, b] : 2}", "equal keys");
    refused("{!x a: 1, !x 'a': 2}", "equal keys");
    refused("&a k: 1\n*a : 2", "equal keys");
    assert_eq!(
        one("{1: a, 0x1: b, 01: c, +1: d, true: e, 'true': f, !x a: g, a: h}").as_mapping().unwrap().entries().len(),
        8
    );
    refused(&format!("{{{}k7: 0}}", (0..40).map(|number| format!("k{number}: 1, ")).collect::<String>()), "equal keys");
    assert_eq!(one("{1: a, '1': b, 1.0: c}").as_mapping().unwrap().entries().len(), 3);
}

#[test]
fn text_is_utf8_or_utf16_with_a_mark() {
    let expected = one("a: é𝄞");
    let utf16 = |unit: fn(u16) -> [u8; 2]| "\u{feff}a: é𝄞".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    assert_eq!(read(&utf16(u16::to_le_bytes)).unwrap(), std::slice::from_ref(&expected));
    assert_eq!(read(&utf16(u16::to_be_bytes)).unwrap(), std::slice::from_ref(&expected));
    assert_eq!(read("\u{feff}a: é𝄞".as_bytes()).unwrap(), [expected]);
    assert_eq!(read("\u{feff}a: 1\nb: 2\n".as_bytes()).unwrap(), [one("{a: 1, b: 2}")]);
    assert!(read(b"\xff\xfea").is_err());
    assert!(read(b"\xff\xfe\x00\xd8").is_err());
    let error = read(b"a: 1\nb: \xff").unwrap_err();
    assert_eq!((error.line, error.column), (2, 4));
    // Control characters are no YAML, so nobody's UTF-32 is taken for text of any other kind.
    for bytes in
        [&b"a: \x01"[..], b"a: \0", b"\0", b"a: \x7f", b"\xff\xfe\0\0a\0\0\0", b"\0\0\xfe\xff\0\0\0a", b"a\0:\0 \0b\0"]
    {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_stream_may_have_no_or_many_documents() {
    assert!(read(b"").unwrap().is_empty());
    assert!(read(b"# nothing\n").unwrap().is_empty());
    assert_eq!(read(b"---\n").unwrap(), [one("~")]);
    assert_eq!(read(b"---\n---\na: 1\n...\n").unwrap().len(), 2);
    assert_eq!(read(b"--- a\n...\n---\n# only a comment\n--- |\n b\n").unwrap(), [one("a"), one("~"), one("|\n b\n")]);
}

#[test]
fn budgets_hold_with_aliases_expanded() {
    assert!(read(&vec![b'#'; MAX_BYTES]).is_ok());
    assert!(read(&vec![b'#'; MAX_BYTES + 1]).is_err());
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(nested(100).as_bytes()).is_ok());
    refused(&nested(101), "100 levels");
    assert!(read(format!("[&a {}, [[*a]]]", nested(97)).as_bytes()).is_ok());
    refused(&format!("[&a {}, [[*a]]]", nested(98)), "100 levels");
    refused(&"[".repeat(1 << 20), "100 levels");
    let aliases = |count: usize| format!("[&a [{}], {}1]", "1,".repeat(999), "*a,".repeat(count));
    assert!(read(aliases(998).as_bytes()).is_ok());
    refused(&aliases(1000), "nodes");
    let laughs: String = (1..60).map(|level| format!("a{level}: &a{level} [*a{0},*a{0}]\n", level - 1)).collect();
    refused(&format!("a0: &a0 [1]\n{laughs}"), "nodes");
}

#[test]
fn tag_directives_are_bounded() {
    let directives =
        |count: usize| (0..count).map(|number| format!("%TAG !t{number}! x\n")).collect::<String>() + "--- 1\n";
    assert!(read(directives(1000).as_bytes()).is_ok());
    refused(&directives(1001), "%TAG");
}

#[test]
fn an_unparsable_text_has_a_place_and_none_of_its_content() {
    let error = read(b"a: 1\nb: [hunter2\n").unwrap_err();
    assert!(error.line >= 2);
    assert!(!error.message.contains("hunter2"));
    assert_eq!(read(b"a: 1\n  b: 2\n").unwrap_err().line, 2);
}

#[test]
fn pointers_lead_to_nodes() {
    let node = one("{a/b: [x, {'~': y}], 8080: z, '': e}");
    assert_eq!(node.pointer("/a~1b/1/~0").and_then(Node::as_str), Some("y"));
    assert_eq!(node.pointer("/8080").and_then(Node::as_str), Some("z"));
    assert_eq!(node.pointer("/").and_then(Node::as_str), Some("e"));
    assert_eq!(node.pointer(""), Some(&node));
    let node_with_keys = one("{~: n, [a]: s, !x t: u}");
    for (pointer, text) in [("/null", "n"), ("/[\"a\"]", "s"), ("/t", "u")] {
        assert_eq!(node_with_keys.pointer(pointer).and_then(Node::as_str), Some(text), "{pointer}");
    }
    assert!(node.pointer("/a~1b/01").is_none() && node.pointer("a").is_none() && node.pointer("/a~1b/2").is_none());
}

/// Documents that hold one trap each.
const TRAPS: &[&str] = &[
    "{a: 1.10, b: 0644, c: 0x1F, d: .5, e: +1, f: .nan, g: -.inf, h: 1e3, i: 123456789012345678901234567890, j: -0, k: 1.}",
    "{a: !!int 'x', b: !!float 1, c: !!bool yes, d: !!null x, e: !!str 1, f: True}",
    "{a: !foo x, b: !foo [x], c: !foo {x: 1}, d: !!binary eA==, e: !<tag:example.com,2000:x> y, f: !<!!int> 1, g: !a%21b c, h: !foo ''}",
    "{1: a, '1': b, true: c, 'true': d, ~: e, '': f, 'null': g, !!int x: h, '!foo': i, '!!str x': j, '!!pairs': k, '<<': l}",
    "{'!!int': '1'}",
    "{'!foo': 1}",
    "{'!!pairs': [[1, 2]]}",
    "{!foo a: 1, ? [x, y] : 2, ? {z: 1} : !bar {? [q] : r}}",
    "!foo {? [x] : y}",
    "{a: !<!x,y> b, c: !<!x[y]> [d], e: !<tag:yaml.org,2002:x,y> {f: g}, h: !!binary eA==, i: !x y}",
    "['', ' ', ' a', 'a ', '-', '- a', '#', 'a #b', 'a: b', '? a', '*a', '&a', '!a', '%a', '@a', '`a', '|', '>', '[', '{', ',', '~', '---', '...', '=']",
    r#"["a\nb", "a\nb\n", "a\nb\n\n", "\na", "\n", "\n\n", " a\nb", "a\n b\n", "a \nb", "a\n\n\nb", "a\tb", "\ta\nb", "a\n#b\n", "a\r\nb", "a\rb"]"#,
    r#"["\0", "\a", "\e", "\x7f", "\N", "\L", "\P", "\uFEFF", "é", "𝄞", "\uFFFE", "a\u2028b\nc", "\"", "'", "\\"]"#,
    "[yes, no, on, off, y, n, 2001-12-14, 1_000, 1:30, 0o7, 0o8, '0o7', '0777', 'null', 'true', '.nan', '1e3', '.', '-.5', '+']",
    "[[], {}, [[]], [{}], {a: []}, {a: {}}, null]",
    "|\n  a\n  b\n",
    "just text",
    "{? a very long key that goes on and on past the hundred and twenty eight characters that libyaml allows a simple key to have, and then some more : 1}",
];

#[test]
fn json_is_exact() {
    for yaml in TRAPS {
        let node = one(yaml);
        let json = node.to_json();
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
        assert_eq!(Node::from_json(&json), Ok(node.clone()), "{json}");
        assert_eq!(Node::from_json(&json).unwrap().to_json(), json);
        assert_eq!(node.to_json_within(json.len()).as_ref(), Some(&json));
        assert_eq!(node.to_json_within(json.len() - 1), None);
    }
}

#[test]
fn yaml_is_exact() {
    for yaml in TRAPS {
        let node = one(yaml);
        let text = node.to_yaml();
        assert_eq!(read(text.as_bytes()).as_deref(), Ok(&[node][..]), "{text}");
    }
}

#[test]
fn yaml_is_readable() {
    let node = one("{a: '1.10', b: 1.10, c: \"x\\ny\\n\", d: [{e: yes}, f g], h: {}, i: '', j: 0644}");
    let expected = "a: '1.10'\nb: 1.10\nc: |\n  x\n  y\nd:\n- e: yes\n- f g\nh: {}\ni: ''\nj: 0644\n";
    assert_eq!(node.to_yaml(), expected);
}

#[test]
fn json_forms() {
    let forms = [
        (
            "[1.10, 0644, .nan, 30000000000000000000000, true, ~]",
            r#"[1.10,{"!!int":"0644"},{"!!float":".nan"},30000000000000000000000,true,null]"#,
        ),
        ("{b: 1, a: !x y, 8080: 2, '8080': 3}", r#"{"b":1,"a":{"!x":"y"},"8080":2,"!!str 8080":3}"#),
        ("{'!x': 1}", r#"{"!!str !x":1}"#),
        ("!!binary eA==", r#"{"!<tag:yaml.org,2002:binary>":"eA=="}"#),
        ("{? [a] : b}", r#"{"!!pairs":[[["a"],"b"]]}"#),
    ];
    for (yaml, json) in forms {
        assert_eq!(one(yaml).to_json(), json);
    }
}

#[test]
fn display_json_is_plain() {
    let shown = one(
        "{a: 1.10, b: 1.5, c: 0644, d: -3, e: 18446744073709551615, f: !x y, g: 1e400, 8080: h, '8080': i, j: True}",
    )
    .to_display_json();
    let expected = serde_json::json!({"a": "1.10", "b": 1.5, "c": "0644", "d": -3, "e": 18446744073709551615_u64, "f": "y", "g": "1e400",
        "8080": "h", "\"8080\"": "i", "j": true});
    assert_eq!(shown, expected);
}

#[test]
fn broken_json_is_refused() {
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for json in [
        "",
        "{",
        "[1,]",
        "{\"a\":1,\"a\":2}",
        "{\"!x\":1}",
        "\"\\q\"",
        "\"a",
        "01",
        "nul",
        "1 2",
        "{\"!!pairs\":[[1]]}",
        "{\"!<>\":\"\"}",
        &deep,
    ] {
        assert!(Node::from_json(json).is_err(), "{json:.20}");
    }
}
