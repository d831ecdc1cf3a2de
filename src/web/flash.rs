//! What an action has to say on the page that follows it: kept in the session over the redirect, shown once.

use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::components::Kind;
use super::errors::PageError;

const KEY: &str = "flash";

/// One message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flash {
    /// How it went.
    pub kind: Kind,
    /// What happened.
    pub what: String,
    /// What to do about it; empty if nothing.
    pub remedy: String,
    /// Whether the set-up page helps.
    pub set_up: bool,
}

impl Flash {
    /// A message that asks for nothing.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: String::new(), set_up: false }
    }
}

/// Leaves a message for the next page.
///
/// # Errors
/// The session could not be written.
pub async fn leave(session: &Session, flash: Flash) -> Result<(), PageError> {
    let mut all: Vec<Flash> = session.get(KEY).await?.unwrap_or_default();
    all.push(flash);
    Ok(session.insert(KEY, all).await?)
}

/// Takes all messages.
pub(super) async fn take(session: &Session) -> Result<Vec<Flash>, PageError> {
    Ok(session.remove(KEY).await?.unwrap_or_default())
}
