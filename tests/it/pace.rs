//! Pace: a small hub is never told more than it takes.
