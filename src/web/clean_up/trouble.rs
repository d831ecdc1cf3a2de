//! Why a clean-up does not go on now, and what ends that.

use crate::clock::Timestamp;
use crate::identity::{LocalPath, Person, sign_in_url};
use crate::migration::clean_up::{CleanUp, CleanUpState};
use crate::migration::model::PauseReason;
use crate::web::components::Kind;
use crate::web::moment::Moment;

/// Why it does not go on now.
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) title: &'static str,
    pub(super) what: String,
    pub(super) remedy: String,
    pub(super) until: Option<Moment>,
    /// *Resume* is offered, and whose rights it would take.
    pub(super) resume: Option<&'static str>,
    /// Where the viewer signs in again, if that is what helps.
    pub(super) sign_in: Option<String>,
}

impl Trouble {
    pub(super) fn of(clean_up: &CleanUp, viewer: &Person, path: &str, now: Timestamp) -> Option<Self> {
        let own = clean_up.runs_as.id == viewer.id;
        match (&clean_up.state, &clean_up.retry) {
            (CleanUpState::Paused(pause), _) => {
                let signs_in = own && pause.reason == PauseReason::SignIn;
                Some(Self {
                    kind: Kind::Warning,
                    title: if pause.reason == PauseReason::SignIn {
                        "Paused until somebody signs in"
                    } else {
                        "Paused"
                    },
                    what: pause.detail.clone(),
                    remedy: pause.remedy.clone(),
                    until: None,
                    resume: (!signs_in).then_some(if own { "Resume" } else { "Resume with my rights" }),
                    sign_in: signs_in.then(|| sign_in_url(&LocalPath::parse(path).unwrap_or_default())),
                })
            }
            (CleanUpState::Running, Some(retry)) => Some(Self {
                kind: Kind::Info,
                title: "Waiting for a passing trouble to end",
                what: retry.trouble.clone(),
                remedy: "Nothing to do: it is tried again by itself.".into(),
                until: Some(Moment::ahead(retry.at, now)),
                resume: None,
                sign_in: None,
            }),
            _ => None,
        }
    }
}
