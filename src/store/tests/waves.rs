//! Waves: who is in which, who may be told, and what a person accepted.

use super::{Fixture, NOW, fixture};
use crate::migration::waves::Course;
use crate::migration::{CommandState, Device, FailReason, MigrationId, Outcome, Via, WaitReason};
use crate::store::devices::{self, accept_failures, note_end, release, reopen_unanswered};

impl Fixture {
    /// A device that is cleared to move, changed.
    async fn cleared(&self, id: MigrationId, device: &str, change: impl FnOnce(&mut Device) + Send) {
        self.add(id, device, Outcome::Pending).await;
        let change = |row: &mut Device| {
            row.cleared = true;
            change(row);
        };
        self.store.change_device(id, &device.into(), change).await.expect("writes").expect("a row");
    }

    async fn let_begin(&self, id: MigrationId, wave: u32, size: u64) {
        let mut tx = self.store.begin_write().await.expect("begins");
        release(&mut tx, id, wave, size).await.expect("writes");
        tx.commit().await.expect("commits");
    }

    async fn due(&self, id: MigrationId, in_waves: bool) -> Vec<String> {
        let due = self.store.devices_due(id, in_waves, NOW, 100).await.expect("reads");
        due.into_iter().map(|device| device.id.to_string()).collect()
    }

    async fn where_waves_are(&self, id: MigrationId) -> Course {
        self.store.course(id).await.expect("reads")
    }
}

#[tokio::test]
async fn only_whose_wave_has_begun_may_be_told_and_each_is_of_one_wave() {
    let f = fixture().await;
    let id = f.migration("key").await;
    for device in ["b", "c", "d", "e"] {
        f.cleared(id, device, |_| {}).await;
    }
    f.cleared(id, "a", |row| (row.outcome, row.wave) = (Outcome::Moved, Some(0))).await;
    f.cleared(id, "not-cleared", |row| row.cleared = false).await;
    f.cleared(id, "skipped", |row| row.outcome = Outcome::Failed(FailReason::KeyConflict)).await;
    let canary_to_be = |row: &mut Device| {
        (row.outcome, row.command) = (Outcome::Waiting(WaitReason::Offline), CommandState::Unreachable);
        (row.wave, row.next_try_at) = (Some(0), Some(NOW));
    };
    f.cleared(id, "was-tried-as-canary", canary_to_be).await;
    assert_eq!(f.due(id, false).await, ["was-tried-as-canary", "b", "c", "d", "e"], "all at once");
    assert_eq!(f.due(id, true).await, ["was-tried-as-canary"]);
    assert_eq!((f.where_waves_are(id).await.last(), f.where_waves_are(id).await.left), (0, 4));

    f.let_begin(id, 1, 1).await;
    f.let_begin(id, 2, 2).await;
    assert_eq!(f.due(id, true).await, ["was-tried-as-canary", "b", "c", "d"]);
    f.let_begin(id, 3, 100).await;
    f.let_begin(id, 4, 100).await;
    let course = f.where_waves_are(id).await;
    let sizes: Vec<(u32, u64)> = course.waves.iter().map(|wave| (wave.number, wave.counts.total())).collect();
    assert_eq!((sizes.as_slice(), course.left), ([(1, 1), (2, 2), (3, 1)].as_slice(), 0));
}

#[tokio::test]
async fn those_that_the_target_knew_before_are_of_the_last_wave() {
    let f = fixture().await;
    let id = f.migration("key").await;
    let known = |row: &mut Device| {
        row.baseline.app = Some(crate::migration::app_evidence::AppSeen {
            provisioned: true,
            enabled: true,
            simulated: false,
            template: None,
            newest: None,
        });
    };
    f.cleared(id, "a", known).await;
    f.cleared(id, "b", |_| {}).await;
    f.let_begin(id, 1, 1).await;
    assert_eq!(f.due(id, true).await, ["b"], "in the order in which devices are told");
}

#[tokio::test]
async fn failures_of_a_wave_are_told_from_devices_that_could_not_be_reached() {
    let f = fixture().await;
    let id = f.migration("key").await;
    let outcomes = [
        Outcome::Moved,
        Outcome::WentBack,
        Outcome::Failed(FailReason::Refused),
        Outcome::Failed(FailReason::Offline),
        Outcome::Waiting(WaitReason::Offline),
        Outcome::Pending,
    ];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        f.cleared(id, &format!("of-wave-1-{number}"), |row| (row.outcome, row.wave) = (outcome, Some(1))).await;
    }
    let course = f.where_waves_are(id).await;
    let [wave] = course.waves.as_slice() else { panic!("{course:?}") };
    let counts = wave.counts;
    assert_eq!((counts.total(), counts.moved, counts.failed, counts.went_back), (6, 1, 2, 1));
    assert_eq!((wave.failures, counts.waiting, counts.pending), (2, 1, 1));
}

#[tokio::test]
async fn what_was_accepted_and_noted_stays_so() {
    let f = fixture().await;
    let (id, other) = (f.migration("key").await, f.migration("other").await);
    f.cleared(id, "a", |row| row.wave = Some(2)).await;
    let mut tx = f.store.begin_write().await.expect("begins");
    assert_eq!(accept_failures(&mut tx, id).await.expect("writes"), 2);
    note_end(&mut tx, id, 2).await.expect("writes");
    note_end(&mut tx, id, 1).await.expect("writes");
    assert_eq!(devices::course(&mut tx, id).await.expect("reads").noted, 2);
    tx.commit().await.expect("commits");
    let course = f.where_waves_are(id).await;
    assert_eq!((course.accepted, course.noted), (2, 2));
    assert_eq!(f.where_waves_are(other).await, Course::default());
}

#[tokio::test]
async fn a_candidate_that_was_never_told_waits_for_its_wave_and_others_keep_theirs() {
    let f = fixture().await;
    let id = f.migration("key").await;
    let undelivered = |wave| {
        move |row: &mut Device| {
            (row.outcome, row.wave, row.via) =
                (Outcome::Failed(FailReason::CommandRefused), Some(wave), Some(Via::Single));
        }
    };
    f.cleared(id, "candidate", undelivered(0)).await;
    f.cleared(id, "of-wave-1", undelivered(1)).await;
    let mut tx = f.store.begin_write().await.expect("begins");
    assert_eq!(reopen_unanswered(&mut tx, id, NOW).await.expect("writes"), 2);
    tx.commit().await.expect("commits");
    assert_eq!((f.due(id, true).await, f.where_waves_are(id).await.left), (vec!["of-wave-1".to_owned()], 1));
}
