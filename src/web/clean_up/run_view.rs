//! View model of a clean-up's page.

use serde::Deserialize;
use url::form_urlencoded::byte_serialize;

use super::devices;
use super::list::badge;
use super::trouble::Trouble;
use crate::identity::Person;
use crate::migration::Migration;
use crate::migration::clean_up::{CleanUp, Fate, KeepReason, Removal, RemovalCounts};
use crate::migration::model::Source;
use crate::migration::sentence::capitalized;
use crate::store::devices::PAGE_SIZE;
use crate::web::components::{Filter, Kind, Pagination, Progress};
use crate::web::errors::PageError;
use crate::web::migration::summary::Badge;
use crate::web::moment::Moment;
use crate::web::paths;
use crate::web::state::Web;

/// The query string as it came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawQuery {
    state: Option<String>,
    page: Option<String>,
}

/// A part of a clean-up's devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunQuery {
    /// Stored name of a state.
    state: Option<&'static str>,
    page: u32,
}

/// The states that the table can be narrowed to.
const STATES: [(&str, &str); 5] = [
    ("reappeared", "In the source again"),
    ("kept", "Kept"),
    ("removed", "Removed"),
    ("gone", "Gone already"),
    ("pending", "To go"),
];

impl From<RawQuery> for RunQuery {
    fn from(raw: RawQuery) -> Self {
        let known = |name: &str| STATES.iter().map(|(stored, _)| *stored).find(|stored| *stored == name);
        let page = raw.page.and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        Self { state: raw.state.as_deref().and_then(known), page }
    }
}

impl RunQuery {
    /// The address of this part under `path`.
    pub(super) fn href(self, path: &str) -> String {
        format!("{}{}", self.page_base(path), self.page)
    }

    fn page_base(self, path: &str) -> String {
        match self.state {
            Some(state) => format!("{path}?state={state}&page="),
            None => format!("{path}?page="),
        }
    }
}

/// How long removed devices are looked for, as the engine does.
const LOOKED_FOR: time::Duration = time::Duration::DAY;

/// The page of a clean-up.
pub(super) struct RunView {
    pub(super) name: String,
    pub(super) title: String,
    /// The migration's page, and the page on which clean-ups are asked for.
    pub(super) migration: String,
    pub(super) form: String,
    pub(super) path: String,
    pub(super) here: String,
    pub(super) csrf: String,
    /// The fragment's address, while it is at work.
    pub(super) poll: Option<String>,
    pub(super) oob: bool,
    pub(super) badge: Badge,
    pub(super) sentence: String,
    pub(super) trouble: Option<Trouble>,
    pub(super) progress: Progress,
    /// Why devices were kept, with how many and what to do.
    pub(super) kept: Vec<(String, &'static str)>,
    /// How many are in the source again.
    pub(super) reappeared: Option<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) can_stop: bool,
    pub(super) filters: Vec<Filter>,
    pub(super) rows: Vec<Row>,
    pub(super) pages: Pagination,
}

/// A device of the table.
pub(super) struct Row {
    pub(super) anchor: String,
    pub(super) id: String,
    pub(super) badge: Badge,
    pub(super) at: Option<Moment>,
    pub(super) why: Option<String>,
    pub(super) remedy: Option<&'static str>,
    pub(super) evidence: Option<String>,
}

impl RunView {
    pub(super) async fn read(
        web: &Web,
        migration: &Migration,
        clean_up: &CleanUp,
        viewer: &Person,
        csrf: String,
        mut query: RunQuery,
    ) -> Result<Self, PageError> {
        let store = &web.store;
        let counts = store.removal_counts(clean_up.id).await?;
        let page = store.removal_page(clean_up.id, query.state, query.page).await?;
        query.page = page.page;
        let id = migration.id.to_string();
        let path = paths::clean_up_run(&id, &clean_up.id.to_string());
        let badge = badge(clean_up);
        Ok(Self {
            name: migration.name.clone(),
            title: format!("{} · Clean-up of {}", badge.label, migration.name),
            migration: paths::migration(&id),
            form: paths::clean_up(&id),
            here: query.href(&path),
            csrf,
            poll: clean_up.state.is_active().then(|| query.href(&format!("{path}/live"))),
            oob: false,
            badge,
            sentence: sentence(migration, &counts),
            trouble: Trouble::of(clean_up, viewer, &path, web.clock.now()),
            progress: progress(&counts),
            kept: store.kept_for(clean_up.id).await?.into_iter().map(kept).collect(),
            reappeared: reappeared(&counts, migration),
            facts: facts(migration, clean_up),
            can_stop: clean_up.state.is_active(),
            filters: filters(&counts, query, &path),
            rows: page.removals.iter().map(Row::of).collect(),
            pages: Pagination {
                page: page.page.into(),
                size: PAGE_SIZE.into(),
                total: page.matching,
                base: query.page_base(&path),
                fragment: "removals-title",
            },
            path,
        })
    }
}

