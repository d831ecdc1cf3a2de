//! View model of the families of an application.

use crate::engine::take_along::{Found, Seen, Words};
use crate::web::new::Trouble;

/// A family as the page shows it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) words: Words,
    /// How many there are, as far as the first page tells.
    pub(super) count: Option<String>,
    /// Why it will not be in the zip.
    pub(super) trouble: Option<Trouble>,
}

impl From<Seen> for Row {
    fn from(seen: Seen) -> Self {
        let words = Words::of(seen.family);
        match seen.found {
            Ok(found) => Self { words, count: Some(count(found)), trouble: None },
            Err(error) => Self { words, count: None, trouble: Some(Trouble::from(&error)) },
        }
    }
}

fn count(found: Found) -> String {
    match found {
        Found { count, more: true } => format!("more than {count}"),
        Found { count: 0, more: false } => "none".to_owned(),
        Found { count, more: false } => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_page_that_is_not_the_last_gives_a_lower_bound() {
        let pages = [(25, true), (25, false), (0, false)].map(|(count, more)| Found { count, more });
        let words = pages.map(count);
        assert_eq!(words, ["more than 25", "25", "none"]);
    }
}
