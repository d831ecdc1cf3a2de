//! A time as pages show it: UTC, absolute, to the second. Absolute times let a live part stay the same while nothing
//! happens. What is still to come also says how far off it is, in words that change once a minute at most.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::clock::Timestamp;

const WORDS: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second] UTC");
const MACHINE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// A moment to be shown in a `<time>` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For people: `2026-11-22 21:47:05 UTC`.
    pub words: String,
    /// For machines: RFC 3339, whole seconds.
    pub machine: String,
    /// How far off it is, for a moment to come: `in about 9 min`.
    pub about: Option<String>,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        // The formats name only parts that every timestamp has; should one ever fail, the type's own words will do.
        let show = |format| at.format(format).unwrap_or_else(|_| at.to_string());
        Self { words: show(WORDS), machine: show(MACHINE), about: None }
    }
}

/// Counts the minutes: words on what is to come are the same within one.
#[must_use]
pub fn minute(now: Timestamp) -> i64 {
    now.unix_timestamp().div_euclid(60)
}

/// How far off a moment is, seen from the minute that `now` is in; nothing for what has passed.
fn about(at: Timestamp, now: Timestamp) -> Option<String> {
    let minutes = minute(at) - minute(now);
    match minutes {
        _ if at <= now => None,
        ..=1 => Some("in about a minute".to_owned()),
        2..=90 => Some(format!("in about {minutes} min")),
        91..=2_880 => Some(format!("in about {} h", (minutes + 30) / 60)),
        _ => Some(format!("in about {} days", (minutes + 720) / 1_440)),
    }
}

impl Moment {
    /// A moment to come, seen from `now`.
    #[must_use]
    pub fn ahead(at: Timestamp, now: Timestamp) -> Self {
        Self { about: about(at, now), ..Self::from(at) }
    }

    /// The end of something, said after its beginning: without the date, if that is the same.
    #[must_use]
    pub fn after(began: Timestamp, ended: Timestamp) -> Self {
        let moment = Self::from(ended);
        let utc = |at: Timestamp| at.to_offset(time::UtcOffset::UTC);
        if utc(began).date() != utc(ended).date() {
            return moment;
        }
        let words = utc(ended).format(TIME).unwrap_or_else(|_| moment.words.clone());
        Self { words, ..moment }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_of_another_zone_is_shown_in_utc() {
        let moment = Moment::from(datetime!(2026-11-22 23:47:05.9 +2));
        assert_eq!(moment.words, "2026-11-22 21:47:05 UTC");
        assert_eq!(moment.machine, "2026-11-22T21:47:05Z");
    }

    #[test]
    fn a_moment_to_come_says_how_far_off_it_is() {
        let now = datetime!(2026-11-22 21:47:30 UTC);
        let about = |at| Moment::ahead(at, now).about;
        assert_eq!(about(datetime!(2026-11-22 21:47:50 UTC)).as_deref(), Some("in about a minute"));
        assert_eq!(about(datetime!(2026-11-22 21:56:10 UTC)).as_deref(), Some("in about 9 min"));
        assert_eq!(about(datetime!(2026-11-23 21:40:00 UTC)).as_deref(), Some("in about 24 h"));
        assert_eq!(about(datetime!(2026-11-30 21:40:00 UTC)).as_deref(), Some("in about 8 days"));
        assert_eq!(about(now), None);
    }

    #[test]
    fn the_words_on_what_is_to_come_stay_the_same_within_a_minute() {
        let at = datetime!(2026-11-22 22:05:59 UTC);
        let seen = |now| Moment::ahead(at, now);
        assert_eq!(seen(datetime!(2026-11-22 21:47:00 UTC)), seen(datetime!(2026-11-22 21:47:59 UTC)));
    }

    #[test]
    fn an_end_on_the_day_of_the_beginning_is_said_without_the_date() {
        let began = datetime!(2026-11-22 23:47:05 UTC);
        assert_eq!(Moment::after(began, datetime!(2026-11-22 23:47:09 UTC)).words, "23:47:09 UTC");
        assert_eq!(Moment::after(began, datetime!(2026-11-23 00:00:01 UTC)).words, "2026-11-23 00:00:01 UTC");
    }
}
