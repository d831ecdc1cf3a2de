//! The simulated Azure.
