//! Live parts of pages: small fragments that are polled, and answered with a bare 304 while nothing has changed.
//!
//! The entity tag is weak and made of what the fragment is made from (a revision, the filter in force, the session's
//! form token), so that an unchanged fragment costs neither its queries nor its rendering.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::VERSION;

/// The entity tag of a fragment. Two equal tags mean two equal fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(HeaderValue);

impl Tag {
    /// The tag of a fragment made from `sources`, by this version of the program.
    #[must_use]
    pub fn of(sources: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        VERSION.hash(&mut hasher);
        sources.hash(&mut hasher);
        let text = format!("W/\"{:016x}\"", hasher.finish());
        Self(HeaderValue::try_from(text).expect("hex digits and quotes make a header value"))
    }

    /// Whether the asker has this fragment already.
    #[must_use]
    pub fn is_known_to(&self, asked: &HeaderMap) -> bool {
        let strip = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let Ok(own) = self.0.to_str() else { return false };
        asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .any(|tag| strip(tag) == strip(own))
    }

    /// The answer for somebody who has the fragment already.
    #[must_use]
    pub fn not_modified(self) -> Response {
        self.on(StatusCode::NOT_MODIFIED.into_response())
    }

    /// Puts the tag on the fragment's answer.
    #[must_use]
    pub fn on(self, mut answer: Response) -> Response {
        answer.headers_mut().insert(header::ETAG, self.0);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(tags: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(tags).expect("a header value"))])
    }

    #[test]
    fn equal_sources_give_a_tag_that_is_known_again() {
        let tag = Tag::of((7, "failed"));
        let asked = asking(&format!("\"other\", {}", tag.0.to_str().expect("text")));
        assert!(Tag::of((7, "failed")).is_known_to(&asked));
        assert_eq!(tag.not_modified().status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn another_revision_is_not_known() {
        let asked = asking(Tag::of((7, "failed")).0.to_str().expect("text"));
        assert!(!Tag::of((8, "failed")).is_known_to(&asked));
        assert!(!Tag::of((7, "moved")).is_known_to(&asked));
        assert!(!Tag::of((7, "failed")).is_known_to(&HeaderMap::new()));
    }
}
