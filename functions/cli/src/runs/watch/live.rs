//! A line a step, redrawn while the run goes on.

use std::time::Duration;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    runs::progress::{Progress, StepProgress},
    words::{Ink, mark, now},
};

const FRAME: Duration = Duration::from_millis(100);
const FRAMES: &[&str] = &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", "✓"];

pub(super) struct Live {
    screen: MultiProgress,
    id: String,
    run: ProgressBar,
    steps: Vec<(ProgressBar, String)>,
    colours: bool,
}

impl Live {
    pub(super) fn new(id: &str, progress: &Progress) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let run = screen.add(ProgressBar::no_length());
        let colours = AutoStream::choice(&std::io::stdout()) != ColorChoice::Never;
        let mut live = Self { screen, id: id.to_owned(), run, steps: Vec::new(), colours };
        live.run.set_style(moving());
        live.run.enable_steady_tick(FRAME);
        live.show(progress);
        live
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        self.run.set_message(self.headline(progress));
        for (index, step) in progress.steps.iter().enumerate() {
            if self.steps.len() == index {
                self.steps.push((self.screen.add(ProgressBar::no_length()), String::new()));
            }
            let line = self.ink(Ink::of_status(&step.status), &text(step));
            let (bar, shown) = &mut self.steps[index];
            if *shown != step.status {
                step.status.clone_into(shown);
                begin(bar, step);
            }
            bar.set_message(line);
            bar.tick();
        }
    }

    /// Leaves the last state on the screen.
    pub(super) fn close(mut self, progress: &Progress) {
        self.show(progress);
        for (bar, _) in &self.steps {
            bar.abandon();
        }
        self.run.set_style(still());
        self.run.abandon_with_message(self.headline(progress));
    }

    fn headline(&self, progress: &Progress) -> String {
        let Progress { kind, status, told, .. } = progress;
        let status = self.ink(Ink::of_status(status), &format!("{} {status}", mark(status)));
        let told = self.ink(Ink::Grey, told);
        format!("{}  {kind}  {status}  {told}", self.ink(Ink::Bold, &self.id))
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        let text = ink.on(text);
        if self.colours { text } else { strip_str(&text).to_string() }
    }
}

/// Starts or stops a step's clock.
fn begin(bar: &ProgressBar, step: &StepProgress) {
    if step.status != "running" {
        bar.disable_steady_tick();
        bar.set_style(still());
        return;
    }
    let since = step.since.map(|since| now().duration_since(since)).unwrap_or_default();
    bar.set_style(moving());
    // Our clock may be behind the server's.
    bar.reset_elapsed();
    bar.set_elapsed(Duration::try_from(since).unwrap_or_default());
    bar.enable_steady_tick(FRAME);
}

fn text(step: &StepProgress) -> String {
    let mark =
        if step.status == "running" { String::new() } else { format!("{} ", mark(&step.status)) };
    format!("{mark}{:<12} {:<9} {}", step.name, step.status, step.told)
}

fn moving() -> ProgressStyle {
    style("{spinner} {wide_msg} {elapsed:>5}")
}

fn still() -> ProgressStyle {
    style("{wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant").tick_strings(FRAMES)
}
