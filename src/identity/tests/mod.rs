//! Identity against a simulated Entra.

mod keys;
mod refreshing;
mod refusals;
mod sessions;
mod sign_in;
mod support;
