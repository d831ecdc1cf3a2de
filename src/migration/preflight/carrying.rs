//! What carrying names and properties over costs in time.

use super::floor::words_of;
use super::grouped;
use crate::migration::model::Carry;

/// `after each device has moved: about 6 min more for 3,400 devices`, or why it is not done. `None` if nobody wants it.
/// `per_second`: devices for which it is done in a second; `devices`: how many are to move, if that is known.
#[must_use]
pub fn carrying(carry: Carry, devices: Option<u64>, per_second: u32) -> Option<String> {
    let most = grouped(Carry::MANY);
    let Some(devices) = devices else {
        return match carry {
            Carry::Nothing => None,
            Carry::Few => Some(format!("Carried over after each device has moved, unless there are more than {most}")),
            Carry::All => Some("Carried over after each device has moved".into()),
        };
    };
    let minutes = devices.div_ceil(u64::from(per_second.max(1)) * 60);
    let time = format!("about {} more for {}", words_of(minutes), number_of(devices));
    match carry {
        Carry::Nothing => None,
        _ if carry.applies_to(devices) => Some(format!("Carried over after each device has moved: {time}")),
        _ => Some(format!(
            "Left behind, since there are more than {most} devices: carrying them over takes {time}, of the calls that commands \
             need too"
        )),
    }
}

fn number_of(devices: u64) -> String {
    if devices == 1 { "1 device".into() } else { format!("{} devices", grouped(devices)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_for_the_fleet_whether_it_is_carried_over_or_left_for_being_many() {
        let words = |carry, devices| carrying(carry, Some(devices), 10).expect("something to say");
        assert_eq!(
            words(Carry::Few, 2_000),
            "Carried over after each device has moved: about 4 min more for 2,000 devices"
        );
        let left = words(Carry::Few, 90_000);
        assert!(left.starts_with("Left behind") && left.contains("about 2 h 30 min more for 90,000 devices"), "{left}");
        assert!(words(Carry::All, 90_000).starts_with("Carried over"));
        assert!(words(Carry::All, 1).ends_with("about 1 min more for 1 device"));
        assert_eq!(carrying(Carry::Nothing, Some(5), 10), None);
    }

    #[test]
    fn of_a_fleet_that_is_not_counted_no_time_is_told() {
        let words = carrying(Carry::Few, None, 10).expect("something to say");
        assert!(words.ends_with("unless there are more than 2,000"), "{words}");
    }
}
