//! View model of the summary: how many devices match, what stands in the way, how fast it can go, and *Migrate*.

use super::count_words::CountWords;
use super::entered::Entered;
use super::reading::Trouble;
use super::survey::Review;
use super::try_again;
use super::waves;
use crate::azure::CENTRAL_PER_SECOND;
use crate::migration::preflight::{self, ArrivalFloor, Finding, HubFinding, HubSize, Right, Severity, Survey, grouped};
use crate::web::components::Kind;

/// The summary.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Nothing is known yet; the browser fetches it.
    pub(super) pending: bool,
    /// When the browser fetches it anew, in htmx's words; empty for never.
    pub(super) trigger: &'static str,
    pub(super) count: Option<CountWords>,
    /// Trying the rights is under way.
    pub(super) checking: bool,
    /// Trying the rights failed as a whole.
    pub(super) trouble: Option<Trouble>,
    pub(super) blocking: Vec<Note>,
    pub(super) warnings: Vec<Note>,
    pub(super) pace: Option<String>,
    pub(super) keys: Option<String>,
    pub(super) names: Option<String>,
    pub(super) waves: Option<String>,
    pub(super) offline: Option<String>,
    /// The rights were checked, source and target are chosen, and nothing stands in the way.
    pub(super) clear: bool,
    /// Something was not found out that another try may tell.
    pub(super) again: bool,
    /// Why *Migrate* cannot be pressed.
    pub(super) disabled: Option<&'static str>,
    pub(super) sign_in: String,
}

/// A finding in words.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) kind: Kind,
    pub(super) what: String,
    pub(super) remedy: String,
    /// The set-up guide helps.
    pub(super) set_up: bool,
}

/// For whom a summary is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// A whole page, which may be all that a browser without script gets: *Migrate* works, and the server answers with
    /// what stands in the way. A browser with script fetches the summary anew at once.
    Page,
    /// A fragment, which only a script asks for.
    Script,
}

impl Summary {
    /// The place of a summary that the browser fetches next.
    pub(super) fn pending(entered: &Entered) -> Self {
        Self {
            pending: true,
            trigger: "load",
            disabled: Some("What was chosen is being checked."),
            sign_in: sign_in(entered),
            ..Self::default()
        }
    }

    pub(super) fn new(entered: &Entered, review: &Review, audience: Audience) -> Self {
        let findings = preflight::findings(&review.survey);
        let (blocking, warnings): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|finding| finding.severity() == Severity::Blocking);
        let counting = review.count.as_ref().is_some_and(|count| !count.is_over());
        let checking = review.rights.is_reading();
        let trouble = review.rights.trouble().cloned();
        let stands_in_the_way = !blocking.is_empty() || trouble.is_some() || review.unread;
        let hubs = review.survey.from_hubs.as_ref();
        let source_chosen = review.count.is_some() || hubs.is_some_and(|hubs| !hubs.hubs.is_empty());
        let chosen = source_chosen && review.floor.is_some();
        let devices = match hubs {
            Some(hubs) => preflight::in_all(&hubs.hubs).map(|counts| counts.enabled),
            None => review.count.as_ref().filter(|count| count.members_done).map(|count| count.matching),
        };
        Self {
            pending: false,
            trigger: match audience {
                Audience::Page => "load",
                Audience::Script if counting || checking => "every 2s",
                Audience::Script => "",
            },
            count: match hubs {
                Some(hubs) => CountWords::of_hubs(&hubs.hubs),
                None => review.count.as_ref().map(|count| CountWords::of(count, !entered.unassigned.is_empty())),
            },
            checking,
            pace: review.floor.as_ref().map(|floor| pace(floor, devices)),
            keys: keys(&review.survey).filter(|_| source_chosen || hubs.is_none()),
            waves: waves::words(entered, devices).filter(|_| chosen),
            names: carrying(entered, devices).filter(|_| chosen && hubs.is_none()),
            offline: offline(entered, &review.survey, devices).filter(|_| source_chosen),
            again: stands_in_the_way || findings.iter().any(is_worth_another_try),
            clear: chosen && !checking && !counting && !stands_in_the_way,
            disabled: match audience {
                Audience::Script if stands_in_the_way => Some("Something stands in the way; see above."),
                Audience::Script if checking => Some("What was chosen is being checked."),
                _ => None,
            },
            blocking: blocking.into_iter().map(Note::of).collect(),
            warnings: by_weight(warnings.into_iter().map(Note::of).collect()),
            trouble,
            sign_in: sign_in(entered),
        }
    }

    /// There is nothing to say yet.
    pub(super) fn is_empty(&self) -> bool {
        !self.pending
            && !self.checking
            && self.count.is_none()
            && self.trouble.is_none()
            && self.pace.is_none()
            && self.blocking.is_empty()
            && self.warnings.is_empty()
    }
}

