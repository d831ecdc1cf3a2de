//! Moves from one IoT Central application to another.

mod approval;
mod fleet;
mod job;
mod keys;
mod later;
mod probe;
mod refused;
pub mod stage;
mod switches;
mod template;
