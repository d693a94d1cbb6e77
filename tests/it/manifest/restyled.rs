//! Data written in any style YAML has: what an author may change without changing the data.
//!
//! Keys are shuffled, scalars quoted in every way, collections stand in block or flow style at any indentation, comments come and go,
//! equal parts become aliases (of names that are used again and again), and parts of mappings move behind `<<`.

use kubestats::manifest::yaml::{Mapping, Node, Scalar, ScalarType, read};

/// A document of this data. The choices are spent one by one; when they run out, the plainest style is left.
pub fn restyled(node: &Node, choices: &[u8]) -> String {
    let mut writer = Writer { out: String::new(), choices: choices.iter(), anchors: Vec::new() };
    let start = writer.choose(&["", "---\n", "# comment\n", "%YAML 1.2\n---\n", "\n\n--- # comment\n"]);
    writer.out.push_str(start);
    match node {
        Node::Scalar(_) => {
            writer.out.push_str(if start.ends_with("---\n") || start.is_empty() { "" } else { "\n" });
            writer.value(node, 0, false);
        }
        _ => writer.block_or_flow(node, 0),
    }
    let end = writer.choose(&["", "...\n", "# comment", "...\n# comment\n"]);
    writer.out.push_str(end);
    writer.out
}

struct Writer<'a> {
    out: String,
    choices: std::slice::Iter<'a, u8>,
    /// What each name stands for; None while its node is being written.
    anchors: Vec<(&'static str, Option<Node>)>,
}

