//! What was measured, as a Markdown table.

use std::fmt;
use std::time::{Duration, Instant};

use super::Result;

/// The rows of the table, in the order in which they were measured.
#[derive(Default)]
pub struct Report {
    rows: Vec<[String; 6]>,
}

/// What a value should reach.
#[derive(Clone, Copy)]
pub enum Goal {
    None,
    AtMost(f64, &'static str),
    AtLeast(f64, &'static str),
}

impl Report {
    /// A value without a floor.
    pub fn value(&mut self, what: &str, value: f64, unit: &'static str, goal: Goal) {
        let row =
            [what.to_owned(), amount(value, unit), String::new(), String::new(), goal.text(), goal.verdict(value)];
        self.add(row);
    }

    /// Two times, and how often the floor fits into the value; the goal is one for the ratio.
    pub fn ratio(&mut self, what: &str, value: Duration, floor: Duration, goal: Goal) {
        let ratio = value.as_secs_f64() / floor.as_secs_f64();
        let row = [
            what.to_owned(),
            milliseconds(value),
            milliseconds(floor),
            format!("{ratio:.2}"),
            goal.text(),
            goal.verdict(ratio),
        ];
        self.add(row);
    }

    /// A rate and the one it is held against.
    pub fn rate(&mut self, what: &str, value: f64, floor: f64, unit: &'static str, goal: Goal) {
        let row = [
            what.to_owned(),
            amount(value, unit),
            amount(floor, unit),
            format!("{:.2}", value / floor),
            goal.text(),
            goal.verdict(value),
        ];
        self.add(row);
    }

    fn add(&mut self, row: [String; 6]) {
        // Somebody is waiting.
        eprintln!("{}", row.join("  "));
        self.rows.push(row);
    }
}

impl Goal {
    fn text(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtMost(limit, unit) => format!("≤ {}", amount(limit, unit)),
            Self::AtLeast(limit, unit) => format!("≥ {}", amount(limit, unit)),
        }
    }

    fn verdict(self, value: f64) -> String {
        let met = match self {
            Self::None => return String::new(),
            Self::AtMost(limit, _) => value <= limit,
            Self::AtLeast(limit, _) => value >= limit,
        };
        if met { "yes" } else { "no" }.to_owned()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | value | floor | ratio | goal | met |\n|---|--:|--:|--:|--:|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

fn amount(value: f64, unit: &str) -> String {
    let number = if value >= 1_000.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1_000.0;
    let digits = if milliseconds < 100.0 { 1 } else { 0 };
    format!("{milliseconds:.digits$} ms")
}

/// The median times of a value and its floor, measured in turn so that other work on the machine hits both.
pub async fn in_turn<A, B>(
    times: usize,
    mut value: impl AsyncFnMut() -> Result<A>,
    mut floor: impl AsyncFnMut() -> Result<B>,
) -> Result<(Duration, Duration)> {
    let (mut values, mut floors) = (Vec::new(), Vec::new());
    // The first round warms what every later one finds warm.
    for round in 0..=times {
        let started = Instant::now();
        value().await?;
        let middle = Instant::now();
        floor().await?;
        if round > 0 {
            values.push(middle - started);
            floors.push(middle.elapsed());
        }
    }
    Ok((quantile(&mut values, 0.5), quantile(&mut floors, 0.5)))
}

/// The time that this share of the times does not exceed.
pub fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
