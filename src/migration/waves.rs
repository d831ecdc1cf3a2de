//! Waves: after the canary the devices are told in growing parts, each proven before the next, and the migration halts where
//! too many of a part fail.

mod course;

pub use course::{Course, Next, Wave, WaveState, is_failure};

use serde::{Deserialize, Serialize};

/// How the devices after the canary are divided, and when that halts the migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waves {
    /// Percent, each of all devices after the canary. Whoever is left is the last wave.
    shares: Vec<u8>,
    /// More failures than this many percent of a wave halt the migration.
    halt_percent: u8,
}

/// Why a text is no list of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SharesError {
    /// There is none, or too many.
    #[error(
        "Give one to {} whole numbers of percent, such as 10, 30. Whoever is left is the last wave.",
        Waves::MOST_SHARES
    )]
    Number,
    /// One of them is not a share.
    #[error("Give whole numbers of percent from 1 to 99, such as 10, 30.")]
    NotAShare,
    /// Nobody would be left for the last wave.
    #[error("Together they come to {0} %. Leave some for the last wave, which is whoever is left.")]
    Sum(u32),
}

impl Waves {
    /// Shares that can be chosen, beside the last wave.
    pub const MOST_SHARES: usize = 6;
    /// The shares of a form that was not changed.
    pub const USUAL_SHARES: &str = "10, 30";
    /// The halting share of a form that was not changed.
    pub const USUAL_HALT: u8 = 10;

    /// Understands shares such as `10, 30` or `10 % 30 %`.
    ///
    /// # Errors
    /// What is wrong with them, in words for the form.
    pub fn parse(shares: &str, halt_percent: Percent) -> Result<Self, SharesError> {
        let words = shares.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '%'));
        let shares: Vec<u8> = words
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().ok().filter(|share| (1..=99).contains(share)).ok_or(SharesError::NotAShare))
            .collect::<Result<_, _>>()?;
        if shares.is_empty() || shares.len() > Self::MOST_SHARES {
            return Err(SharesError::Number);
        }
        let sum = shares.iter().copied().map(u32::from).sum();
        if sum >= 100 {
            return Err(SharesError::Sum(sum));
        }
        Ok(Self { shares, halt_percent: halt_percent.0 })
    }

    /// The share of failures that halts the migration when it is exceeded.
    #[must_use]
    pub fn halt_percent(&self) -> u8 {
        self.halt_percent
    }

    /// As [`Waves::parse`] understands them.
    #[must_use]
    pub fn shares(&self) -> String {
        self.shares.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
    }

    /// `In waves of 10 %, 30 % and the rest; halts when more than 10 % of a wave fail`.
    #[must_use]
    pub fn words(&self) -> String {
        let shares = self.shares.iter().map(|share| format!("{share} %")).collect::<Vec<_>>().join(", ");
        let halt = match self.halt_percent {
            0 => "halts when any device of a wave fails".to_owned(),
            100 => "does not halt, however many fail".to_owned(),
            percent => format!("halts when more than {percent} % of a wave fail"),
        };
        format!("In waves of {shares} and the rest; {halt}")
    }

    /// How many devices each wave has, if nobody joins them: all of `devices`, and no wave without any.
    #[must_use]
    pub fn sizes(&self, devices: u64) -> Vec<u64> {
        let (mut sizes, mut left) = (Vec::new(), devices);
        while left > 0 {
            let size = self.size(sizes.len(), devices, left);
            sizes.push(size);
            left -= size;
        }
        sizes
    }

    /// Devices of the wave that follows `before` others, of `devices` of which `left` are in no wave yet: at least one, and
    /// all of them when the shares are used up.
    fn size(&self, before: usize, devices: u64, left: u64) -> u64 {
        match self.shares.get(before) {
            Some(share) => devices.saturating_mul(u64::from(*share)).div_ceil(100).max(1).min(left),
            None => left,
        }
    }
}

/// A whole number of percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u8);

impl Percent {
    /// All.
    pub const ALL: Self = Self(100);

    /// From 0 to 100.
    #[must_use]
    pub fn new(percent: u8) -> Option<Self> {
        (percent <= 100).then_some(Self(percent))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waves(shares: &str) -> Result<Waves, SharesError> {
        Waves::parse(shares, Percent::new(10).expect("a share"))
    }

    #[test]
    fn shares_are_understood_as_people_write_them() {
        for text in ["10, 30", "10,30", " 10 30 ", "10 %, 30 %", "10%;30%"] {
            assert_eq!(waves(text).expect(text).shares(), "10, 30");
        }
        assert_eq!(waves("50, 20, 29").expect("they need not grow").shares(), "50, 20, 29");
        assert_eq!(
            waves("10, 30").expect("waves").words(),
            "In waves of 10 %, 30 % and the rest; halts when more than 10 % of a wave fail"
        );
    }

    #[test]
    fn what_are_no_shares_is_said() {
        for (text, error) in [
            ("", SharesError::Number),
            (" , ", SharesError::Number),
            ("1,2,3,4,5,6,7", SharesError::Number),
            ("0", SharesError::NotAShare),
            ("100", SharesError::NotAShare),
            ("10, many", SharesError::NotAShare),
            ("-5", SharesError::NotAShare),
            ("10.5", SharesError::NotAShare),
            ("60, 40", SharesError::Sum(100)),
            ("99, 99", SharesError::Sum(198)),
        ] {
            assert_eq!(waves(text), Err(error), "{text:?}");
        }
        assert_eq!(Percent::new(101), None);
    }

    #[test]
    fn a_share_rounds_up_to_whole_devices() {
        let sizes = |devices| waves("10, 30").expect("waves").sizes(devices);
        assert_eq!(sizes(200), [20, 60, 120]);
        assert_eq!(sizes(11), [2, 4, 5]);
        assert_eq!(sizes(2), [1, 1]);
        assert_eq!(sizes(1), [1]);
        assert!(sizes(0).is_empty());
    }

    proptest! {
        #[test]
        fn the_waves_are_everybody_and_none_is_empty(
            shares in prop::collection::vec(1_u8..=99, 1..=6),
            devices in 0_u64..2_000_000,
        ) {
            let text = shares.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            let Ok(waves) = waves(&text) else { return Ok(()) };
            let sizes = waves.sizes(devices);
            prop_assert_eq!(sizes.iter().sum::<u64>(), devices);
            prop_assert!(sizes.iter().all(|size| *size > 0));
            prop_assert!(sizes.len() <= shares.len() + 1);
        }
    }
}
