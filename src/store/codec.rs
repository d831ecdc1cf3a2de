//! How values lie in columns.

use super::StoreError;
use crate::clock::Timestamp;

/// Nanoseconds since 1970; good until the year 2262.
pub(super) fn ns(at: Timestamp) -> i64 {
    i64::try_from(at.unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

/// The way back from [`ns`].
pub(super) fn time(ns: i64) -> Timestamp {
    Timestamp::from_unix_timestamp_nanos(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Turns an unknown stored value into an error that names its place.
pub(super) fn known<T>(
    value: Option<T>,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Inconsistent { table, column, row: row.to_owned() })
}

/// A count from SQLite, which has no unsigned numbers.
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
