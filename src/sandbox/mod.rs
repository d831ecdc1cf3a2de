//! The simulated Azure: Entra, ARM, IoT Central, DPS and IoT Hub with a fleet of devices, on loopback.
//!
//! It promises to behave on the wire as `Azure` is documented to, strict where Azure is strict. Clients reach it under
//! Azure's real host names through a CONNECT proxy and trust its own certificate authority; nothing leaves the machine.
//! It imports nothing of the rest of the crate: it states the wire a second time, so that a mistake in one shows in the
//! other.

pub mod arm;
pub mod central;
pub mod clock;
pub mod device;
mod dispatch;
pub mod dps;
pub mod entra;
pub mod faults;
pub mod fleet;
pub mod hub;
pub mod log;
pub mod options;
mod persist;
mod proxy;
mod serve;
pub mod state;
pub mod throttle;
mod tls;
mod truth;
pub mod world;
