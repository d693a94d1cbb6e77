//! How far scans are, on stderr: bars on a terminal, else lines.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::git::FetchProgress;
use crate::pipeline::{Progress, Silent};

const TICK: Duration = Duration::from_millis(100);

/// What all scans of one command print.
pub(super) struct Display {
    json: bool,
    kind: Kind,
}

enum Kind {
    /// One bar a running scan. Below them stands how many have ended, where there are several.
    Bars {
        bars: MultiProgress,
        total: Option<ProgressBar>,
    },
    Lines,
    Silent,
}

impl Display {
    /// For so many sources, whose summaries are JSON or text.
    pub fn new(json: bool, sources: usize) -> Self {
        let kind = match (json, std::io::stderr().is_terminal()) {
            (_, true) => {
                let bars = MultiProgress::new();
                let total = (sources > 1).then(|| {
                    let bar = bars.add(ProgressBar::new(sources as u64));
                    bar.set_style(style("{spinner} {pos} of {len} repositories  {elapsed}"));
                    bar.enable_steady_tick(TICK);
                    bar
                });
                Kind::Bars { bars, total }
            }
            (true, false) => Kind::Silent,
            (false, false) => Kind::Lines,
        };
        Self { json, kind }
    }

    /// Shows the progress of a scan that begins, until what is answered is dropped.
    pub fn begin(&self, label: String) -> Arc<dyn Progress> {
        match &self.kind {
            Kind::Bars { bars, total } => Arc::new(Bar::new(label, bars, total.as_ref())),
            Kind::Lines => Arc::new(Lines::new(label)),
            Kind::Silent => Arc::new(Silent),
        }
    }

    /// Counts a scan that has ended.
    pub fn end(&self) {
        if let Kind::Bars { total: Some(total), .. } = &self.kind {
            total.inc(1);
        }
    }

    /// Prints while no bar stands in the way. `print` is told whether summaries are JSON.
    pub fn aside<T>(&self, print: impl FnOnce(bool) -> T) -> T {
        match &self.kind {
            Kind::Bars { bars, .. } => bars.suspend(|| print(self.json)),
            Kind::Lines | Kind::Silent => print(self.json),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Kind::Bars { total: Some(total), .. } = &self.kind {
            total.finish_and_clear();
        }
    }
}

/// A bar with rate and remaining time.
struct Bar {
    bars: MultiProgress,
    bar: ProgressBar,
    events: AtomicU64,
}

impl Bar {
    fn new(label: String, bars: &MultiProgress, total: Option<&ProgressBar>) -> Self {
        let bar = ProgressBar::new_spinner().with_prefix(label).with_message("looking at the source");
        let bar = match total {
            Some(total) => bars.insert_before(total, bar),
            None => bars.add(bar),
        };
        bar.set_style(style("{spinner} {prefix}  {msg}"));
        bar.enable_steady_tick(TICK);
        Self { bars: bars.clone(), bar, events: AtomicU64::new(0) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }
}

impl Progress for Bar {
    fn fetching(&self, progress: &FetchProgress) {
        self.bar.set_message(format!("{} {}/{}", progress.phase, progress.done, progress.total));
    }

    fn scanning(&self, commits: u64) {
        self.bar.set_message("");
        self.bar.set_style(style(
            "{spinner} {prefix}\n  {wide_bar} {human_pos}/{human_len} commits  {rate}  {eta} left  {msg}",
        ));
        self.bar.set_length(commits);
        self.bar.reset_eta();
    }

    fn advanced(&self, commits: u64, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        self.bar.inc(commits);
        self.bar.set_message(format!("{} events", HumanCount(events)));
    }

    fn publishing(&self) {
        self.bar.set_message("publishing");
    }
}

fn style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A line that cannot be drawn is drawn again in a moment.
        let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("rate", rate)
}

/// A line now and then, where nobody watches.
struct Lines {
    label: String,
    total: AtomicU64,
    done: AtomicU64,
    tenths: AtomicU64,
}

impl Lines {
    fn new(label: String) -> Self {
        Self { label, total: AtomicU64::new(0), done: AtomicU64::new(0), tenths: AtomicU64::new(0) }
    }
}

impl Progress for Lines {
    fn fetching(&self, _: &FetchProgress) {}

    fn scanning(&self, commits: u64) {
        self.total.store(commits, Ordering::Relaxed);
        eprintln!("{}: {commits} commits to read", self.label);
    }

    fn advanced(&self, commits: u64, _: u64) {
        let done = self.done.fetch_add(commits, Ordering::Relaxed) + commits;
        let total = self.total.load(Ordering::Relaxed).max(1);
        let tenths = done * 10 / total;
        if tenths > self.tenths.swap(tenths, Ordering::Relaxed) {
            eprintln!("{}: {}0 % ({done} of {total} commits)", self.label, tenths.min(10));
        }
    }

    fn publishing(&self) {}
}
