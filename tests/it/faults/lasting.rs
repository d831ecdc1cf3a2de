//! Faults that stay until somebody mends them: the migration stands still, says what of whom and what to do, and goes on
//! to the same end afterwards.
