//! What the pages ask of the engine.

use async_trait::async_trait;

use super::action::Action;
use crate::migration::MigrationId;
use crate::migration::model::Actor;

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no such migration.
    #[error("there is no such migration")]
    NotFound,
    /// The migration's state does not allow it; the words say what does.
    #[error("{0}")]
    NotNow(String),
}

/// Does what people ask. Asking twice acts once.
#[async_trait]
pub trait Control: std::fmt::Debug + Send + Sync {
    /// Does `action` to a migration in the name of `by`.
    async fn act(&self, action: Action, id: MigrationId, by: &Actor) -> Result<(), ControlError>;
}

/// Stands in until the engine is there.
#[derive(Debug)]
pub struct NoEngine;

#[async_trait]
impl Control for NoEngine {
    async fn act(&self, _: Action, _: MigrationId, _: &Actor) -> Result<(), ControlError> {
        Err(ControlError::NotNow("The engine is not running.".into()))
    }
}
