//! A time as pages show it: UTC, absolute, to the second. Absolute times let a live part stay the same while nothing
//! happens.

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
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        // The formats name only parts that every timestamp has; should one ever fail, the type's own words will do.
        let show = |format| at.format(format).unwrap_or_else(|_| at.to_string());
        Self { words: show(WORDS), machine: show(MACHINE) }
    }
}

impl Moment {
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
    fn an_end_on_the_day_of_the_beginning_is_said_without_the_date() {
        let began = datetime!(2026-11-22 23:47:05 UTC);
        assert_eq!(Moment::after(began, datetime!(2026-11-22 23:47:09 UTC)).words, "23:47:09 UTC");
        assert_eq!(Moment::after(began, datetime!(2026-11-23 00:00:01 UTC)).words, "2026-11-23 00:00:01 UTC");
    }
}
