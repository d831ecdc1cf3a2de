//! View model of a whole migration's page, and what it is read from.

use super::action::Action;
use super::device_view::DeviceRow;
use super::events::{EventList, NEWEST};
use super::family::FamilyView;
use super::plan_view::{Done, PlanView};
use super::query::DeviceQuery;
use super::reasons::{Breakdown, breakdowns, filter_label};
use super::status_view::{Facts, StatusView};
use super::wave_view::WavesView;
use crate::clock::Timestamp;
use crate::identity::{LocalPath, sign_in_url};
use crate::ids::PersonId;
use crate::migration::{Counts, Migration, MigrationState, Place, Relation};
use crate::store::devices::{DevicePage, PAGE_SIZE};
use crate::web::clean_up::list::CleanUps;
use crate::web::components::{Filter, Pagination};
use crate::web::errors::PageError;
use crate::web::new::Entered;
use crate::web::paths;
use crate::web::state::Web;

/// The page of a migration, for one person and one part of its devices.
#[derive(Debug)]
pub struct MigrationView {
    /// The name that its maker gave it.
    pub name: String,
    /// What the browser's tab says: state first.
    pub title: String,
    /// Its id.
    pub id: String,
    /// The page's address, without filter.
    pub path: String,
    /// The page's address, with filter.
    pub here: String,
    /// Address of the devices as CSV.
    pub csv: String,
    /// Address of the page *Add the device keys*.
    pub keys: String,
    /// Where a sign-in that leads back here begins.
    pub sign_in: String,
    /// The session's anti-forgery token.
    pub csrf: String,
    /// How the page keeps itself up to date; not at all once the migration has ended.
    pub poll: Option<Poll>,
    /// The parts beside the status are sent as swaps out of band.
    pub oob: bool,
    /// The part of the devices in force.
    pub query: DeviceQuery,
    /// State, counts, steps, actions.
    pub status: StatusView,
    /// Failed and skipped devices by reason.
    pub breakdowns: Vec<Breakdown>,
    /// What can follow it, and the migrations that hang together with it.
    pub family: FamilyView,
    /// The form filled in for the devices that did not move, once nothing more happens.
    pub rest: Option<String>,
    /// What was removed from the source since it ended, and whether more can be.
    pub clean_ups: CleanUps,
    /// The form as it was filled in, while it is a draft.
    pub change: Option<String>,
    /// The waves, if its devices go in waves.
    pub waves: Option<WavesView>,
    /// What was set up.
    pub plan: PlanView,
    /// Links that narrow the devices.
    pub filters: Vec<Filter>,
    /// The devices of this page.
    pub devices: Vec<DeviceRow>,
    /// What an empty table says.
    pub no_devices: &'static str,
    /// Links through the pages of devices.
    pub pages: Pagination,
    /// The newest events.
    pub events: EventList,
}

/// How a live part asks for news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Element id. Another pace is another element, so that the old one's timer dies with it.
    pub id: &'static str,
    /// The fragment's address.
    pub href: String,
    /// Seconds between two questions.
    pub seconds: u32,
}

impl Poll {
    /// Every two seconds while the engine may be at work, less often before, never after.
    fn of(state: &MigrationState, href: String) -> Option<Self> {
        match state {
            MigrationState::Draft => Some(Self { id: "poll-draft", href, seconds: 10 }),
            state if state.is_active() => Some(Self { id: "poll-active", href, seconds: 2 }),
            _ => None,
        }
    }
}

/// Who looks, as far as the page depends on it.
#[derive(Debug)]
pub struct Viewer<'a> {
    /// Who.
    pub person: &'a PersonId,
    /// Their session's anti-forgery token.
    pub csrf: String,
    /// Until when the sign-in lasts whose rights the migration uses.
    pub signed_in_until: Option<Timestamp>,
}

impl MigrationView {
    /// The address of an action.
    #[must_use]
    pub fn action(&self, action: Action) -> String {
        format!("{}/{}", self.path, action.stored())
    }

