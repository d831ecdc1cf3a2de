//! From hubs into an application.

mod fleet;
mod keys;
mod large;
mod later;
mod methods;
mod pasted;
mod stage;
