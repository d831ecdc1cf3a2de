//! The durable workflow.

pub mod counting;
