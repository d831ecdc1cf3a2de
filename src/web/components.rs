//! View models of the components in `templates/components/`: what a field, a bar, a filter or a list's pages show.
//!
//! `kind` is everywhere one of [`Kind`]: it gives the colour and the icon, and never stands without words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How something is going. Its name is the style class and the icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It went well.
    Success,
    /// Somebody should look.
    Warning,
    /// It failed.
    Error,
    /// It is under way, or good to know.
    Info,
    /// Nothing to say of it yet.
    Neutral,
}

impl Kind {
    /// The style class and icon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Info => "info",
            Self::Neutral => "neutral",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a screen reader hears before a message, in place of its colour and icon.
#[must_use]
pub fn spoken(kind: impl fmt::Display) -> String {
    match kind.to_string().as_str() {
        "success" => "Success: ".to_owned(),
        "warning" => "Warning: ".to_owned(),
        "error" => "Error: ".to_owned(),
        _ => "Note: ".to_owned(),
    }
}

/// What surrounds a form control.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Element id, unique on the page.
    pub id: String,
    /// Form key.
    pub name: String,
    /// The accessible name.
    pub label: String,
    /// Said before the control, if anything.
    pub hint: Option<String>,
    /// What is wrong with the value, and what to do.
    pub error: Option<String>,
    /// The form cannot be sent without it.
    pub required: bool,
}

impl Field {
    /// A required field whose id is its form key.
    #[must_use]
    pub fn new(name: &str, label: &str) -> Self {
        Self { id: name.to_owned(), name: name.to_owned(), label: label.to_owned(), required: true, ..Self::default() }
    }

    /// The ids that describe the control, for `aria-describedby`.
    #[must_use]
    pub fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
            (hint, error) => hint.or(error),
        }
    }
}

/// One entry of a select, radio group or set of check boxes.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Said beside a radio button or check box.
    pub hint: Option<String>,
    /// It is the current one.
    pub chosen: bool,
    /// It cannot be chosen now; the hint says why.
    pub disabled: bool,
}

/// Counts that add up, drawn as one bar.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The accessible name of the list of counts.
    pub label: String,
    segments: Vec<(Kind, String, u64)>,
}

/// A segment of a [`Progress`] bar. Start and width are in percent of the bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<'a> {
    /// Colour.
    pub kind: Kind,
    /// Which of the segments of this colour it is, from 0: each has a shade of its own, whatever the others count.
    pub shade: usize,
    /// What is counted.
    pub label: &'a str,
    /// How many.
    pub count: u64,
    /// Left edge.
    pub start: f64,
    /// Width.
    pub width: f64,
}

impl Progress {
    /// A bar of (kind, label, count), in the order given.
    #[must_use]
    pub fn new(label: &str, segments: Vec<(Kind, String, u64)>) -> Self {
        Self { label: label.to_owned(), segments }
    }

    /// The sum of all counts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.segments.iter().map(|(_, _, count)| count).sum()
    }

    /// The segments that count anything.
    #[must_use]
    pub fn parts(&self) -> Vec<Part<'_>> {
        let total = self.total().max(1);
        let mut before = 0;
        let counted = self.segments.iter().enumerate().filter(|(_, (_, _, count))| *count > 0);
        counted
            .map(|(at, (kind, label, count))| {
                let start = percent(before, total);
                before += count;
                let shade = self.segments[..at].iter().filter(|(other, _, _)| other == kind).count();
                Part { kind: *kind, shade, label, count: *count, start, width: percent(before, total) - start }
            })
            .collect()
    }
}

/// In hundredths of a percent, rounded down, so that the segments never exceed the bar.
fn percent(part: u64, total: u64) -> f64 {
    let hundredths = u128::from(part) * 10_000 / u128::from(total);
    u32::try_from(hundredths).map_or(100.0, |hundredths| f64::from(hundredths) / 100.0)
}

/// A link that narrows a list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What it shows.
    pub label: String,
    /// How many there are.
    pub count: u64,
    /// Where it leads.
    pub href: String,
    /// It is the one in force.
    pub current: bool,
}

/// Where in a long list a page is.
#[derive(Debug, Clone)]
pub struct Pagination {
    /// The page shown, from 1.
    pub page: u64,
    /// Rows on a full page.
    pub size: u64,
    /// Rows of the whole list.
    pub total: u64,
    /// Address of a page, up to and including `page=`.
    pub base: String,
    /// The part of the page that the list is in, so that a link does not lead to its top; empty for the top.
    pub fragment: &'static str,
}

impl Pagination {
    /// Which rows are shown, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.total == 0 {
            return "None".to_owned();
        }
        let first = (self.page.saturating_sub(1)).saturating_mul(self.size) + 1;
        let last = self.page.saturating_mul(self.size).min(self.total);
        format!("{first} to {last} of {}", self.total)
    }

    /// The page before, if any.
    #[must_use]
    pub fn previous(&self) -> Option<String> {
        (self.page > 1).then(|| self.link(self.page - 1))
    }

    /// The page after, if any.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        (self.page.saturating_mul(self.size) < self.total).then(|| self.link(self.page + 1))
    }

    fn link(&self, page: u64) -> String {
        let hash = if self.fragment.is_empty() { "" } else { "#" };
        format!("{}{page}{hash}{}", self.base, self.fragment)
    }
}
