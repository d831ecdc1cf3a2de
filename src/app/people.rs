//! Lets the engine act for people: what it asks of them is answered by who has signed in.

use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::azure::tokens::TokenProvider;
use crate::clock::Timestamp;
use crate::engine::{People, Safe};
use crate::identity::{Identity, Label, Vault};
use crate::ids::{PersonId, TenantId};

/// The people who have signed in to this program.
#[derive(Debug)]
pub(super) struct SignedInPeople(pub(super) Identity);

#[async_trait]
impl People for SignedInPeople {
    fn tokens(&self, person: &PersonId) -> Arc<dyn TokenProvider> {
        self.0.tokens(person)
    }

    async fn signed_in(&self) {
        if self.0.sign_ins().changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn signed_in_until(&self, person: &PersonId) -> Option<Timestamp> {
        self.0.signed_in_until(person).await.ok().flatten()
    }
}

/// What the label of a sealed secret of the engine says that it is.
const PURPOSE: &str = "keys of a migration";

/// The vault that refresh tokens are sealed with, too.
#[derive(Debug)]
pub(super) struct Sealed(pub(super) Vault);

impl Safe for Sealed {
    fn seal(&self, tenant: &TenantId, owner: &str, secret: &[u8]) -> Option<Vec<u8>> {
        self.0.seal(Label { tenant: tenant.as_str(), owner, purpose: PURPOSE }, secret).ok()
    }

    fn unseal(&self, tenant: &TenantId, owner: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.unseal(Label { tenant: tenant.as_str(), owner, purpose: PURPOSE }, sealed).ok()
    }
}