impl Writer<'_> {
    fn pick(&mut self, count: usize) -> usize {
        self.choices.next().map_or(0, |choice| usize::from(*choice) % count)
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.pick(from.len())]
    }

    fn spaces(&mut self, count: usize) {
        self.out.push_str(&" ".repeat(count));
    }

    /// Ends a line, perhaps with a comment, perhaps with lines of no content below.
    fn end_line(&mut self) {
        let end = self.choose(&["\n", "\n", "\n", " # comment\n", "   \n", "\n\n", "\n      # comment: 'x\n", "\r\n"]);
        self.out.push_str(end);
    }

    /// A collection that starts on a line of its own.
    fn block_or_flow(&mut self, node: &Node, indent: usize) {
        if self.can_be_block(node) && self.properties(node).is_none() && self.pick(4) != 3 {
            self.block(node, indent, false);
        } else {
            self.spaces(indent);
            self.flow(node, indent);
            self.end_line();
        }
    }

    fn can_be_block(&self, node: &Node) -> bool {
        match node {
            Node::Scalar(_) => false,
            Node::Sequence(sequence) => !sequence.items().is_empty(),
            Node::Mapping(mapping) => !mapping.entries().is_empty(),
        }
    }

    /// The lines of a collection; the first one's indentation may stand already.
    fn block(&mut self, node: &Node, indent: usize, first_stands: bool) {
        let mut stands = first_stands;
        match node {
            Node::Scalar(_) => unreachable!("scalars have no lines of their own"),
            Node::Sequence(sequence) => {
                for item in sequence.items() {
                    self.spaces(if std::mem::take(&mut stands) { 0 } else { indent });
                    self.out.push('-');
                    self.value(item, indent, false);
                }
            }
            Node::Mapping(mapping) => {
                for (key, value) in self.arranged(mapping) {
                    self.spaces(if std::mem::take(&mut stands) { 0 } else { indent });
                    self.block_entry(&key, &value, indent);
                }
            }
        }
    }

    fn block_entry(&mut self, key: &Key, value: &Node, indent: usize) {
        match key {
            Key::Merge => self.out.push_str("<<:"),
            Key::Own(key) if key.as_scalar().is_some() && self.pick(8) != 7 => {
                self.flow(key, indent);
                self.out.push_str(if self.out.ends_with(|last: char| last.is_alphanumeric()) { " :" } else { ":" });
            }
            Key::Own(key) => {
                self.out.push_str("? ");
                self.flow(key, indent);
                self.end_line();
                self.spaces(indent);
                self.out.push(':');
            }
        }
        self.value(value, indent, true);
    }

    /// What stands behind a colon or a dash, to the end of its last line.
    fn value(&mut self, node: &Node, indent: usize, in_mapping: bool) {
        if let Node::Scalar(scalar) = node
            && *scalar.scalar_type() == ScalarType::Str
            && self.block_scalar(scalar.text(), indent)
        {
            return;
        }
        let properties = self.properties(node);
        if !self.can_be_block(node) || self.pick(4) == 3 {
            self.out.push(' ');
            self.flow(node, indent);
            return self.end_line();
        }
        if properties.is_none() && !in_mapping && self.pick(2) == 0 {
            let width = 1 + self.pick(3);
            self.spaces(width);
            return self.block(node, indent + 1 + width, true);
        }
        if let Some(properties) = properties {
            self.out.push(' ');
            self.out.push_str(&properties);
        }
        self.end_line();
        let beside = in_mapping && node.as_sequence().is_some() && self.pick(2) == 0;
        let deeper = if beside { 0 } else { 1 + self.pick(4) };
        self.block(node, indent + deeper, false);
    }

    /// A tag, as the data have it.
    fn properties(&self, node: &Node) -> Option<String> {
        node.tag().filter(|_| node.as_scalar().is_none()).map(|tag| verbatim(tag))
    }

    /// A node within lines: an alias, a scalar, or a collection in brackets.
    fn flow(&mut self, node: &Node, indent: usize) {
        let known = self.anchors.iter().find(|(_, anchored)| anchored.as_ref() == Some(node)).map(|(name, _)| *name);
        if let Some(name) = known
            && self.pick(3) != 2
        {
            self.out.push_str(&format!("*{name} "));
            return;
        }
        let name = if self.pick(5) == 4 { self.open_anchor() } else { None };
        if let Some(properties) = self.properties(node) {
            self.out.push_str(&properties);
            self.out.push(' ');
        }
        match node {
            Node::Scalar(scalar) => self.scalar(scalar),
            Node::Sequence(sequence) => {
                self.out.push('[');
                for (at, item) in sequence.items().iter().enumerate() {
                    self.separate(at, indent);
                    self.flow(item, indent);
                }
                self.out.push(']');
            }
            Node::Mapping(mapping) => {
                self.out.push('{');
                for (at, (key, value)) in self.arranged(mapping).into_iter().enumerate() {
                    self.separate(at, indent);
                    match key {
                        Key::Merge => self.out.push_str("<<"),
                        Key::Own(key) => {
                            self.out.push_str("? ");
                            self.flow(&key, indent);
                        }
                    }
                    self.out.push_str(" : ");
                    self.flow(&value, indent);
                }
                self.out.push('}');
            }
        }
        if let Some(name) = name {
            self.close_anchor(name, node);
        }
    }

    fn separate(&mut self, at: usize, indent: usize) {
        if at > 0 {
            let comma = self.choose(&[", ", " ,  ", ",\n", " # comment\n"]);
            self.out.push_str(comma);
            if comma.ends_with('\n') {
                self.spaces(indent + 1);
                self.out.push_str(if comma.starts_with(',') { "" } else { ", " });
            }
        }
    }

    /// Begins a node with a name that may have stood for another; none if all are open.
    fn open_anchor(&mut self) -> Option<&'static str> {
        let name = self.choose(&["a", "b", "c-1"]);
        if self.anchors.iter().any(|(open, node)| *open == name && node.is_none()) {
            return None;
        }
        self.anchors.retain(|(known, _)| *known != name);
        self.anchors.push((name, None));
        self.out.push_str(&format!("&{name} "));
        Some(name)
    }

    fn close_anchor(&mut self, name: &'static str, node: &Node) {
        self.anchors.retain(|(known, _)| *known != name);
        self.anchors.push((name, Some(node.clone())));
    }

    /// The entries in another order, some of them perhaps behind `<<`.
    fn arranged(&mut self, mapping: &Mapping) -> Vec<(Key, Node)> {
        let mut entries = mapping.entries().to_vec();
        for at in (1..entries.len()).rev() {
            let other = at - self.pick(at + 1);
            entries.swap(at, other);
        }
        let merged = if mapping.get("<<").is_none() && self.pick(4) == 3 { self.pick(entries.len() + 1) } else { 0 };
        let mut behind: Vec<Node> =
            entries.drain(..merged).map(|(key, value)| Node::mapping(None, vec![(key, value)])).collect();
        if merged > 0
            && let Some((key, _)) = entries.first()
        {
            // What the mapping has itself, it does not take from another.
            behind.push(Node::mapping(None, vec![(key.clone(), Node::string("overridden"))]));
        }
        let mut arranged: Vec<(Key, Node)> = entries.into_iter().map(|(key, value)| (Key::Own(key), value)).collect();
        if merged > 0 {
            let source = if behind.len() == 1 { behind.remove(0) } else { Node::sequence(None, behind) };
            let at = self.pick(arranged.len() + 1);
            arranged.insert(at, (Key::Merge, source));
        }
        arranged
    }

    fn scalar(&mut self, scalar: &Scalar) {
        let text = scalar.text();
        let is_read_as = |plain: &str| {
            let read = read(format!("[{plain}]").as_bytes());
            read.is_ok_and(|read| read[0] == Node::sequence(None, vec![Node::Scalar(scalar.clone())]))
        };
        let plain =
            text.split(' ').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'));
        let written = match scalar.scalar_type() {
            ScalarType::Null => self.choose(&["null", "~", "NULL", "!!null ''"]).to_owned(),
            _ if plain && self.pick(3) == 0 && is_read_as(text) => text.to_owned(),
            ScalarType::Str => self.quoted(text),
            ScalarType::Bool => format!("!!bool {}", self.quoted(text)),
            ScalarType::Int => format!("!!int {}", self.quoted(text)),
            ScalarType::Float => format!("!!float {}", self.quoted(text)),
            ScalarType::Custom(tag) => format!("{} {}", verbatim(tag), self.quoted(text)),
        };
        self.out.push_str(&written);
    }

    fn quoted(&mut self, text: &str) -> String {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && self.pick(2) == 0 {
            return format!("'{}'", text.replace('\'', "''"));
        }
        let escaped: String = text
            .chars()
            .map(|c| match c {
                ' ' => c.to_string(),
                c if c.is_alphanumeric() && self.pick(8) != 7 => c.to_string(),
                '\n' => "\\n".to_owned(),
                '"' => "\\\"".to_owned(),
                c => format!("\\U{:08x}", u32::from(c)),
            })
            .collect();
        format!("\"{escaped}\"")
    }

    /// Writes a text as a literal or folded block, if it can be one.
    fn block_scalar(&mut self, text: &str, indent: usize) -> bool {
        let lines: Vec<&str> = text.split('\n').collect();
        let fits = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
            && !text.starts_with([' ', '\n'])
            && lines.iter().all(|line| !line.ends_with(' '))
            && !text.is_empty();
        if !fits || self.pick(2) == 0 {
            return false;
        }
        let content = text.trim_end_matches('\n');
        let chomping = match text.len() - content.len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        let folded = !content.contains('\n') && self.pick(2) == 0;
        let width = indent + 1 + self.pick(4);
        let comment = self.choose(&["", " # comment"]);
        self.out.push_str(&format!(" {}{chomping}{comment}\n", if folded { '>' } else { '|' }));
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.spaces(if line.is_empty() { 0 } else { width });
            self.out.push_str(line);
            self.out.push('\n');
        }
        true
    }
}

enum Key {
    Own(Node),
    Merge,
}

/// `!<tag>` with everything escaped that is not plain.
fn verbatim(tag: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'!' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    format!("!<{}>", tag.bytes().map(escape).collect::<String>())
}
