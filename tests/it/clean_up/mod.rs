//! Clean-up: what is proven at the target is removed from its source, and nothing else is.

mod from_app;
mod from_hub;
mod killed;
mod stage;
