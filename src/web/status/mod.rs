//! `/migrations`: all migrations of the tenant acted in.
