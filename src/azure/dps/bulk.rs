//! Creating individual enrollments, up to ten a call.

use serde::Deserialize;
use serde_json::{Value, json};

use super::individuals::{NewIndividualEnrollment, WRITE};
use crate::azure::call::{Call, Path};
use crate::azure::dps::Dps;
use crate::azure::error::{ErrorKind, Result};
use crate::azure::lenient::or_default;
use crate::azure::pace::Scope;
use crate::ids::DeviceId;

/// How a bulk call went.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    is_successful: bool,
    #[serde(default, deserialize_with = "or_default")]
    errors: Vec<Refused>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    registration_id: Option<DeviceId>,
}

impl Answer {
    /// An error that names nobody may be anybody's.
    fn is_done(&self, id: &DeviceId) -> bool {
        let is_anothers =
            |refused: &Refused| refused.registration_id.as_ref().is_some_and(|one| !one.same_as(id.as_str()));
        self.is_successful || (!self.errors.is_empty() && self.errors.iter().all(is_anothers))
    }
}

impl Dps {
    /// The most enrollments that a bulk call takes.
    pub const BULK: usize = 10;

    /// Creates enrollments, 1 to [`Self::BULK`], and gives the ids of those that were. One that exists already is left as it
    /// is, and is not among them: reading and creating it by itself tells why it was not created.
    ///
    /// # Errors
    /// `Rejected` (nothing sent) for more than that; see [`crate::azure::AzureError`] for the rest.
    pub async fn create_individual_enrollments(&self, new: &[NewIndividualEnrollment]) -> Result<Vec<DeviceId>> {
        let bodies: Vec<Value> = new.iter().map(NewIndividualEnrollment::body).collect();
        let call = Call::post_once("create individual enrollments", Path::new("/enrollments"))
            .target(&self.host)
            .body(json!({ "mode": "create", "enrollments": bodies }));
        // Whether a bulk call counts as one is not documented.
        let more = u32::try_from(new.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let mut call = self.call(call, WRITE).pace(Scope::Dps(self.host.clone()), more);
        // The body of a bulk call says more than its status.
        call.bad_request_answers = true;
        if new.is_empty() || new.len() > Self::BULK {
            let message = "a bulk call takes 1 to 10 enrollments; nothing was sent";
            return Err(self.channel.error(&call, ErrorKind::Rejected, message));
        }
        let answer: Answer = self.channel.json(call).await?;
        Ok(new.iter().map(|new| &new.id).filter(|id| answer.is_done(id)).cloned().collect())
    }
}
