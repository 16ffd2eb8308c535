//! How far a long scan is, for people who wait for it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Shorter waits need no explanation.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// On the terminal that error messages go to; where there is none, nothing shows.
pub(super) struct Progress {
    start: Instant,
    total: usize,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        Self { start: Instant::now(), total, bar: None }
    }

    /// Returns when the work is over; whoever ends it unparks this thread.
    pub(super) fn watch(mut self, begun: &AtomicUsize, is_over: impl Fn() -> bool) {
        while !is_over() {
            thread::park_timeout(REDRAW_EVERY);
            if self.start.elapsed() >= PATIENCE {
                self.show(begun.load(Ordering::Relaxed));
            }
        }
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, begun: usize) {
        let total = self.total as u64;
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} files  {elapsed}")
                .expect("the template is constant");
            ProgressBar::new(total).with_style(style)
        });
        bar.set_position((begun as u64).min(total));
    }
}