    /// Reads what the page shows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(
        web: &Web,
        migration: Migration,
        viewer: Viewer<'_>,
        mut query: DeviceQuery,
        oob: bool,
    ) -> Result<Self, PageError> {
        let store = &web.store;
        let id = migration.id;
        let counts = store.counts(id).await?;
        let steps = store.steps(id).await?;
        let jobs = store.jobs(id).await?;
        let course = store.course_of(&migration).await?;
        let now = web.clock.now();
        let facts = Facts {
            now,
            migration: &migration,
            counts: &counts,
            steps: &steps,
            course: course.as_ref(),
            next_due: store.next_due(id).await?,
            last_deadline: store.last_deadline(id).await?,
            signed_in_until: viewer.signed_in_until,
            runs_as_viewer: migration.runs_as.as_ref().is_some_and(|person| person.id == *viewer.person),
            waits_for_turn: jobs.iter().any(|job| job.waits),
            unused_identities: store.unused_identities(id).await?,
        };
        let status = StatusView::of(&facts);
        let done = Done { steps: &steps, jobs: &jobs, groups: store.enrollment_counts(id).await? };
        let plan = PlanView::of(&migration, done, web.azure.cloud(), &viewer.person.tid);
        let page = store.device_page(id, &query.filter, query.page).await?;
        query.page = page.page;
        let shown = match &query.filter.search {
            Some(search) => store.counts_matching(id, search).await?,
            None => counts,
        };
        let path = paths::migration(&id.to_string());
        let suffix = web.azure.cloud().central_suffix;
        Ok(Self {
            id: id.to_string(),
            here: query.href(&path),
            csv: query.from_the_first().href(&format!("{path}/devices.csv")),
            keys: format!("{path}/keys"),
            sign_in: sign_in_url(&LocalPath::parse(&path).unwrap_or_default()),
            csrf: viewer.csrf,
            poll: Poll::of(&migration.state, query.href(&format!("{path}/live"))),
            oob,
            title: format!("{} · {}", status.summary.badge.label, migration.name),
            breakdowns: breakdowns(&store.outcomes(id).await?, &query, &path, &migration.plan.source),
            rest: (migration.state.is_ended() && migration.parent.is_none() && has_rest(&counts))
                .then(|| Entered::rest_of(&migration, suffix).page()),
            clean_ups: CleanUps::read(store, &migration).await?,
            change: (migration.state == MigrationState::Draft && migration.parent.is_none())
                .then(|| Entered::of(&migration, suffix).page()),
            family: FamilyView::read(store, &migration, &counts).await?,
            status,
            waves: course.as_ref().and_then(|course| WavesView::of(&migration, course)),
            plan,
            filters: filters(&query, &shown, page.matching, &path, migration.relation()),
            pages: pagination(&page, &query, &path),
            no_devices: no_devices(&query, &migration.state),
            devices: page.devices.iter().map(|device| DeviceRow::of(device, now, &migration)).collect(),
            events: EventList::read(store, id, None, NEWEST).await?,
            query,
            name: migration.name,
            path,
        })
    }
}

/// Whether devices that were to move did not.
fn has_rest(counts: &Counts) -> bool {
    counts.failed + counts.went_back + counts.waiting + counts.unsettled() > 0
}

/// What is always offered, failed first; the rest only where there is something.
const MAIN: [Place; 6] = [Place::Failed, Place::Waiting, Place::OnTheWay, Place::Pending, Place::Moved, Place::Skipped];
const RARE: [Place; 3] = [Place::Already, Place::WentBack, Place::Returned];

fn filters(query: &DeviceQuery, counts: &Counts, matching: u64, path: &str, relation: Option<Relation>) -> Vec<Filter> {
    let current = query.filter.place;
    let link = |place: Option<Place>, label: &str, count: u64| Filter {
        label: label.to_owned(),
        count,
        href: format!("{}#devices-title", query.at(place).href(path)),
        current: place == current && query.filter.reason.is_none(),
    };
    let rare = RARE.into_iter().filter(|place| counts.at(*place) > 0 || current == Some(*place));
    let mut links = vec![link(None, "All", counts.total())];
    links.extend(
        MAIN.into_iter().chain(rare).map(|place| link(Some(place), place.seen_in(relation).label(), counts.at(place))),
    );
    let reason = filter_label(query).map(|label| Filter {
        label,
        count: matching,
        href: format!("{}#devices-title", query.from_the_first().href(path)),
        current: true,
    });
    links.extend(reason);
    links
}

fn pagination(page: &DevicePage, query: &DeviceQuery, path: &str) -> Pagination {
    Pagination {
        page: page.page.into(),
        size: PAGE_SIZE.into(),
        total: page.matching,
        base: query.page_base(path),
        fragment: "devices-title",
    }
}

fn no_devices(query: &DeviceQuery, state: &MigrationState) -> &'static str {
    match (query.narrows(), state) {
        (true, _) => "No devices match.",
        (false, MigrationState::Draft) => "No devices to display. They are read when the migration starts.",
        (false, state) if state.is_active() => "No devices to display yet.",
        (false, _) => "No devices to display.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_has_ended_is_polled_no_more() {
        let poll = |state: MigrationState| Poll::of(&state, "/m/live".into()).map(|poll| poll.seconds);
        assert_eq!(poll(MigrationState::Running), Some(2));
        assert_eq!(poll(MigrationState::Waiting), Some(2));
        assert_eq!(poll(MigrationState::Draft), Some(10));
        assert_eq!(poll(MigrationState::Completed), None);
        assert_eq!(poll(MigrationState::Stopped), None);
    }

    #[test]
    fn the_counts_of_the_filters_add_up_to_all() {
        let mut counts = Counts { outside: 7, unassigned: 7, ..Counts::default() };
        for (power, place) in Place::ALL.iter().enumerate() {
            counts.add(*place, 1 << power);
        }
        let links = filters(&DeviceQuery::default(), &counts, 0, "/m", None);
        let rest: u64 = links[1..].iter().map(|link| link.count).sum();
        assert_eq!((links[0].label.as_str(), links[0].count), ("All", rest));
        assert!(links[0].current);
    }
}
