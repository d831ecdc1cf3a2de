//! Devices that are given up because they could not be reached.

use super::fixture;
use crate::migration::{FailReason, Outcome, WaitReason};
use crate::store::devices::fail_offline;

#[tokio::test]
async fn who_could_not_be_reached_is_given_up_and_who_waits_for_approval_is_not() {
    let f = fixture().await;
    let (id, other) = (f.migration("one").await, f.migration("other").await);
    f.add(id, "offline", Outcome::Waiting(WaitReason::Offline)).await;
    f.add(id, "unapproved", Outcome::Waiting(WaitReason::Approval)).await;
    f.add(id, "on-the-way", Outcome::Pending).await;
    f.add(other, "elsewhere", Outcome::Waiting(WaitReason::Offline)).await;
    for expected in [1, 0] {
        let mut tx = f.store.begin_write().await.expect("begins");
        assert_eq!(fail_offline(&mut tx, id).await.expect("settles"), expected);
        tx.commit().await.expect("commits");
    }
    assert_eq!(f.outcome(id, "offline").await, Outcome::Failed(FailReason::Offline));
    assert_eq!(f.outcome(id, "unapproved").await, Outcome::Waiting(WaitReason::Approval));
    assert_eq!(f.outcome(id, "on-the-way").await, Outcome::Pending);
    assert_eq!(f.outcome(other, "elsewhere").await, Outcome::Waiting(WaitReason::Offline));
}
