//! Lets the engine act for people: what it asks of them is answered by who has signed in.

use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::tokens::TokenProvider;
use crate::clock::Timestamp;
use crate::engine::People;
use crate::identity::Identity;
use crate::ids::PersonId;

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
