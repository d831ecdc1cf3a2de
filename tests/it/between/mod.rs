//! Moves from one IoT Central application to another.

mod approval;
mod fleet;
mod job;
mod keys;
mod later;
mod probe;
mod refused;
mod stage;
mod switches;
mod template;
