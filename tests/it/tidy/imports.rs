//! Rooms import what the table in the crate's documentation allows, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{SourceFile, files_under, source_files};

/// What each room may import, as the table of `src/lib.rs` says; `None` for all.
fn table() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let lib = files_under("src").into_iter().find(|file| file.path == "src/lib.rs").unwrap();
    let rows = lib.text.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches(['|', ' ']).split(" | ").collect();
        let allowed = match cells[2].trim() {
            "all" => None,
            "nothing" => Some(BTreeSet::new()),
            list => Some(list.split(", ").map(str::to_owned).collect()),
        };
        for room in cells[0].split(", ") {
            table.insert(room.trim_matches(['[', '`', ']']).to_owned(), allowed.clone());
        }
    }
    table
}

#[test]
fn every_room_stands_in_the_table() {
    let table = table();
    let rooms: BTreeSet<String> = source_files().iter().map(|file| file.room().to_owned()).collect();
    let listed: BTreeSet<String> = table.keys().cloned().chain(["lib".to_owned(), "main".to_owned()]).collect();
    assert_eq!(rooms, listed, "rooms under src, and rooms in the table of src/lib.rs");
    for allowed in table.values().flatten().flatten() {
        assert!(table.contains_key(allowed), "the table allows {allowed}, which is no room");
    }
}

#[test]
fn the_two_halves_meet_in_the_store_alone() {
    let table = table();
    let allows = |room: &str, other: &str| table[room].as_ref().is_none_or(|allowed| allowed.contains(other));
    assert_eq!(table["model"], Some(BTreeSet::new()));
    let writing = ["git", "scan", "pipeline"];
    for (one, other) in
        writing.iter().flat_map(|room| [("graphql", *room), ("http", *room), (*room, "graphql"), (*room, "http")])
    {
        assert!(!allows(one, other), "the table lets {one} import {other}");
    }
    assert!(!allows("http", "pipeline") && !allows("manifest", "store") && !allows("store", "graphql"));
}

#[test]
fn rooms_import_what_the_table_allows() {
    let table = table();
    let mut forbidden = Vec::new();
    let mut found = 0;
    for file in source_files() {
        // The crate's root holds the rooms together; the program has the command line alone.
        let Some(Some(allowed)) = table.get(file.room()) else { continue };
        for (line, room) in references(&file) {
            found += 1;
            if room != file.room() && !allowed.contains(&room) {
                forbidden.push(format!("{} (no {room} in {})", file.at(&file.code()[line]), file.room()));
            }
        }
    }
    assert!(found > 50, "{found} references between modules");
    assert!(forbidden.is_empty(), "imports that src/lib.rs does not allow:\n{}", forbidden.join("\n"));
}

#[test]
fn the_api_reads_and_never_writes() {
    let mut found = Vec::new();
    for file in source_files().iter().filter(|file| ["graphql", "http"].contains(&file.room())) {
        for line in file.code() {
            let words: Vec<&str> = line.code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if ["Writer", "migrate", "Supervisor"].iter().any(|word| words.contains(word)) {
                found.push(file.at(&line));
            }
        }
    }
    assert!(found.is_empty(), "the write side of the store:\n{}", found.join("\n"));
}

/// Rooms that a file names, by `crate::` or by as many `super::` as lead to the crate's root, with the index of the line.
fn references(file: &SourceFile) -> Vec<(usize, String)> {
    let code = file.code();
    let text: String = code.iter().map(|line| format!("{}\n", line.code)).collect();
    let mut roots = vec!["crate::".to_owned()];
    roots.push("super::".repeat(depth(&file.path)));
    let mut found = Vec::new();
    for root in roots {
        for (start, _) in text.match_indices(&root) {
            let before = text[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = text[..start].matches('\n').count();
            found.extend(rooms_after(&text[start + root.len()..]).into_iter().map(|room| (line, room)));
        }
    }
    found
}

/// How many modules lie between a file's own and the crate's root, its own included.
fn depth(path: &str) -> usize {
    let inside = path.strip_prefix("src/").unwrap();
    inside.split('/').filter(|part| *part != "mod.rs").count()
}

/// The first names of a path, or of each path in its braces.
fn rooms_after(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)].into_iter().filter(|name| name != "super" && !name.is_empty()).collect();
    };
    let (mut level, mut names, mut start) = (0, Vec::new(), 0);
    for (index, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => {
                names.push(name(&group[start..index]));
                break;
            }
            '}' => level -= 1,
            ',' if level == 0 => {
                names.push(name(&group[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn references_are_found_in_every_form() {
    let text = "use crate::model::{Id, Name};\nuse crate::{git, store::{Reader, query}, scan as s,};\nfn f(x: crate::http::X) {\n\
        super::super::cli::main(); super::near(); // crate::app\n}\n#[cfg(test)]\nuse crate::pipeline;\n";
    let file = SourceFile { path: "src/graphql/types.rs".to_owned(), text: text.to_owned() };
    let mut found = references(&file);
    found.sort();
    let expected = [(0, "model"), (1, "git"), (1, "scan"), (1, "store"), (2, "http"), (3, "cli")];
    assert_eq!(found, expected.map(|(line, room)| (line, room.to_owned())));
}
