//! Certificates of X.509 groups: no service gives them back, so that a person supplies them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::page::{Found, Said, show_again, taking_keys};
use crate::engine::{KeysView, SupplyError};
use crate::identity::SignedInUser;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::{Obstacle, Standing};
use crate::web::actor::actor;
use crate::web::components::{Field, Kind};
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::paths;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// A certificate for a group.
#[derive(Debug, Deserialize)]
pub(super) struct Supply {
    group: String,
    certificate: String,
}

/// A group that waits for a certificate.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) group: String,
    pub(super) name: String,
    /// Of the certificate that is missing.
    pub(super) thumbprint: String,
    pub(super) field: Field,
}

/// What is wrong with a certificate that was given.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    group: String,
    words: Option<String>,
}

impl Unfit {
    pub(super) fn is_something(&self) -> bool {
        self.words.is_some()
    }
}

/// The groups that wait for certificates.
pub(super) fn needed(view: &KeysView, unfit: &Unfit) -> Vec<Needed> {
    let mut all = Vec::new();
    for (number, covered) in view.coverage.groups.iter().enumerate() {
        let Standing::Blocked(Obstacle::CertificateNeeded(thumbprint)) = &covered.standing else { continue };
        let (id, name) = (covered.source.id.to_string(), covered.source.name.clone());
        let error = unfit.words.clone().filter(|_| unfit.group == id);
        let field = Field {
            id: format!("certificate-{number}"),
            error,
            hint: Some("PEM, as in a .pem file; or what is in a .cer file, in base64. Never its private key.".into()),
            ..Field::new("certificate", &format!("Certificate of {name}"))
        };
        all.push(Needed { group: id, name, thumbprint: thumbprint.in_fours(), field });
    }
    all
}

/// *Add certificate*.
pub(super) async fn add(
    State(web): State<Web>,
    user: SignedInUser,
    shell: Shell,
    session: Session,
    Path(id): Path<String>,
    Verified(supply): Verified<Supply>,
) -> Result<Response, PageError> {
    let migration = match taking_keys(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let group = EnrollmentGroupId::new(supply.group);
    let supplied =
        web.engine.supply_certificate(migration.id, &actor(&user.person), &group, supply.certificate.as_bytes()).await;
    let said = match supplied {
        Ok(()) => Flash::new(Kind::Success, format!("The certificate of {group} is added.")),
        Err(error) => match not_taken(error)? {
            NotTaken::Now(said) => said,
            NotTaken::AsItIs(words) => {
                let unfit = Unfit { group: group.to_string(), words: Some(words) };
                let said = Said { unfit, ..Said::default() };
                return show_again(&web, &user.person, shell, &migration, said).await;
            }
        },
    };
    flash::leave(&session, said).await?;
    Ok(Redirect::to(&paths::keys(&id)).into_response())
}

/// Why certificates were not taken.
pub(super) enum NotTaken {
    /// Another time they may be.
    Now(Flash),
    /// They will not do; says why.
    AsItIs(String),
}

/// Says why, to whoever supplied certificates of a group or of devices.
pub(super) fn not_taken(error: SupplyError) -> Result<NotTaken, PageError> {
    Ok(match error {
        SupplyError::NotFound => return Err(PageError::NotFound),
        SupplyError::Store(error) => return Err(error.into()),
        SupplyError::NotNow(words) => NotTaken::Now(Flash::new(Kind::Info, words)),
        SupplyError::Azure(error) => NotTaken::Now(Flash {
            remedy: error.hint.clone().unwrap_or_else(|| "Mend the cause, then try again.".into()),
            ..Flash::new(Kind::Error, format!("Nothing was kept: it could not be held against the source. {error}"))
        }),
        error @ (SupplyError::Unfit(_) | SupplyError::Foreign(_)) => NotTaken::AsItIs(error.to_string()),
    })
}
