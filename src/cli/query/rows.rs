//! An answer as tables, CSV, or JSON lines.

use std::borrow::Cow;

use comfy_table::{CellAlignment, ContentArrangement, presets};
use serde_json::Value;

use super::selection::{Column, Table};
use crate::cli::terminal::printable;

/// What makes a spreadsheet take a text for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The rows of a table. One that is null as a whole has none.
fn rows<'a>(table: &Table, data: &'a Value) -> Vec<&'a Value> {
    match at(data, &table.path) {
        Value::Null => Vec::new(),
        Value::Array(rows) if table.is_list => rows.iter().collect(),
        row => vec![row],
    }
}

fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, key| &value[key.as_str()])
}

/// A value in a cell: nothing for null, JSON for what has an inside.
fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => match number.as_f64() {
            // A count that comes as a floating-point number.
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 1e15 => {
                Cow::Owned(format!("{whole:.0}"))
            }
            _ => Cow::Owned(number.to_string()),
        },
        other => Cow::Owned(other.to_string()),
    }
}

/// The table as text, `width` columns wide at most. Nothing in it moves the cursor or changes colours.
pub fn to_text(table: &Table, data: &Value, width: Option<u16>) -> String {
    let mut text = comfy_table::Table::new();
    text.load_preset(presets::UTF8_FULL_CONDENSED).set_header(table.columns.iter().map(Column::name));
    if let Some(width) = width {
        text.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for row in rows(table, data) {
        text.add_row(table.columns.iter().map(|column| printable(&cell(at(row, &column.path))).into_owned()));
    }
    for (index, column) in table.columns.iter().enumerate() {
        if let Some(shown) = text.column_mut(index).filter(|_| column.is_number) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{text}\n")
}

/// The table as RFC 4180 has it, a header first. `on_terminal`: nothing in it is a command to one.
///
/// # Errors
/// None that could come from the data.
pub fn to_csv(table: &Table, data: &Value, on_terminal: bool) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(table.columns.iter().map(Column::name))?;
    for row in rows(table, data) {
        let cells = table.columns.iter().map(|column| {
            let value = at(row, &column.path);
            let text = if value.is_string() { no_formula(cell(value)) } else { cell(value) };
            if on_terminal { printable(&text).into_owned() } else { text.into_owned() }
        });
        csv.write_record(cells)?;
    }
    Ok(csv.into_inner()?)
}

/// A text that a spreadsheet would run gets an apostrophe in front, which tells the spreadsheet that it is text.
fn no_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(FORMULA) && text.parse::<f64>().is_err() { Cow::Owned(format!("'{text}")) } else { text }
}

/// The rows as they stand in the answer, one a line.
pub fn to_json_lines(table: &Table, data: &Value) -> String {
    rows(table, data).into_iter().map(|row| format!("{row}\n")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: &[(&str, bool)]) -> Table {
        let column = |(name, is_number): &(&str, bool)| Column {
            path: name.split('.').map(str::to_owned).collect(),
            is_number: *is_number,
        };
        Table { path: vec!["list".to_owned()], is_list: true, columns: columns.iter().map(column).collect() }
    }

    fn csv(value: Value) -> String {
        let data = json!({ "list": [{ "a": value }] });
        let text = String::from_utf8(to_csv(&table(&[("a", false)]), &data, false).unwrap()).unwrap();
        text.strip_prefix("a\r\n").unwrap().to_owned()
    }

    #[test]
    fn cells_hold_what_the_answer_holds() {
        assert_eq!(csv(json!("a, \"b\"\r\nc")), "\"a, \"\"b\"\"\r\nc\"\r\n");
        assert_eq!(csv(json!({ "x": [1, null] })), "\"{\"\"x\"\":[1,null]}\"\r\n");
        assert_eq!(csv(json!(12.0)), "12\r\n");
        assert_eq!(csv(json!(0.5)), "0.5\r\n");
        assert_eq!(csv(json!(u64::MAX)), "18446744073709551615\r\n");
        assert_eq!(csv(json!(false)), "false\r\n");
    }

    #[test]
    fn no_text_is_a_formula_to_a_spreadsheet() {
        assert_eq!(csv(json!("=HYPERLINK(1)")), "'=HYPERLINK(1)\r\n");
        assert_eq!(csv(json!("@SUM(1)")), "'@SUM(1)\r\n");
        assert_eq!(csv(json!("-1")), "-1\r\n", "a number is none");
        assert_eq!(csv(json!(-1)), "-1\r\n");
    }

    #[test]
    fn a_row_that_is_null_has_empty_cells() {
        let data = json!({ "list": [null, { "a": { "b": null } }, { "a": null }] });
        let text = to_csv(&table(&[("a.b", false), ("c", true)]), &data, false).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "a.b,c\r\n,\r\n,\r\n,\r\n");
        assert_eq!(to_json_lines(&table(&[]), &data), "null\n{\"a\":{\"b\":null}}\n{\"a\":null}\n");
    }

    #[test]
    fn numbers_stand_at_the_right_and_commands_to_the_terminal_are_text() {
        let data = json!({ "list": [{ "n": 7, "t": "\u{1b}[2J\n" }, { "n": 12345, "t": "x" }] });
        let text = to_text(&table(&[("n", true), ("t", false)]), &data, None);
        assert!(text.contains("│     7 ┆ \\u{1b}[2J\\n │"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_table_fits_its_width() {
        let data = json!({ "list": [{ "n": 7, "t": "long words ".repeat(40) }] });
        let text = to_text(&table(&[("n", true), ("t", false)]), &data, Some(50));
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    }
}
