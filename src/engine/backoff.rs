//! How long a passing trouble is waited out.

use std::time::Duration;

/// The first wait after a passing trouble; it doubles with each in a row.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How long to wait after `before` other troubles in a row, of which the last is `last`; `after` is what Azure asked for.
/// Gives the wait, and how many in a row this one counts as.
pub(super) fn wait(before: u32, last: Option<&str>, trouble: &str, after: Option<Duration>) -> (Duration, u32) {
    // Another trouble than the last means that something went well in between.
    let before = if last == Some(trouble) { before } else { before / 2 };
    let backoff = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(before.min(16))).min(LONGEST_WAIT);
    (backoff.max(after.unwrap_or_default()) + jitter(backoff), before + 1)
}

/// Up to a quarter of `wait`, so that many tasks do not come back at once.
fn jitter(wait: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    if aws_lc_rs::rand::fill(&mut byte).is_err() {
        return Duration::ZERO;
    }
    wait.mul_f64(f64::from(byte[0]) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_again_is_waited_out_for_longer_and_another_for_less() {
        let wait = |before, last| wait(before, last, "503", None);
        assert!(wait(0, None).0 >= FIRST_WAIT && wait(0, None).1 == 1);
        assert!(wait(3, Some("503")).0 >= FIRST_WAIT * 8);
        assert!(wait(3, Some("429")).0 < FIRST_WAIT * 4);
        assert!(wait(99, Some("503")).0 <= LONGEST_WAIT * 5 / 4);
    }

    #[test]
    fn azure_may_ask_for_more() {
        let hour = Duration::from_secs(3600);
        assert!(wait(0, None, "429", Some(hour)).0 >= hour);
    }
}
