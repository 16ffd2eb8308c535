//! What is wrong with a policy: where it stands, and what to write instead.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use domain::{POLICY_PATH, PolicyProblem, UnanalysedReason};

use crate::{limits::BYTES_MAX, node::Place};

/// Longest part of a line that a frame shows.
const LINE_CHARS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    pub message: String,
    pub help: Option<String>,
    bytes: Range<usize>,
}

impl Problem {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        let Place { line, column, bytes } = place;
        let message = message.into().chars().map(visible).collect();
        Self { line, column, bytes, message, help: None }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// A policy that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// At least one, in the order of the file.
    problems: Vec<Problem>,
    text: String,
}

impl std::error::Error for Broken {}

impl Broken {
    pub(crate) fn new(text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Self { problems, text: text.to_owned() }
    }

    /// A policy in which something is wrong that others have to say, from the beginning of a line.
    pub fn at(policy: &[u8], line: u32, message: impl Into<String>) -> Self {
        let text = String::from_utf8_lossy(policy);
        let whole = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let indent = whole.len() - whole.trim_start_matches([' ', '-']).len();
        let column = u32::try_from(indent).unwrap_or_default() + 1;
        // Without bytes one character is marked, which is all that is known.
        let problem = Problem::new(Place { line, column, bytes: 0..0 }, message);
        Self::new(&text, vec![problem])
    }

    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The first problem, for people who read it somewhere else than in a terminal.
    pub fn told(&self) -> PolicyProblem {
        let first = &self.problems[0];
        PolicyProblem {
            line: first.line,
            column: first.column,
            message: first.message.clone(),
            help: first.help.clone(),
            frame: self.frame(first, POLICY_PATH, &Renderer::plain()),
        }
    }

    /// Every problem with the line it is about, for a terminal. Colours are escape sequences.
    pub fn frames(&self, path: &str) -> String {
        let frames: Vec<String> = self
            .problems
            .iter()
            .map(|problem| self.frame(problem, path, &Renderer::styled()))
            .collect();
        frames.join("\n\n")
    }

    fn frame(&self, problem: &Problem, path: &str, renderer: &Renderer) -> String {
        let (line, mark) = self.marked(problem);
        let origin =
            Origin::path(path).line(problem.line as usize).char_column(problem.column as usize);
        let mut group = Level::ERROR.primary_title(problem.message.as_str()).element(origin);
        group = group.element(
            Snippet::source(line.as_str())
                .line_start(problem.line as usize)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(mark)),
        );
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let frame = renderer.render(&[group]);
        // The renderer marks lines whose file it was not told. It was told in front of them, with
        // the true column, which it could not know where a line is cut.
        let is_mark = |line: &str| line.contains(":::") && !line.contains(" | ");
        frame.lines().filter(|line| !is_mark(line)).collect::<Vec<_>>().join("\n")
    }

    /// The problem's line, and the bytes of it that are meant.
    fn marked(&self, problem: &Problem) -> (String, Range<usize>) {
        let whole = self.text.lines().nth(problem.line.saturating_sub(1) as usize);
        let whole = whole.unwrap_or_default();
        let before = (problem.column as usize).saturating_sub(1);
        let length = self
            .text
            .get(problem.bytes.clone())
            .map_or(0, |meant| meant.lines().next().unwrap_or_default().trim_end().chars().count());
        // What is far to the right is shown from where it begins.
        let skipped = if before + length > LINE_CHARS_MAX { before } else { 0 };
        let line: String = whole.chars().skip(skipped).take(LINE_CHARS_MAX).map(visible).collect();
        let start = bytes_of(&line, before - skipped);
        let end = bytes_of(&line, before - skipped + length.max(1));
        (line, start..end)
    }
}

/// A policy that is there and cannot be read as text.
pub fn unread(reason: UnanalysedReason) -> PolicyProblem {
    let message = match reason {
        UnanalysedReason::TooLarge => {
            format!("the file has more than the {BYTES_MAX} bytes that are read")
        }
        UnanalysedReason::NotAFile => "it is a link or a submodule, and no file".to_owned(),
        UnanalysedReason::NotUtf8 => "the file is not UTF-8".to_owned(),
        UnanalysedReason::Binary => "the file is no text".to_owned(),
        UnanalysedReason::Generated
        | UnanalysedReason::Vendored
        | UnanalysedReason::UnknownLanguage
        | UnanalysedReason::TooDeep
        | UnanalysedReason::TimedOut
        | UnanalysedReason::Policy => format!("the file cannot be read ({reason})"),
    };
    Broken::new("", vec![Problem::new(Place::start(), message)]).told()
}

/// Text that someone else wrote must not steer the terminal.
fn visible(c: char) -> char {
    let is_steering = c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    if is_steering && c != '\t' { '\u{fffd}' } else { c }
}

fn bytes_of(line: &str, chars: usize) -> usize {
    line.char_indices().nth(chars).map_or(line.len(), |(index, _)| index)
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let Problem { line, column, message, help, .. } = problem;
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}line {line}, column {column}: {message}")?;
            if let Some(help) = help {
                write!(f, "; {help}")?;
            }
        }
        Ok(())
    }
}
