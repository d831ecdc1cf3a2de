//! Lists come in pages: one page, the way to the next, and the reading of all of them.
//!
//! Promise: reading all pages ends, even if a service sends us in a circle.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// Where the next page is: a link or a continuation token, opaque to callers. May be stored and used later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NextPage(pub(crate) String);

impl NextPage {
    /// Takes back what [`NextPage::as_str`] gave.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Absent, null and empty all mean that there is no next page.
    pub(crate) fn from_answer(token: Option<String>) -> Option<Self> {
        token.filter(|t| !t.is_empty()).map(Self)
    }
}

/// One page of a list. A page may be empty although there is a next one.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Where it goes on; `None` on the last page.
    pub next: Option<NextPage>,
}

/// The items of all pages so far.
pub(crate) struct AllPages<T> {
    items: Vec<T>,
    next: Option<NextPage>,
    seen: HashSet<NextPage>,
}

/// The service named a page that was read already.
pub(crate) struct GoesInCircles;

impl<T> AllPages<T> {
    pub fn new() -> Self {
        Self { items: Vec::new(), next: None, seen: HashSet::new() }
    }

    /// The page to read next; `None` at first.
    pub fn next(&self) -> Option<&NextPage> {
        self.next.as_ref()
    }

    /// Adds a page; gives everything once that was the last one.
    pub fn add(&mut self, page: Page<T>) -> Result<Option<Vec<T>>, GoesInCircles> {
        self.items.extend(page.items);
        let Some(next) = page.next else {
            return Ok(Some(std::mem::take(&mut self.items)));
        };
        if !self.seen.insert(next.clone()) {
            return Err(GoesInCircles);
        }
        self.next = Some(next);
        Ok(None)
    }
}
