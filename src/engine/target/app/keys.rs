//! The enrollment groups of an application that devices go to: which keys they have, and how a new one is made.

use super::AtApp;
use crate::azure::central::{CentralAttestation, CertificateEntry, NewCentralEnrollmentGroup, NewX509Group};
use crate::azure::error::AzureError;
use crate::azure::x509::CertificateDer;
use crate::engine::certificates::Supplied;
use crate::engine::keys::{NewGroup, made_id};
use crate::engine::source::app::keys::as_source;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::{SourceGroup, TargetGroup, Thumbprint};

/// The application's groups, with digests of their keys.
pub(in crate::engine) async fn groups(at: &AtApp) -> Result<Vec<TargetGroup>, AzureError> {
    let mut groups: Vec<TargetGroup> = Vec::new();
    for group in at.central.enrollment_groups().await? {
        // A list that changes while it is read can show a group on two pages.
        if groups.iter().any(|known| known.id == group.id) {
            continue;
        }
        let unverified = match &group.attestation {
            CentralAttestation::X509 { unverified, .. } => unverified.iter().map(|one| Thumbprint::new(one)).collect(),
            _ => Vec::new(),
        };
        let SourceGroup { id, enabled, edge, keys, certificates, .. } = as_source(&group);
        groups.push(TargetGroup { id, enabled, edge, keys, certificates, unverified, leads_to: Vec::new() });
    }
    Ok(groups)
}

/// Makes a group with these keys, unless one of that id is there; `from` is the application that they are of. False: it is
/// there. A group is looked for first, because it is not documented that an application refuses to replace one, and that
/// would cut off the devices that use it.
pub(in crate::engine) async fn create(
    at: &AtApp,
    id: &EnrollmentGroupId,
    new: &NewGroup<'_>,
    from: &str,
) -> Result<bool, AzureError> {
    let keys = match new {
        NewGroup::Keys(keys) => keys,
        NewGroup::Certificates { name, primary, secondary } => {
            let new = NewX509Group { id: id.clone(), display_name: format!("{name} of {from}") };
            return create_x509(at, &new, [Some(primary), secondary.as_ref()]).await;
        }
    };
    if at.central.enrollment_group(id).await?.is_some() {
        return Ok(false);
    }
    let new = NewCentralEnrollmentGroup {
        id: id.clone(),
        display_name: format!("{} of {from}", keys.name),
        primary: keys.primary.clone(),
        secondary: keys.secondary.clone(),
    };
    at.central.create_enrollment_group(&new).await.map(|_| true)
}

/// Makes a group and gives it its certificates, or completes one of that id: a group without any trusts nobody.
async fn create_x509(at: &AtApp, new: &NewX509Group, trust: [Option<&&Supplied>; 2]) -> Result<bool, AzureError> {
    let mut made = false;
    if at.central.enrollment_group(&new.id).await?.is_none() {
        at.central.create_x509_group(new).await?;
        made = true;
    }
    for (entry, supplied) in [CertificateEntry::Primary, CertificateEntry::Secondary].into_iter().zip(trust) {
        let Some(supplied) = supplied else { continue };
        if at.central.group_certificate(&new.id, entry).await?.is_none() {
            let certificate = CertificateDer::new(supplied.der.clone());
            at.central.put_group_certificate(&new.id, entry, &certificate).await?;
            made = true;
        }
    }
    Ok(made)
}

/// The id of the group that is made for a source group. An application allows letters, digits and hyphens.
pub(in crate::engine) fn planned_id(from: &str, group: &EnrollmentGroupId) -> EnrollmentGroupId {
    made_id(&format!("iotc-{from}-{group}"), &format!("{from}/{group}"), |c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_id_is_legal_in_an_application_and_stable() {
        let id = |group: &str| planned_id("contoso-fleet", &group.into());
        assert_eq!(id("SAS_IoT Devices.é"), id("SAS_IoT Devices.é"));
        assert_ne!(id("a.b"), id("a-b"), "what becomes a hyphen stays told apart");
        for name in ["SAS_IoT Devices.é", "x", &"y".repeat(200)] {
            let id = id(name);
            assert!(id.as_str().len() <= 128, "{id}");
            assert!(id.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{id}");
        }
    }
}
