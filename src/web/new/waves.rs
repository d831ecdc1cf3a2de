//! The choice between all devices at once and waves, after the canary.

use super::entered::Entered;
use super::parse::{FieldKey, Mistake};
use super::view::hinted;
use crate::migration::preflight::grouped;
use crate::migration::waves::{Percent, Waves};
use crate::web::components::{Choice, Field};

/// What the form sends for waves; all at once is an empty value, so that it needs no place in an address.
pub(super) const IN_WAVES: &str = "waves";

/// The fields.
#[derive(Debug)]
pub(super) struct WaveFields {
    pub(super) after: Field,
    pub(super) afters: Vec<Choice>,
    pub(super) shares: Field,
    pub(super) shares_text: String,
    pub(super) halt: Field,
    pub(super) halt_text: String,
}

impl WaveFields {
    pub(super) fn new(entered: &Entered, mistakes: &[Mistake]) -> Self {
        let choice = |value: &str, label: &str| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            chosen: (entered.after == IN_WAVES) == (value == IN_WAVES),
            ..Choice::default()
        };
        let shares = "Of all devices after the canary. Whoever is left is the last wave. Each is proven before the next, and no \
                      job is used: devices are told singly.";
        let halt = "Devices that cannot be reached do not count. Resume goes on all the same.";
        Self {
            after: Field { required: false, ..Field::new("after", "After the canary") },
            afters: vec![choice("", "Move all the others at once"), choice(IN_WAVES, "Move them in waves")],
            shares: hinted(FieldKey::Waves, mistakes, shares),
            shares_text: or(&entered.waves, Waves::USUAL_SHARES),
            halt: hinted(FieldKey::Halt, mistakes, halt),
            halt_text: or(&entered.halt, &Waves::USUAL_HALT.to_string()),
        }
    }
}

fn or(entered: &str, usual: &str) -> String {
    if entered.is_empty() { usual.to_owned() } else { entered.to_owned() }
}

/// The waves that were chosen, if any; what was entered for them beside another choice says nothing.
pub(super) fn parse(entered: &Entered) -> Result<Option<Waves>, Vec<Mistake>> {
    if entered.after != IN_WAVES {
        return Ok(None);
    }
    let mistake = |field, words: String| vec![Mistake { field, words }];
    let halt = entered.halt.trim().trim_end_matches('%').trim_end().parse().ok().and_then(Percent::new);
    // Both are said at once.
    let shares = Waves::parse(&entered.waves, halt.unwrap_or(Percent::ALL))
        .map_err(|error| mistake(FieldKey::Waves, error.to_string()));
    let halt = halt.ok_or_else(|| mistake(FieldKey::Halt, "Give a whole number of percent from 0 to 100.".into()));
    match (shares, halt) {
        (Ok(waves), Ok(_)) => Ok(Some(waves)),
        (shares, halt) => Err([shares.err(), halt.err()].into_iter().flatten().flatten().collect()),
    }
}

/// `In waves of 10 %, 30 % and the rest; halts when more than 10 % of a wave fail. Devices after the canary: about 20, 60 and
/// 119`. How many of those that match are left out is known later.
pub(super) fn words(entered: &Entered, devices: Option<u64>) -> Option<String> {
    let waves = parse(entered).ok()??;
    let sizes: Vec<String> =
        waves.sizes(devices.unwrap_or_default().saturating_sub(1)).into_iter().map(grouped).collect();
    Some(match sizes.split_last() {
        None => waves.words(),
        Some((last, [])) => format!("{}. Devices after the canary: about {last}", waves.words()),
        Some((last, others)) => {
            format!("{}. Devices after the canary: about {} and {last}", waves.words(), others.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(after: &str, waves: &str, halt: &str) -> Entered {
        Entered { after: after.into(), waves: waves.into(), halt: halt.into(), ..Entered::default() }
    }

    #[test]
    fn waves_are_taken_only_where_they_are_chosen() {
        assert_eq!(parse(&entered("", "nonsense", "-1")), Ok(None));
        let chosen = parse(&entered(IN_WAVES, "10, 30", " 5 % ")).expect("understood").expect("waves");
        assert_eq!((chosen.shares().as_str(), chosen.halt_percent()), ("10, 30", 5));
    }

    #[test]
    fn both_fields_are_told_what_is_wrong_with_them() {
        let fields = |waves: &str, halt: &str| {
            let mistakes = parse(&entered(IN_WAVES, waves, halt)).expect_err("mistakes");
            mistakes.into_iter().map(|mistake| mistake.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("", ""), [FieldKey::Waves, FieldKey::Halt]);
        assert_eq!(fields("10", "101"), [FieldKey::Halt]);
        assert_eq!(fields("110", "10"), [FieldKey::Waves]);
    }

    #[test]
    fn the_summary_has_the_size_of_each_wave_once_the_devices_are_counted() {
        let words = |devices| words(&entered(IN_WAVES, "10, 30", "10"), devices).expect("words");
        assert!(words(None).ends_with("fail") && words(Some(1)).ends_with("fail"));
        assert!(words(Some(201)).ends_with("Devices after the canary: about 20, 60 and 120"));
        assert!(words(Some(2)).ends_with("Devices after the canary: about 1"));
    }

    #[test]
    fn the_form_shows_the_usual_values_and_keeps_what_was_entered() {
        let fields = WaveFields::new(&Entered::default(), &[]);
        assert_eq!((fields.shares_text.as_str(), fields.halt_text.as_str()), ("10, 30", "10"));
        assert!(fields.afters[0].chosen && !fields.afters[1].chosen);
        let fields = WaveFields::new(&entered(IN_WAVES, "5", "x"), &[]);
        assert_eq!((fields.shares_text.as_str(), fields.halt_text.as_str()), ("5", "x"));
        assert!(!fields.afters[0].chosen && fields.afters[1].chosen);
    }
}
