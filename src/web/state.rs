//! What the pages of a configured program work with.

use std::sync::Arc;

use axum::extract::FromRef;

use super::new::Surveyor;
use super::site::{HasSite, Site};
use crate::azure::Azure;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::counting::Counting;
use crate::identity::Identity;
use crate::store::Store;

/// The state of all routes once sign-in is configured. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Web {
    /// The running program.
    pub site: Arc<Site>,
    /// Sign-in and tokens.
    pub identity: Identity,
    /// Clients of Azure.
    pub azure: Azure,
    /// What runs migrations.
    pub engine: Engine,
    /// Counts of device groups.
    pub counting: Counting,
    /// What the form *New migration* reads.
    pub surveyor: Arc<Surveyor>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
}

impl HasSite for Web {
    fn site(&self) -> &Site {
        &self.site
    }

    fn identity(&self) -> Option<&Identity> {
        Some(&self.identity)
    }

    fn speed(&self) -> u32 {
        self.clock.speed()
    }
}

impl FromRef<Web> for Identity {
    fn from_ref(web: &Web) -> Self {
        web.identity.clone()
    }
}
