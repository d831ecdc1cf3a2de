//! The choice of how often offline devices are tried again, and for how long. The first entry of each list is what is done
//! unless a person chooses.

use super::entered::Entered;
use super::parse::{FieldKey, Mistake};
use super::view::hinted;
use crate::migration::{TryAgain, TryEvery, TryFor};
use crate::web::components::{Choice, Field};

/// Both lists.
#[derive(Debug)]
pub(super) struct TryAgainFields {
    pub(super) every: Field,
    pub(super) every_first: String,
    pub(super) everies: Vec<Choice>,
    pub(super) time: Field,
    pub(super) time_first: String,
    pub(super) times: Vec<Choice>,
}

impl TryAgainFields {
    pub(super) fn new(entered: &Entered, mistakes: &[Mistake]) -> Self {
        let first = TryAgain::default();
        let choice = |value: &str, label: String, entered: &str| Choice {
            value: value.to_owned(),
            label,
            chosen: value == entered,
            ..Choice::default()
        };
        let every = "A device does not say that it is on again. Each try costs a command.";
        let time = "Counted from the start. After that, devices that could not be reached are recorded as failed.";
        Self {
            every: Field { required: false, ..hinted(FieldKey::TryEvery, mistakes, every) },
            every_first: every_label(first.every),
            everies: others(TryEvery::ALL, first.every)
                .map(|every| choice(every.stored(), every_label(every), &entered.try_every))
                .collect(),
            time: Field { required: false, ..hinted(FieldKey::TryFor, mistakes, time) },
            time_first: time_label(first.time),
            times: others(TryFor::ALL, first.time)
                .map(|time| choice(time.stored(), time_label(time), &entered.try_for))
                .collect(),
        }
    }
}

fn others<T: Copy + PartialEq>(all: &[T], first: T) -> impl Iterator<Item = T> {
    all.iter().copied().filter(move |one| *one != first)
}

fn every_label(every: TryEvery) -> String {
    match every {
        TryEvery::Asked => "Only when I press Try again now".into(),
        other => crate::migration::sentence::capitalized(other.words()),
    }
}

fn time_label(time: TryFor) -> String {
    match time {
        TryFor::UntilFinished => "Until I finish the migration".into(),
        other => crate::migration::sentence::capitalized(other.words().trim_start_matches("for ")),
    }
}

/// Understands both, or says what is wrong with each.
pub(super) fn parse(entered: &Entered) -> Result<TryAgain, Vec<Mistake>> {
    let every = or_first(&entered.try_every, TryEvery::from_stored);
    let time = or_first(&entered.try_for, TryFor::from_stored);
    let mistake = |field| Mistake { field, words: "What was chosen is not in the list any more. Choose again.".into() };
    match (every, time) {
        (Some(every), Some(time)) => Ok(TryAgain { every, time }),
        (every, time) => {
            let wrong = [(every.is_none(), FieldKey::TryEvery), (time.is_none(), FieldKey::TryFor)];
            Err(wrong.into_iter().filter(|(wrong, _)| *wrong).map(|(_, field)| mistake(field)).collect())
        }
    }
}

fn or_first<T: Default>(entered: &str, known: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    if entered.is_empty() { Some(T::default()) } else { known(entered) }
}

/// The choice as the form has it: what is first in a list is not said.
pub(super) fn entered_for(chosen: TryAgain) -> (String, String) {
    let first = TryAgain::default();
    let every = if chosen.every == first.every { "" } else { chosen.every.stored() };
    let time = if chosen.time == first.time { "" } else { chosen.time.stored() };
    (every.to_owned(), time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(every: &str, time: &str) -> Entered {
        Entered { try_every: every.into(), try_for: time.into(), ..Entered::default() }
    }

    #[test]
    fn every_choice_comes_back_as_it_was_made() {
        for every in TryEvery::ALL {
            for time in TryFor::ALL {
                let chosen = TryAgain { every: *every, time: *time };
                let (every, time) = entered_for(chosen);
                assert_eq!(parse(&entered(&every, &time)), Ok(chosen));
            }
        }
        assert_eq!(entered_for(TryAgain::default()), (String::new(), String::new()));
    }

    #[test]
    fn what_is_not_in_a_list_is_a_mistake_in_its_field() {
        let wrong = |every: &str, time: &str| {
            let mistakes = parse(&entered(every, time)).expect_err("mistakes");
            mistakes.into_iter().map(|mistake| mistake.field).collect::<Vec<_>>()
        };
        assert_eq!(wrong("often", ""), [FieldKey::TryEvery]);
        assert_eq!(wrong("often", "for ever"), [FieldKey::TryEvery, FieldKey::TryFor]);
    }

    #[test]
    fn the_lists_offer_each_choice_once_and_keep_the_one_made() {
        let fields = TryAgainFields::new(&entered("six_hours", "week"), &[]);
        assert_eq!((fields.everies.len() + 1, fields.times.len() + 1), (TryEvery::ALL.len(), TryFor::ALL.len()));
        assert_eq!(
            (fields.every_first.as_str(), fields.time_first.as_str()),
            ("Every 10 minutes", "Until I finish the migration")
        );
        let chosen = |choices: &[Choice]| {
            choices.iter().filter(|choice| choice.chosen).map(|choice| choice.label.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (chosen(&fields.everies), chosen(&fields.times)),
            (vec!["Every 6 hours".to_owned()], vec!["7 days".to_owned()])
        );
    }
}
