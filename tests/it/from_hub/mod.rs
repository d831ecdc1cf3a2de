//! From hubs into an application.

mod fleet;
mod form;
mod keys;
mod large;
mod later;
mod methods;
mod pasted;
mod secrets;
pub mod stage;
