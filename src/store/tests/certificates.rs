//! Certificates of devices, and the devices that come back for them.

use super::fixture;
use crate::ids::DeviceId;
use crate::migration::{Outcome, OwnKeys, SkipReason};
use crate::store::device_certificates;
use crate::store::devices::reopen_certified;

#[tokio::test]
async fn a_device_comes_back_for_its_certificate_once_whatever_the_case_of_its_id() {
    let f = fixture().await;
    let (id, other) = (f.migration("key").await, f.migration("other").await);
    f.add(id, "Dev-1", Outcome::Skipped(SkipReason::CertificateNeeded)).await;
    f.add(id, "dev-2", Outcome::Skipped(SkipReason::Tpm)).await;
    f.add(id, "dev-3", Outcome::Skipped(SkipReason::CertificateNeeded)).await;
    f.add(other, "dev-3", Outcome::Pending).await;
    let mut tx = f.store.begin_write().await.expect("begins");
    for (device, der) in [("dev-1", [1]), ("DEV-1", [1]), ("dev-1", [2])] {
        let thumbprint = format!("{der:?}");
        device_certificates::keep(&mut tx, id, &device.into(), &thumbprint, &der).await.expect("keeps");
    }
    assert!(reopen_certified(&mut tx, id, &"dev-1".into()).await.expect("opens"));
    for not in ["dev-1", "dev-2", "dev-3", "dev-4"] {
        assert!(!reopen_certified(&mut tx, id, &not.into()).await.expect("looks"), "{not}");
    }
    tx.commit().await.expect("commits");
    let row = f.store.device(id, &"Dev-1".into()).await.expect("reads").expect("a row");
    assert_eq!((row.outcome, row.cleared, row.own_keys), (Outcome::Pending, true, Some(OwnKeys::Due)));
    assert_eq!(f.store.device_certificates(id, &"Dev-1".into()).await.expect("reads"), [vec![1], vec![2]]);
    assert_eq!(f.store.certified_devices(id).await.expect("reads"), [DeviceId::new("dev-1")]);
    assert!(f.store.certified_devices(other).await.expect("reads").is_empty());
}