fn sentence(migration: &Migration, counts: &RemovalCounts) -> String {
    format!("{} of {} from {}.", capitalized(&counts.tally()), devices(counts.total()), migration.plan.source.name())
}

fn kept((reason, number): (KeepReason, u64)) -> (String, &'static str) {
    (format!("{number} {}", reason.words()), reason.remedy())
}

fn reappeared(counts: &RemovalCounts, migration: &Migration) -> Option<String> {
    let there = match counts.reappeared {
        0 => return None,
        1 => "1 device is".to_owned(),
        many => format!("{many} devices are"),
    };
    let source = &migration.plan.source;
    let how = match source {
        Source::App(_) => {
            "Firmware that forgets where it went has registered there again, usually without a template, so it is in no device group."
        }
        Source::Hub(_) => "Firmware that forgets where it went has registered there again.",
    };
    Some(format!("{there} in {} again. {how} Update the firmware, then migrate again.", source.name()))
}

fn facts(migration: &Migration, clean_up: &CleanUp) -> Vec<(&'static str, String)> {
    let hours = clean_up.soak.hours();
    let mut facts = vec![
        ("Asked by", format!("{}, {}", clean_up.asked_by.name, Moment::from(clean_up.asked_at).words)),
        ("Removed from", migration.plan.source.name()),
        ("Alive at", migration.plan.target.name().to_owned()),
        ("Hours at the target", hours.to_string()),
    ];
    if clean_up.runs_as.id != clean_up.asked_by.id {
        facts.push(("Rights used", clean_up.runs_as.name.clone()));
    }
    if let Some(at) = clean_up.ended_at {
        facts.push(("Ended", Moment::from(at).words));
        facts.push(("Looked for in the source until", Moment::from(at + LOOKED_FOR).words));
    }
    facts
}

fn progress(counts: &RemovalCounts) -> Progress {
    let segments = [
        (Kind::Success, "removed", counts.removed),
        (Kind::Success, "gone already", counts.gone),
        (Kind::Error, "in the source again", counts.reappeared),
        (Kind::Warning, "kept", counts.kept),
        (Kind::Neutral, "to go", counts.open),
    ];
    Progress::new(
        "Devices by what became of them",
        segments.map(|(kind, label, n)| (kind, label.to_owned(), n)).to_vec(),
    )
}

fn filters(counts: &RemovalCounts, query: RunQuery, path: &str) -> Vec<Filter> {
    let link = |state: Option<&'static str>, label: &str, count: u64| Filter {
        label: label.to_owned(),
        count,
        href: format!("{}#removals-title", RunQuery { state, page: 1 }.href(path)),
        current: state == query.state,
    };
    let mut links = vec![link(None, "All", counts.total())];
    let of = |stored: &str| match stored {
        "reappeared" => Some(counts.reappeared),
        "kept" => Some(counts.kept),
        "removed" => Some(counts.removed),
        "gone" => Some(counts.gone),
        // Those open are counted together: one is in hand at most.
        "pending" => Some(counts.open),
        _ => None,
    };
    links.extend(STATES.iter().filter_map(|(stored, label)| {
        let count = of(stored)?;
        (count > 0 || query.state == Some(*stored)).then(|| link(Some(stored), label, count))
    }));
    links
}

impl Row {
    fn of(removal: &Removal) -> Self {
        let reason = if let Fate::Kept(reason) = removal.fate { Some(reason) } else { None };
        // A detail begins with a name, which stays as it is.
        let reason_words = reason.map(|reason| capitalized(reason.words()));
        let parts: Vec<&str> = [reason_words.as_deref(), removal.detail.as_deref()].into_iter().flatten().collect();
        Self {
            anchor: format!("removal-{}", byte_serialize(removal.device.as_str().as_bytes()).collect::<String>()),
            id: removal.device.to_string(),
            badge: fate_badge(removal.fate),
            at: removal.at.map(Moment::from),
            why: (!parts.is_empty()).then(|| parts.join(": ")),
            remedy: reason.map(KeepReason::remedy),
            evidence: removal.evidence.clone(),
        }
    }
}

fn fate_badge(fate: Fate) -> Badge {
    let (kind, icon) = match fate {
        Fate::Pending => (Kind::Neutral, "clock"),
        Fate::Started => (Kind::Info, "info"),
        Fate::Removed | Fate::Gone => (Kind::Success, "success"),
        Fate::Kept(_) => (Kind::Warning, "warning"),
        Fate::Reappeared => (Kind::Error, "error"),
    };
    Badge { kind, icon, label: fate.label() }
}
