//! The lines that a job tells.

use crate::model::{Job, JobId, JobLogLine, LogLevel};

/// Lines of one job that are kept; what it tells beyond them is counted.
pub const MOST_LINES: u32 = 10_000;
/// Bytes of a line that are kept.
const MOST_BYTES: usize = 4 << 10;

/// A change of a job, as it is to be stored: its lines, then its state.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub job: Job,
    pub lines: Vec<JobLogLine>,
}

/// Numbers the lines of a job.
#[derive(Debug, Default)]
pub(super) struct Log {
    next: u32,
    /// Lines of the work itself that were kept, and that were not.
    kept: u32,
    left_out: u32,
}

impl Log {
    /// Goes on after the lines that are stored already.
    pub fn after(number: Option<u32>) -> Self {
        Self { next: number.map_or(0, |number| number + 1), ..Self::default() }
    }

    /// A line of the work; `None` when it told too many.
    pub fn line(&mut self, job: JobId, time_ms: i64, level: LogLevel, text: &str) -> Option<JobLogLine> {
        if self.kept == MOST_LINES {
            self.left_out += 1;
            return None;
        }
        self.kept += 1;
        Some(self.own(job, time_ms, level, text))
    }

    /// A line of the queue, which is always kept.
    pub fn own(&mut self, job: JobId, time_ms: i64, level: LogLevel, text: &str) -> JobLogLine {
        let number = self.next;
        self.next += 1;
        let text = match text.len() {
            0..=MOST_BYTES => text.to_owned(),
            _ => format!("{}…", String::from_utf8_lossy(&text.as_bytes()[..MOST_BYTES]).trim_end_matches('\u{fffd}')),
        };
        JobLogLine { job, time_ms, number, level, text }
    }

    /// Tells of what was left out, once an attempt is over.
    pub fn close(&mut self, job: JobId, time_ms: i64) -> Option<JobLogLine> {
        let left_out = std::mem::take(&mut self.left_out);
        (left_out > 0).then(|| {
            let text = format!("{left_out} more lines were left out: a job keeps {MOST_LINES}");
            self.own(job, time_ms, LogLevel::Warn, &text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_tells_without_end_is_cut_short() {
        let (mut log, job) = (Log::after(Some(6)), JobId::now());
        let kept = (0..MOST_LINES + 5).filter_map(|_| log.line(job, 0, LogLevel::Info, "x")).collect::<Vec<_>>();
        assert_eq!((kept.len(), kept[0].number), (MOST_LINES as usize, 7));
        let last = log.close(job, 0).unwrap();
        assert_eq!(last.text, "5 more lines were left out: a job keeps 10000");
        assert_eq!(last.number, 7 + MOST_LINES);
        assert!(log.close(job, 0).is_none());
        let long = log.own(job, 0, LogLevel::Info, &"ü".repeat(5_000)).text;
        assert_eq!(long.len(), MOST_BYTES + '…'.len_utf8());
    }
}
