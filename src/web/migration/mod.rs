//! `/migrations/{id}`: one migration, its devices and events, and what people can do with it.

pub mod query;
pub mod summary;
