//! The form: each fault is shown where it happened, nothing that was entered is lost, and *Try again* works.
