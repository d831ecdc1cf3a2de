//! What is wrong with the settings, in words that name the key and the remedy.

use std::fmt;

use super::sources::Said;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The option or variable at fault.
    pub key: String,
    /// What is wrong with its value, and where the value came from.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// All mistakes found.
#[derive(Debug, Default, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// The mistakes, in the order they were found.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a mistake about a value that may be shown.
    pub(super) fn add(&mut self, said: &Said, what: &str, remedy: &str) {
        let what = format!("`{}`{} {what}.", said.value, said.origin());
        self.list.push(Problem { key: said.key.to_owned(), what, remedy: remedy.to_owned() });
    }

    /// Adds a mistake about a value that must not be shown.
    pub(super) fn add_secret(&mut self, said: &Said, what: &str, remedy: &str) {
        let what = format!("the value{} {what}.", said.origin());
        self.list.push(Problem { key: said.key.to_owned(), what, remedy: remedy.to_owned() });
    }

    /// Adds a mistake about a value that is not there.
    pub(super) fn add_missing(&mut self, key: &str, what: &str, remedy: &str) {
        self.list.push(Problem { key: key.to_owned(), what: format!("{what}."), remedy: remedy.to_owned() });
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => writeln!(f, "A setting needs attention:")?,
            n => writeln!(f, "{n} settings need attention:")?,
        }
        for problem in &self.list {
            write!(f, "\n  {}: {}\n    {}\n", problem.key, problem.what, problem.remedy)?;
        }
        Ok(())
    }
}
