//! What the form of this page says: who adds the keys, and which groups nobody selected uses.

use url::form_urlencoded::Serializer;

use crate::migration::KeyHandling;
use crate::web::paths;

/// Form key of a group that is stated unused.
const UNUSED: &str = "unused";
/// Form key of who adds the keys.
pub(super) const HANDLING: &str = "keys";

/// The form, as far as it says anything that this page knows.
#[derive(Debug, Default)]
pub(super) struct Stated {
    pub(super) handling: Option<KeyHandling>,
    pub(super) unused: Vec<String>,
}

impl Stated {
    pub(super) fn of_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut stated = Self::default();
        for (key, value) in pairs {
            match key {
                HANDLING => stated.handling = KeyHandling::from_stored(value),
                UNUSED if !stated.unused.iter().any(|id| id == value) => stated.unused.push(value.to_owned()),
                _ => {}
            }
        }
        stated
    }

    /// The page with these groups still marked.
    pub(super) fn page(&self, id: &str) -> String {
        let page = paths::keys(id);
        if self.unused.is_empty() {
            return page;
        }
        let query = Serializer::new(String::new()).extend_pairs(self.unused.iter().map(|id| (UNUSED, id))).finish();
        format!("{page}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_who_adds_the_keys_and_which_groups_are_unused() {
        let stated =
            Stated::of_pairs([("keys", "by_hand"), ("unused", "a b"), ("unused", "c"), ("unused", "c"), ("x", "y")]);
        assert_eq!(stated.handling, Some(KeyHandling::ByHand));
        assert_eq!(stated.page("7"), "/migrations/7/keys?unused=a+b&unused=c");
    }

    #[test]
    fn a_forged_choice_is_no_choice() {
        assert_eq!(Stated::of_pairs([("keys", "everything")]).handling, None);
    }
}
