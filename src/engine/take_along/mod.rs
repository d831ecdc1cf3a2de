//! Takes along how an application is set up, for whoever has to set it up again elsewhere: everything that its API lists,
//! as JSON in one zip, without secrets, and a list of what has no API.
//!
//! Promises: it only reads, with the rights of whoever asks; all pages of every family are read; a family that this person
//! may not see, or that the application does not have, is named and does not keep the others; any other trouble ends it
//! without a zip, so that half a list is never taken for a whole one.

mod archive;
mod by_hand;
mod readme;
mod secrets;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::Value;

use super::Engine;
use crate::azure::central::{Central, Family};
use crate::azure::error::{AzureError, ErrorKind};
use crate::clock::Timestamp;
use crate::ids::{JobId, PersonId, Subdomain};
use crate::store::people::Person;

pub use archive::ArchiveError;
pub use by_hand::{BY_HAND, ByHand, NOT_TAKEN};
pub use words::Words;

/// Families, or jobs, read at once; the client paces the calls.
const AT_ONCE: usize = 4;

/// A zip to download.
#[derive(Debug)]
pub struct TakenAlong {
    /// `contoso-take-along-2026-11-26.zip`.
    pub file_name: String,
    /// Its bytes.
    pub zip: Vec<u8>,
}

/// A family on its first page.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which.
    pub family: Family,
    /// How many were on the page, or why there is none.
    pub found: Result<Found, AzureError>,
}

/// How much of a family is on its first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// So many.
    pub count: usize,
    /// There are more pages.
    pub more: bool,
}

/// Everything that was read of an application, secrets included: to be packed, which leaves them out.
pub struct Luggage {
    app: Subdomain,
    /// The application's host.
    host: String,
    read_at: Timestamp,
    person: Person,
    families: Vec<(Family, Result<Vec<Value>, AzureError>)>,
    /// Jobs whose progress could not be read.
    without_progress: usize,
}

impl fmt::Debug for Luggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Luggage").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Luggage {
    /// Leaves out the secrets and makes a zip of the rest.
    ///
    /// # Errors
    /// The zip cannot be written.
    pub async fn pack(self) -> Result<TakenAlong, ArchiveError> {
        let day = self.read_at.to_offset(time::UtcOffset::UTC).date();
        let file_name = format!("{}-take-along-{day}.zip", self.app.as_str().to_ascii_lowercase());
        // A large application would keep others waiting.
        let zip = tokio::task::spawn_blocking(move || archive::pack(self)).await??;
        Ok(TakenAlong { file_name, zip })
    }
}

/// A file of the zip, with what has to be said of it.
struct File {
    family: Family,
    count: usize,
    /// Fields that were left out.
    left_out: BTreeSet<String>,
    json: Vec<u8>,
}

impl Engine {
    /// Looks at the first page of every family, with the rights of `person`.
    ///
    /// # Errors
    /// The application does not answer, or shows this person nothing at all.
    pub async fn look_along(&self, person: &PersonId, app: &Subdomain) -> Result<Vec<Seen>, AzureError> {
        let central = self.inner.azure.central(self.inner.people.tokens(person), app)?;
        let look = |family| {
            let page = central.family_page(family, None).boxed();
            page.map(|page| page.map(|page| Found { count: page.items.len(), more: page.next.is_some() })).boxed()
        };
        let seen = of_every_family(look).await?;
        Ok(seen.into_iter().map(|(family, found)| Seen { family, found }).collect())
    }

    /// Reads everything, with the rights of `person`.
    ///
    /// # Errors
    /// The application does not answer, or shows this person nothing at all.
    pub async fn take_along(&self, person: &Person, app: &Subdomain) -> Result<Luggage, AzureError> {
        let central = self.inner.azure.central(self.inner.people.tokens(&person.id), app)?;
        let mut families = of_every_family(|family| central.family(family).boxed()).await?;
        let mut without_progress = 0;
        for (_, found) in families.iter_mut().filter(|(family, _)| *family == Family::Jobs) {
            if let Ok(jobs) = found {
                without_progress = add_progress(&central, jobs).await;
            }
        }
        Ok(Luggage {
            app: app.clone(),
            host: central.host().to_owned(),
            read_at: self.inner.clock.now(),
            person: person.clone(),
            families,
            without_progress,
        })
    }
}

/// Asks for every family. Fails at the first trouble that is not of one family alone, or if there is not one to be had.
async fn of_every_family<'a, T>(
    ask: impl Fn(Family) -> BoxFuture<'a, Result<T, AzureError>>,
) -> Result<Vec<(Family, Result<T, AzureError>)>, AzureError> {
    let questions = Family::ALL.map(|family| ask(family).map(move |answer| (family, answer)));
    let mut answers = stream::iter(questions).buffered(AT_ONCE);
    let mut all = Vec::with_capacity(Family::ALL.len());
    while let Some((family, answer)) = answers.next().await {
        match answer {
            Err(error) if !is_of_one_family(&error) => return Err(error),
            answer => all.push((family, answer)),
        }
    }
    let refused = all.iter().find_map(|(_, answer)| answer.as_ref().err()).cloned();
    match refused {
        Some(error) if all.iter().all(|(_, answer)| answer.is_err()) => Err(error),
        _ => Ok(all),
    }
}

/// A role that does not reach so far, or a version of the API that the application does not have.
fn is_of_one_family(error: &AzureError) -> bool {
    matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Malformed)
}

/// Lists of jobs may lack their progress; gives how many still do.
async fn add_progress(central: &Central, jobs: &mut [Value]) -> usize {
    let ids: Vec<_> = jobs.iter().map(|job| JobId::from(job["id"].as_str().unwrap_or_default())).collect();
    let questions: Vec<_> = ids.iter().map(|id| central.shown_job(id).boxed()).collect();
    let shown: Vec<_> = stream::iter(questions).buffered(AT_ONCE).collect().await;
    for (job, shown) in jobs.iter_mut().zip(shown) {
        // What the list has of a job is kept if there is no more to be had.
        if let Ok(Some(shown)) = shown {
            *job = shown;
        }
    }
    jobs.iter().filter(|job| job["progress"].is_null()).count()
}
