//! The one place that puts the rooms together.

use std::sync::Arc;

use axum::Router;

use super::data_dir::DataDir;
use super::error::StartError;
use crate::config::Settings;
use crate::web::router;
use crate::web::site::Site;

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Program {
    router: Router,
}

impl Program {
    pub(super) async fn compose(settings: Settings, _home: &DataDir, port: u16) -> Result<Self, StartError> {
        let _ = settings;
        let site = Site { port, cloud: "not configured", sign_in_origin: None, sandbox: None };
        Ok(Self { router: router::unconfigured(Arc::new(site)) })
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    /// What whoever started the program should know.
    pub(super) fn announcement(&self) -> String {
        String::new()
    }

    pub(super) async fn end(self) {}
}
