//! The program as a whole, from outside: spawned as a process, against a simulated Azure in the test's own process.

mod again;
mod belongings;
mod between;
mod browser;
mod clean_up;
mod crash;
mod faults;
mod fleet;
mod from_hub;
mod gateways;
mod individual;
mod job;
mod keys;
mod pace;
mod people;
mod secrets;
mod support;
mod unassigned;
mod wire;
mod x509;
