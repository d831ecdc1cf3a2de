//! View model of the summary: how many devices match, what stands in the way, how fast it can go, and *Migrate*.

use super::entered::Entered;
use super::reading::Trouble;
use super::survey::Review;
use crate::engine::counting::CountState;
use crate::migration::preflight::{self, ArrivalFloor, Finding, Right, Severity, grouped};
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
    /// The rights were checked, source and target are chosen, and nothing stands in the way.
    pub(super) clear: bool,
    /// Something was not found out that another try may tell.
    pub(super) again: bool,
    /// Why *Migrate* cannot be pressed.
    pub(super) disabled: Option<&'static str>,
    pub(super) sign_in: String,
}

/// The count in words.
#[derive(Debug)]
pub(in crate::web) struct CountWords {
    pub(in crate::web) headline: String,
    /// `190 to move of 194`: what a start is about.
    pub(in crate::web) to_move: String,
    /// How many can be told to move, and whether that is final.
    pub(in crate::web) movable: (String, bool),
    /// The devices that are left out, each kind a sentence.
    pub(in crate::web) left_out: Vec<String>,
    pub(in crate::web) detail: Option<String>,
    pub(in crate::web) counting: bool,
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
        let chosen = review.count.is_some() && review.floor.is_some();
        Self {
            pending: false,
            trigger: match audience {
                Audience::Page => "load",
                Audience::Script if counting || checking => "every 2s",
                Audience::Script => "",
            },
            count: review.count.as_ref().map(|count| CountWords::of(count, !entered.unassigned.is_empty())),
            checking,
            pace: review.floor.as_ref().map(|floor| pace(floor, review.count.as_ref())),
            keys: review.survey.enrollment.map(|groups| {
                let noun = if groups.symmetric == 1 { "enrollment group" } else { "enrollment groups" };
                let number = groups.symmetric;
                format!(
                    "{number} {noun} with symmetric keys: checked in the next step, added at the start where missing"
                )
            }),
            again: stands_in_the_way
                || findings.iter().any(|f| matches!(f, Finding::NotCounted { .. } | Finding::RightUnknown { .. })),
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

/// What somebody should look at, before what is only good to know.
fn by_weight(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by_key(|note| note.kind == Kind::Info);
    notes
}

/// Devices that are left out on purpose are no trouble.
fn kind(finding: &Finding) -> Kind {
    match finding {
        Finding::Simulated(_) | Finding::Blocked(_) | Finding::Unassigned(_) => Kind::Info,
        finding if finding.severity() == Severity::Blocking => Kind::Error,
        _ => Kind::Warning,
    }
}

impl CountWords {
    /// `at least 3,400 devices match, counting`. `unassigned_too`: devices without a template are not left out.
    pub(in crate::web) fn of(count: &CountState, unassigned_too: bool) -> Self {
        let matching = grouped(count.matching);
        let noun = if count.matching == 1 { "device matches" } else { "devices match" };
        let headline = match (count.members_done, &count.error) {
            (true, _) => format!("{matching} {noun}"),
            (false, Some(_)) => format!("at least {matching} {noun}; the rest could not be counted"),
            (false, None) => format!("at least {matching} {noun}, counting"),
        };
        let parts: Vec<String> = [
            (count.other_template, "of another template"),
            (count.simulated, "simulated"),
            (count.blocked, "blocked or waiting for approval"),
            (count.unprovisioned, "never connected"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{} {words}", grouped(number)))
        .collect();
        let members = match count.seen {
            1 => "1 member of the group read".to_owned(),
            seen => format!("{} members of the group read", grouped(seen)),
        };
        let detail = if parts.is_empty() { members } else { format!("{members}: {}", parts.join(", ")) };
        let movable = grouped(count.matching.saturating_sub(count.simulated).saturating_sub(count.blocked));
        let to_move = match (count.members_done, &count.error) {
            (true, _) => format!("{movable} to move of {matching}"),
            (false, Some(_)) => format!("at least {movable} to move of {matching}; the rest could not be counted"),
            (false, None) => format!("at least {movable} to move of {matching}, counting"),
        };
        let movable = (movable, count.members_done);
        Self {
            headline,
            to_move,
            movable,
            left_out: left_out(count, unassigned_too),
            detail: Some(detail),
            counting: !count.is_over(),
        }
    }
}

/// The devices that are not told, in the words of the findings.
fn left_out(count: &CountState, unassigned_too: bool) -> Vec<String> {
    let kinds = [
        (count.simulated, Finding::Simulated as fn(u64) -> Finding),
        (count.blocked, Finding::Blocked),
        (count.unprovisioned, Finding::NeverConnected),
        (count.other_template, Finding::OtherTemplate),
        (if unassigned_too { 0 } else { count.unassigned }, Finding::Unassigned),
    ];
    let words = |finding: Finding| format!("{} {}", finding.what(), finding.remedy());
    kinds.into_iter().filter(|(number, _)| *number > 0).map(|(number, finding)| words(finding(number))).collect()
}

/// `At most 1,000 devices a minute (the limit of a DPS): at least 4 min for 3,400 devices`.
pub(in crate::web) fn pace(floor: &ArrivalFloor, count: Option<&CountState>) -> String {
    let rate = format!("At most {} devices a minute ({})", grouped(u64::from(floor.per_minute)), floor.reason());
    match count {
        Some(count) if count.members_done && count.matching > 0 => {
            format!("{rate}: {} for {} devices", floor.duration_words(count.matching), grouped(count.matching))
        }
        _ => rate,
    }
}
