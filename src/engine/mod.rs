//! The durable workflow.
