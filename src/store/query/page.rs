//! One page of an ordered list, found by the sort values of its neighbour instead of by counting rows.

use uuid::Uuid;

use super::statement::{Fragment, Parameter};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// One column of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// The column; ours, never from outside.
    pub column: &'static str,
    /// The type ClickHouse reads a cursor's value as.
    server_type: &'static str,
    /// The function that makes a value of the column from a cursor's.
    from_cursor: Option<&'static str>,
}

impl SortKey {
    /// A column whose values stand in cursors as they are.
    pub const fn new(column: &'static str, server_type: &'static str) -> Self {
        Self { column, server_type, from_cursor: None }
    }

    /// A time whose values stand in cursors as seconds since 1970. It is compared as it is stored: a condition on a function
    /// of it would find nothing in an index.
    pub const fn seconds(column: &'static str) -> Self {
        Self { column, server_type: "Int64", from_cursor: Some("fromUnixTimestamp64Second") }
    }

    /// Ids that are ordered by time (UUIDv7), as an expression that orders them so: ClickHouse compares the second half of a UUID first.
    pub const fn time_ordered(number: &'static str) -> Self {
        Self { column: number, server_type: "UUID", from_cursor: Some("UUIDToNum") }
    }

    /// Whether a text from outside can be a value of this key.
    pub fn accepts(&self, text: &str) -> bool {
        match self.server_type {
            "UUID" => Uuid::parse_str(text).is_ok(),
            "Int64" => text.parse::<i64>().is_ok(),
            "UInt64" => text.parse::<u64>().is_ok(),
            _ => true,
        }
    }
}

/// Sort keys with their directions; the last one is unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order(pub Vec<(SortKey, Direction)>);

/// Which end of the list a page begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageEnd {
    First,
    Last,
}

/// A page: up to `size` rows at an end of what lies between two cursors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    pub end: PageEnd,
    pub size: u32,
    pub order: Order,
    /// Sort values of the row after which the page begins.
    pub after: Option<Vec<String>>,
    /// Sort values of the row before which the page ends.
    pub before: Option<Vec<String>>,
}

impl Page {
    /// Conditions for what lies between the cursors.
    pub(super) fn between(&self) -> Fragment {
        let after = self.after.as_ref().map(|values| beyond(&self.order.0, values, |direction| direction));
        let before = self.before.as_ref().map(|values| beyond(&self.order.0, values, Direction::reversed));
        [after, before]
            .into_iter()
            .flatten()
            .fold(Fragment::default(), |fragment, condition| fragment.text(" AND (").append(condition).text(")"))
    }

    /// `ORDER BY` and `LIMIT`; one row more than the page holds tells whether another page follows. Rows at the end come in
    /// reverse.
    pub(super) fn tail(&self) -> Fragment {
        let keys = self.order.0.iter().map(|(key, direction)| {
            let direction = if self.end == PageEnd::Last { direction.reversed() } else { *direction };
            let direction = if direction == Direction::Ascending { "ASC" } else { "DESC" };
            format!("{} {direction}", key.column)
        });
        let keys: Vec<String> = keys.collect();
        Fragment::default().text(&format!("ORDER BY {} LIMIT {}", keys.join(", "), u64::from(self.size) + 1))
    }

    /// The same, with so many rows of each value of a column.
    pub(super) fn tail_of_each(&self, column: &'static str) -> Fragment {
        self.tail().text(&format!(" BY {column}"))
    }

    /// Cuts the extra row off and puts the rows of a page at the end into order; tells whether more rows follow.
    pub fn cut<'a, T>(&self, rows: &'a [T]) -> (Vec<&'a T>, bool) {
        let size = self.size as usize;
        let mut page: Vec<&T> = rows.iter().take(size).collect();
        if self.end == PageEnd::Last {
            page.reverse();
        }
        (page, rows.len() > size)
    }
}

/// `(a > x) OR (a = x AND b > y) OR …` with each comparison in its key's direction.
fn beyond(order: &[(SortKey, Direction)], values: &[String], turn: fn(Direction) -> Direction) -> Fragment {
    let mut alternatives = Fragment::default().text("false");
    for (index, (key, direction)) in order.iter().enumerate().take(values.len()) {
        alternatives = alternatives.text(" OR (");
        for ((equal, _), value) in order.iter().zip(values).take(index) {
            alternatives = alternatives.text(equal.column).text(" = ").append(typed(*equal, value)).text(" AND ");
        }
        let comparison = if turn(*direction) == Direction::Ascending { " > " } else { " < " };
        alternatives = alternatives.text(key.column).text(comparison).append(typed(*key, &values[index])).text(")");
    }
    alternatives
}

fn typed(key: SortKey, value: &str) -> Fragment {
    let value = Fragment::default().value(Parameter::Text(value.to_owned()), key.server_type);
    match key.from_cursor {
        Some(function) => Fragment::default().text(function).text("(").append(value).text(")"),
        None => value,
    }
}
