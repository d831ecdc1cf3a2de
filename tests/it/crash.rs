//! The program killed at every effect: the same end as undisturbed.
