//! Typed clients of Azure's REST APIs.
//!
//! Knows nothing of migrations, pages or the database.

pub mod cloud;
pub mod error;
pub mod tokens;