/// What becomes of the keys.
fn keys(survey: &Survey) -> Option<String> {
    if let Some(hubs) = &survey.from_hubs {
        return Some(match &hubs.dps {
            Some(dps) => format!(
                "From the enrollments of {dps}, device by device; groups that devices use are added to the target at the start"
            ),
            None => "Of enrollment groups that you paste in the next step: devices with other keys are skipped".into(),
        });
    }
    let groups = survey.enrollment?;
    let noun = if groups.symmetric == 1 { "enrollment group" } else { "enrollment groups" };
    let number = groups.symmetric;
    Some(format!("{number} {noun} with symmetric keys: checked in the next step, added at the start where missing"))
}

/// What becomes of names and properties. They are read from the source by a call a device; a hub takes them by one, of
/// another and larger budget, an application by two.
fn carrying(entered: &Entered, devices: Option<u64>) -> Option<String> {
    let calls = if entered.is_into_central() { 2 } else { 1 };
    preflight::carrying(entered.carried(), devices, CENTRAL_PER_SECOND / calls)
}

/// How offline devices are tried again, and what that costs.
fn offline(entered: &Entered, survey: &Survey, devices: Option<u64>) -> Option<String> {
    let hubs = survey.from_hubs.iter().flat_map(|hubs| &hubs.hubs);
    let hubs: Vec<HubSize<'_>> = hubs.map(|hub| HubSize { name: &hub.name, sku: &hub.sku, units: hub.units }).collect();
    Some(preflight::offline(try_again::parse(entered).ok()?, &hubs, devices))
}

fn sign_in(entered: &Entered) -> String {
    crate::identity::sign_in_url(&entered.return_to())
}

impl Note {
    fn of(finding: &Finding) -> Self {
        let set_up = matches!(finding, Finding::NoDeviceMove { .. } | Finding::QueuedIfOffline { .. });
        let mut remedy = finding.remedy();
        if matches!(finding, Finding::RightMissing { right: Right::ReadGroups, .. }) {
            remedy.push_str(" Other rights in the application are checked once this one is there.");
        }
        Self { kind: kind(finding), what: finding.what(), remedy, set_up }
    }
}

/// Another try may tell more.
fn is_worth_another_try(finding: &Finding) -> bool {
    let of_hub = |finding: &HubFinding| matches!(finding, HubFinding::NotCounted { .. } | HubFinding::NoDevices);
    match finding {
        Finding::NotCounted { .. } | Finding::RightUnknown { .. } => true,
        Finding::OfHub(finding) => of_hub(finding),
        _ => false,
    }
}

/// What somebody should look at, before what is only good to know.
fn by_weight(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by_key(|note| note.kind == Kind::Info);
    notes
}

/// Devices that are left out on purpose are no trouble.
fn kind(finding: &Finding) -> Kind {
    match finding {
        Finding::Simulated(_) | Finding::Blocked(_) | Finding::Unassigned(_) => Kind::Info,
        Finding::OfHub(finding) if finding.is_remark() => Kind::Info,
        finding if finding.severity() == Severity::Blocking => Kind::Error,
        _ => Kind::Warning,
    }
}

/// `At most 1,000 devices a minute (the limit of a DPS): at least 4 min for 3,400 devices`.
pub(in crate::web) fn pace(floor: &ArrivalFloor, devices: Option<u64>) -> String {
    let rate = format!("At most {} devices a minute ({})", grouped(u64::from(floor.per_minute)), floor.reason());
    match devices {
        Some(0) | None => rate,
        Some(1) => format!("{rate}: {} for 1 device", floor.duration_words(1)),
        Some(devices) => format!("{rate}: {} for {} devices", floor.duration_words(devices), grouped(devices)),
    }
}
