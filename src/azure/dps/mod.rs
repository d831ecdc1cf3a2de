//! The service API of a Device Provisioning Service.
//!
//! Facts: azure-rest-api-specs DPS service 2021-10-01; "DPS limits", "Symmetric key attestation", "Reprovisioning".

mod bulk;
mod groups;
mod individuals;
mod registrations;
mod x509;

pub use groups::{Attestation, AttestationKind, DpsGroup, NewEnrollmentGroup, Reprovision};
pub use individuals::{IndividualEnrollment, NewIndividualEnrollment};
pub use registrations::{Registration, RegistrationStatus};
pub use x509::{NewX509Enrollment, NewX509Group, TrustedBy, X509};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::azure::call::{Call, Path};
use crate::azure::channel::Channel;
use crate::azure::error::Result;
use crate::azure::keys::Right;
use crate::azure::pace::Scope;
use crate::azure::page::{AllPages, NextPage, Page};

const API: &str = "2021-10-01";
const PAGE_SIZE: &str = "100";

/// A client of one DPS.
#[derive(Debug, Clone)]
pub struct Dps {
    channel: Channel,
    host: String,
}

impl Dps {
    pub(crate) fn new(channel: Channel, host: String) -> Self {
        Self { channel, host }
    }

    /// Completes a call with what all calls to a DPS have.
    fn call(&self, call: Call, rights: &'static [Right]) -> Call {
        call.query("api-version", API).rights(rights).pace(Scope::Dps(self.host.clone()), 1)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        rights: &'static [Right],
        path: Path,
        body: Option<Value>,
        next: Option<&NextPage>,
    ) -> Result<Page<T>> {
        let mut call = Call::ask(operation, path).header("x-ms-max-item-count", PAGE_SIZE);
        call.body = body;
        self.channel.header_page(self.call(call, rights), next).await
    }

    async fn all<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        rights: &'static [Right],
        path: Path,
        body: Option<Value>,
    ) -> Result<Vec<T>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.page(operation, rights, path.clone(), body.clone(), pages.next()).await?;
            if let Some(items) = pages.add(page).map_err(self.channel.circle(operation))? {
                return Ok(items);
            }
        }
    }
}

#[cfg(test)]
mod tests;
