//! Where a story file is wrong.

use std::fmt;
use std::ops::Range;

use ec2_stories_core::{Error, ErrorKind};

/// A story file is wrong: where, why, and the line in question.
///
/// A line whose key looks like a secret's is shown without its value, and nothing that looks like a secret access key or a
/// token is shown at all: a secret that was put into a story file by mistake goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryError {
    file: String,
    line: usize,
    column: usize,
    message: String,
    snippet: String,
}

impl StoryError {
    pub(super) fn new(file: &str, source: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(source, span.start.min(source.len()));
        let begin = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let line = source[..start].matches('\n').count() + 1;
        let column = source[begin..start].chars().count() + 1;
        let length = source[start..floor(source, span.end.clamp(start, end))].chars().count().max(1);
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let snippet = format!(
            "{margin} |\n{number} | {}\n{margin} | {}{}",
            without_secrets(&without_value(&source[begin..end])),
            " ".repeat(column - 1),
            "^".repeat(length)
        );
        let message = without_secrets(&message.into());
        Self { file: file.to_owned(), line, column, message, snippet }
    }

    /// The file could not be read.
    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        let message = format!("cannot be read: {error}");
        Self { file: file.to_owned(), line: 0, column: 0, message, snippet: String::new() }
    }

    /// The story file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1; 0 where the file could not be read at all.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

fn floor(source: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

fn without_value(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let telling = ["secret", "access_key", "token", "password"];
    match line.find('=') {
        Some(at) if telling.iter().any(|word| lower.contains(word)) => format!("{}= …", &line[..at]),
        _ => line.replace('\t', " "),
    }
}

/// The length of a secret access key; session tokens are longer.
const SECRET: usize = 40;

fn without_secrets(text: &str) -> String {
    let in_secret = |c: char| c.is_ascii_alphanumeric() || "/+=".contains(c);
    let looks_secret = |word: &str| {
        word.len() >= SECRET
            && word.contains(|c: char| c.is_ascii_uppercase())
            && word.contains(|c: char| c.is_ascii_lowercase())
    };
    let shown = text.split_inclusive(|c| !in_secret(c)).map(|part| {
        let word = part.trim_end_matches(|c| !in_secret(c));
        if looks_secret(word) { format!("…{}", &part[word.len()..]) } else { part.to_owned() }
    });
    shown.collect()
}

impl fmt::Display for StoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        write!(f, "{}:{}:{}: {}\n{}", self.file, self.line, self.column, self.message, self.snippet)
    }
}

impl std::error::Error for StoryError {}

impl From<StoryError> for Error {
    fn from(error: StoryError) -> Self {
        let kind = if error.line == 0 { ErrorKind::Io } else { ErrorKind::Invalid };
        Error::new(kind, error.to_string())
    }
}
