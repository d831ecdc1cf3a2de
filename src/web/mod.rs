//! Pages: the axum router, one file a page or action, their view models, and the layers that guard them.
//!
//! Promises: every page can be read and every form posted without a script; every answer, errors included, carries the
//! security headers; no handler builds an error page (they return [`errors::PageError`]); nothing that changes state
//! happens before the request has proven to come from one of our own pages ([`security`], [`csrf`]).

pub mod about;
mod actor;
pub mod assets;
mod clean_up;
pub mod components;
pub mod csrf;
pub mod errors;
#[cfg(test)]
mod fixture;
pub mod flash;
#[cfg(test)]
mod gallery;
pub mod home;
mod keys;
pub mod live;
pub mod migration;
pub mod moment;
pub mod new;
mod packing;
pub mod paths;
pub mod render;
pub mod router;
pub mod security;
pub mod setup;
pub mod shell;
pub mod sign_in;
pub mod site;
pub mod state;
pub mod status;
mod take_along;
#[cfg(test)]
mod tests;

/// The program's version, as pages show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
