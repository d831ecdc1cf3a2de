//! What a person enters to ask for a clean-up, and what is wrong with it.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::devices;
use crate::engine::{Choice, CleanUpAsked, CleanUpRefused, Unfit};
use crate::ids::DeviceId;
use crate::migration::clean_up::{KeepReason, Soak};

/// How many devices a message names.
const NAMED: usize = 5;

/// The form as it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entered {
    pub(super) request_key: String,
    pub(super) soak: String,
    pub(super) which: String,
    pub(super) devices: String,
    pub(super) number: String,
    pub(super) name: String,
}

/// What is wrong, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mistakes {
    pub(super) soak: Option<String>,
    pub(super) which: Option<String>,
    pub(super) devices: Option<String>,
    pub(super) number: Option<String>,
    pub(super) name: Option<String>,
}

impl Mistakes {
    pub(super) fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl Entered {
    /// The devices of the text area are meant.
    pub(super) fn is_listed(&self) -> bool {
        self.which == "listed"
    }

    /// The soak, if it is one.
    pub(super) fn soak(&self) -> Option<Soak> {
        soak(&self.soak)
    }

    /// What is asked for, if it can be understood.
    pub(super) fn asked(&self) -> Result<CleanUpAsked, Mistakes> {
        let Some(soak) = self.soak() else { return Err(Mistakes { soak: Some(soak_rule()), ..Mistakes::default() }) };
        if self.request_key.is_empty() {
            return Err(Mistakes {
                which: Some("Choose again: the form was not complete.".into()),
                ..Mistakes::default()
            });
        }
        let choice = match self.which.as_str() {
            "all" => Choice::All,
            "listed" => Choice::Listed(listed(&self.devices)),
            _ => return Err(Mistakes { which: Some("Choose which devices.".into()), ..Mistakes::default() }),
        };
        let (request_key, name) = (self.request_key.clone(), self.name.clone());
        Ok(CleanUpAsked { request_key, soak, choice, number: number(&self.number), name })
    }

    /// The field to which a refusal belongs; none if it is of none.
    pub(super) fn mistakes(&self, refused: &CleanUpRefused) -> Option<Mistakes> {
        let none = Mistakes::default();
        Some(match refused {
            CleanUpRefused::Nobody if self.is_listed() => {
                Mistakes { devices: Some("Enter the ids of devices, one a line.".into()), ..none }
            }
            CleanUpRefused::Nobody => Mistakes { which: Some("No device can be removed now.".into()), ..none },
            CleanUpRefused::Unfit(unfit) => Mistakes { devices: Some(unfit_words(unfit)), ..none },
            CleanUpRefused::OtherNumber(there_are) => Mistakes {
                number: Some(format!("It is {} now. Nothing was removed. Type that number.", devices(*there_are))),
                ..none
            },
            CleanUpRefused::OtherName => {
                Mistakes { name: Some("This is not the migration's name. Nothing was removed.".into()), ..none }
            }
            CleanUpRefused::NotFound
            | CleanUpRefused::NotEnded
            | CleanUpRefused::AtWork(_)
            | CleanUpRefused::Store(_) => return None,
        })
    }
}

/// Hours as typed.
pub(super) fn soak(typed: &str) -> Option<Soak> {
    typed.trim().parse().ok().and_then(Soak::of_hours)
}

pub(super) fn soak_rule() -> String {
    format!("Enter whole hours, from {} to {}.", Soak::MIN, Soak::MAX)
}

/// A number as typed, with or without signs between the thousands.
pub(super) fn number(typed: &str) -> Option<u64> {
    typed.chars().filter(|c| !c.is_whitespace() && *c != ',').collect::<String>().parse().ok()
}

fn listed(typed: &str) -> BTreeSet<DeviceId> {
    typed.lines().map(str::trim).filter(|line| !line.is_empty()).map(DeviceId::new).collect()
}

fn unfit_words(unfit: &[Unfit]) -> String {
    let reason = |unfit: &Unfit| unfit.reason.map_or("no device of this migration", KeepReason::words);
    let named: Vec<String> =
        unfit.iter().take(NAMED).map(|unfit| format!("{} ({})", unfit.device, reason(unfit))).collect();
    let more = match unfit.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cannot =
        if unfit.len() == 1 { "1 of these cannot".to_owned() } else { format!("{} of these cannot", unfit.len()) };
    format!("{cannot} be removed: {}{more}. Nothing was removed.", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(which: &str, devices: &str) -> Entered {
        Entered {
            request_key: "key".into(),
            soak: "24".into(),
            which: which.into(),
            devices: devices.into(),
            number: " 1,234 ".into(),
            name: "Pumps".into(),
        }
    }

    #[test]
    fn ids_are_taken_one_a_line_each_once() {
        let asked = entered("listed", " a-1 \r\n\r\na-2\na-1").asked().expect("understood");
        let two: BTreeSet<DeviceId> = ["a-1", "a-2"].map(DeviceId::new).into();
        assert_eq!((asked.choice, asked.number), (Choice::Listed(two), Some(1_234)));
    }

    #[test]
    fn what_cannot_be_understood_is_said_at_its_field() {
        assert!(Entered { soak: "0".into(), ..entered("all", "") }.asked().is_err_and(|wrong| wrong.soak.is_some()));
        assert!(entered("", "").asked().is_err_and(|wrong| wrong.which.is_some()));
        let unfit = |n: usize| Unfit { device: format!("d-{n}").as_str().into(), reason: None };
        let refused = CleanUpRefused::Unfit((0..7).map(unfit).collect());
        let words = entered("listed", "").mistakes(&refused).and_then(|wrong| wrong.devices).expect("words");
        assert!(words.starts_with("7 of these") && words.contains("and 2 more. Nothing was removed."), "{words}");
    }
}
