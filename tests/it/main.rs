//! The program as a whole, from outside: spawned as a process, against a simulated Azure in the test's own process.

mod again;
mod belongings;
mod between;
mod browser;
mod clean_up;
mod crash;
mod faults;
mod fleet;
mod follow_ups;
mod from_hub;
mod gateways;
mod individual;
mod job;
mod keys;
mod offline;
mod pace;
mod people;
mod secrets;
mod seven;
mod support;
mod take_along;
mod unassigned;
mod waves;
mod wire;
mod x509;
