//! IoTC Migrator moves fleets of devices off Azure IoT Central and proves, device by device, where each one is.
//!
//! The rooms, and which way imports run (`web → engine → {azure, store, migration}`):
//!
//! - [`app`] puts the rooms together, starts and ends them.
//! - [`config`] reads settings; [`clock`] is the only source of time; [`ids`] types Azure's identifiers.
//! - [`azure`] holds typed clients of Azure's REST APIs. Knows nothing of migrations, pages or the database.
//! - [`identity`] holds Entra sign-in, tokens per resource, sessions.
//! - [`migration`] holds the domain, pure.
//! - [`store`] keeps everything in SQLite; the only place with SQL.
//! - [`engine`] runs migrations, durably.
//! - [`web`] serves the pages.
//! - [`sandbox`] is a simulated Azure, written from Azure's documentation apart from everything above.

pub mod app;
pub mod azure;
pub mod clock;
pub mod config;
pub mod engine;
pub mod identity;
pub mod ids;
pub mod migration;
pub mod sandbox;
pub mod store;
pub mod web;
