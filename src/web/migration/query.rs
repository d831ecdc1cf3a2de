//! Which devices of a migration a page shows: outcome, reason, search text and page, kept in the address.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::migration::{FailReason, Place, SkipReason};
use crate::store::devices::DeviceFilter;

/// Longest search text that is looked for, in characters.
const SEARCH_MAX: usize = 200;

/// The query string as it came.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RawQuery {
    outcome: Option<String>,
    reason: Option<String>,
    q: Option<String>,
    page: Option<String>,
}

/// A part of a migration's devices. Whatever cannot be understood of an address is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceQuery {
    /// Place, reason and search text.
    pub filter: DeviceFilter,
    /// The page, from 1.
    pub page: u32,
}

impl From<RawQuery> for DeviceQuery {
    fn from(raw: RawQuery) -> Self {
        let search = raw.q.map(|q| q.trim().chars().take(SEARCH_MAX).collect::<String>()).filter(|q| !q.is_empty());
        let place = raw.outcome.as_deref().and_then(Place::from_stored);
        let page = raw.page.and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        let reason = raw.reason.as_deref().and_then(|reason| known_reason(place?, reason));
        Self { filter: DeviceFilter { place, reason, search }, page }
    }
}

/// The stored name of a reason, if devices of that place can have it.
fn known_reason(place: Place, name: &str) -> Option<&'static str> {
    match place {
        Place::Failed => FailReason::from_stored(name).map(FailReason::stored),
        Place::Skipped => SkipReason::from_stored(name).map(SkipReason::stored),
        _ => None,
    }
}

impl DeviceQuery {
    /// The search text, empty if there is none.
    #[must_use]
    pub fn search(&self) -> &str {
        self.filter.search.as_deref().unwrap_or_default()
    }

    /// The same search among the devices of another place, from the first page.
    #[must_use]
    pub fn at(&self, place: Option<Place>) -> Self {
        Self { filter: DeviceFilter { place, reason: None, search: self.filter.search.clone() }, page: 1 }
    }

    /// All devices of a place that have this reason, from the first page.
    #[must_use]
    pub fn because(&self, place: Place, reason: Option<&'static str>) -> Self {
        Self { filter: DeviceFilter { place: Some(place), reason, search: None }, page: 1 }
    }

    /// The same devices, from the first page.
    #[must_use]
    pub fn from_the_first(&self) -> Self {
        Self { filter: self.filter.clone(), page: 1 }
    }

    /// Whether it shows less than all devices.
    #[must_use]
    pub fn narrows(&self) -> bool {
        self.filter != DeviceFilter::default()
    }

    /// The address of this part under `path`.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        let mut address = self.without_page(path);
        if self.page > 1 {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(&format!("page={}", self.page));
        }
        address
    }

    /// The address of its pages, up to and including `page=`.
    #[must_use]
    pub fn page_base(&self, path: &str) -> String {
        let mut address = self.without_page(path);
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str("page=");
        address
    }

    fn without_page(&self, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(place) = self.filter.place {
            query.append_pair("outcome", place.stored());
        }
        if let Some(reason) = self.filter.reason {
            query.append_pair("reason", reason);
        }
        if let Some(search) = &self.filter.search {
            query.append_pair("q", search);
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(outcome: &str, q: &str, page: &str) -> DeviceQuery {
        RawQuery { outcome: Some(outcome.into()), reason: None, q: Some(q.into()), page: Some(page.into()) }.into()
    }

    #[test]
    fn an_address_leads_back_to_the_same_devices() {
        let query = parsed("failed", " pump & co ", "3");
        assert_eq!(query.search(), "pump & co");
        assert_eq!(query.href("/m"), "/m?outcome=failed&q=pump+%26+co&page=3");
        assert_eq!(query.at(Some(Place::OnTheWay)).href("/m"), "/m?outcome=on_the_way&q=pump+%26+co");
        assert_eq!(DeviceQuery::from(RawQuery::default()).page_base("/m"), "/m?page=");
    }

    #[test]
    fn a_reason_is_kept_where_devices_can_have_it() {
        let of = |outcome: &str, reason: &str| {
            let raw = RawQuery { outcome: Some(outcome.into()), reason: Some(reason.into()), ..RawQuery::default() };
            DeviceQuery::from(raw).href("/m")
        };
        assert_eq!(of("failed", "not_seen"), "/m?outcome=failed&reason=not_seen");
        assert_eq!(of("skipped", "not_seen"), "/m?outcome=skipped");
        assert_eq!(of("", "not_seen"), "/m");
    }

    #[test]
    fn nonsense_in_an_address_shows_all_devices() {
        let query = parsed("exploded", "  ", "-4");
        assert!(!query.narrows());
        assert_eq!(query.page, 1);
        assert_eq!(parsed("moved", &"x".repeat(9_999), "1").search().len(), SEARCH_MAX);
    }
}
