//! Clean-ups: what may be started, and what follows from what became of a device.

use time::Duration;

use super::{Fixture, NOW, fixture};
use crate::ids::PersonId;
use crate::migration::clean_up::judge::Settled;
use crate::migration::clean_up::{CleanUpId, CleanUpState, Fate, KeepReason, Soak};
use crate::migration::device::Fact;
use crate::migration::model::{Actor, MigrationState};
use crate::migration::{MigrationId, Outcome};
use crate::store::clean_ups::{self, NewCleanUp};
use crate::store::{StoreError, enrollments, migrations, removals};

fn ada() -> Actor {
    Actor { id: PersonId { tid: "t".into(), oid: "ada".into() }, name: "Ada".into() }
}

impl Fixture {
    /// A migration that ended, with a device that was proven so many hours ago.
    async fn moved(&self, key: &str, device: &str, hours: i64) -> MigrationId {
        let id = self.migration(key).await;
        self.add(id, device, Outcome::Pending).await;
        let proof = Fact { at: NOW - Duration::hours(hours), evidence: "the hub shows it connected".into() };
        let change = |row: &mut crate::migration::Device| {
            row.outcome = Outcome::Moved;
            row.facts.connected = Some(proof);
        };
        self.store.change_device(id, &device.into(), change).await.expect("changes");
        let mut tx = self.store.begin_write().await.expect("begins");
        migrations::set_state(&mut tx, id, &MigrationState::Completed, NOW).await.expect("ends");
        tx.commit().await.expect("commits");
        id
    }

    async fn group(&self, id: MigrationId, made_by_us: bool) {
        let mut tx = self.store.begin_write().await.expect("begins");
        let (source, target) = ("keys".into(), "iotc-keys".into());
        enrollments::record(&mut tx, id, &source, &target, made_by_us, true, NOW).await.expect("records");
        tx.commit().await.expect("commits");
    }

    async fn set_clean_up(&self, run: CleanUpId, state: CleanUpState) {
        let mut tx = self.store.begin_write().await.expect("begins");
        let clean_up = clean_ups::lookup(&mut tx, run).await.expect("reads").expect("is there");
        clean_ups::set_state(&mut tx, &clean_up, &state, "Ada", "said", NOW).await.expect("sets");
        tx.commit().await.expect("commits");
    }

    async fn clean_up(&self, key: &str, migration: MigrationId) -> Result<CleanUpId, StoreError> {
        let mut tx = self.store.begin_write().await?;
        let new = NewCleanUp { request_key: key, migration, by: &ada(), soak: Soak::DEFAULT };
        let id = clean_ups::insert(&mut tx, &new, NOW).await?;
        removals::choose_all(&mut tx, id, migration, Soak::DEFAULT, NOW).await?;
        tx.commit().await?;
        Ok(id)
    }
}

#[tokio::test]
async fn all_that_qualify_are_moved_soaked_and_free() {
    let fixture = fixture().await;
    let id = fixture.moved("one", "old", 30).await;
    for (device, outcome) in [("failed", Outcome::WentBack), ("recent", Outcome::Moved), ("held", Outcome::Moved)] {
        fixture.add(id, device, Outcome::Pending).await;
        let hours = if device == "recent" { 1 } else { 30 };
        let proof = Fact { at: NOW - Duration::hours(hours), evidence: String::new() };
        let change = |row: &mut crate::migration::Device| {
            row.outcome = outcome;
            row.facts.connected = Some(proof);
        };
        fixture.store.change_device(id, &device.into(), change).await.expect("changes");
    }
    let other = fixture.migration("two").await;
    fixture.add(other, "held", Outcome::Pending).await;
    let preview = fixture.store.removable(id, Soak::DEFAULT, NOW).await.expect("reads");
    let told = (preview.ready, preview.soaking, preview.held, preview.not_moved, preview.removed);
    assert_eq!(told, (1, 1, 1, 1, 0));
    assert_eq!(preview.last_proof, Some(NOW - Duration::hours(1)));
    let run = fixture.clean_up("a", id).await.expect("is made");
    let chosen = fixture.store.removals_to_do(run, 9).await.expect("reads");
    assert_eq!(chosen.iter().map(|removal| removal.device.as_str()).collect::<Vec<_>>(), ["old"]);
    assert!(fixture.clean_up("b", id).await.is_err(), "one at a time");
}

#[tokio::test]
async fn a_removal_is_started_only_while_it_is_wanted_and_the_device_is_free() {
    let fixture = fixture().await;
    let id = fixture.moved("one", "sn-1", 30).await;
    let run = fixture.clean_up("a", id).await.expect("is made");
    let start = || async { fixture.store.start_removal(run, &"sn-1".into(), "it is alive", NOW).await.expect("asks") };
    let back = fixture.migration("back").await;
    fixture.add(back, "sn-1", Outcome::Pending).await;
    assert!(!start().await, "a migration has taken it up");
    let mut tx = fixture.store.begin_write().await.expect("begins");
    migrations::set_state(&mut tx, back, &MigrationState::Stopped, NOW).await.expect("ends");
    tx.commit().await.expect("commits");
    fixture.set_clean_up(run, CleanUpState::Stopped).await;
    assert!(!start().await, "it was stopped");
    fixture.set_clean_up(run, CleanUpState::Running).await;
    assert!(start().await);
    assert!(!start().await, "once");
    fixture.set_clean_up(run, CleanUpState::Stopped).await;
    assert_eq!(fixture.store.active_clean_ups().await.expect("reads"), [run], "what was started has to be settled");
    let kept = Settled::kept(KeepReason::Stopped);
    fixture.store.settle_removal(run, &"sn-1".into(), &kept, NOW).await.expect("settles");
    assert!(fixture.store.active_clean_ups().await.expect("reads").is_empty());
}

#[tokio::test]
async fn what_is_away_is_so_in_every_migration_that_knows_it_in_that_source() {
    let fixture = fixture().await;
    let first = fixture.moved("one", "sn-1", 50).await;
    let again = fixture.moved("two", "sn-1", 30).await;
    let run = fixture.clean_up("a", again).await.expect("is made");
    assert!(fixture.store.start_removal(run, &"sn-1".into(), "it is alive", NOW).await.expect("starts"));
    let removed = Settled { fate: Fate::Removed, detail: None };
    fixture.store.settle_removal(run, &"sn-1".into(), &removed, NOW).await.expect("settles");
    for id in [first, again] {
        let device = fixture.store.device(id, &"sn-1".into()).await.expect("reads").expect("is there");
        assert_eq!(device.removed_at.map(|at| at.unix_timestamp()), Some(NOW.unix_timestamp()));
    }
    assert_eq!(fixture.store.removable(first, Soak::DEFAULT, NOW).await.expect("reads").removed, 1);
    let since = NOW - Duration::hours(24);
    assert_eq!(fixture.store.clean_ups_to_look_after(since).await.expect("reads"), [run]);
    assert_eq!(fixture.store.removed_since(run, since).await.expect("reads").len(), 1);
    assert!(fixture.store.removed_since(run, NOW + Duration::SECOND).await.expect("reads").is_empty());
}

#[tokio::test]
async fn a_person_whose_rights_a_clean_up_uses_is_still_needed() {
    let fixture = fixture().await;
    let id = fixture.moved("one", "sn-1", 30).await;
    assert!(fixture.store.active_runs(&ada().id).await.expect("reads").is_empty());
    fixture.clean_up("a", id).await.expect("is made");
    assert_eq!(fixture.store.active_runs(&ada().id).await.expect("reads"), ["move one"]);
}

#[tokio::test]
async fn a_group_is_needed_by_whoever_names_it_and_by_whoever_may_go_back() {
    let fixture = fixture().await;
    let id = fixture.migration("one").await;
    fixture.group(id, true).await;
    let needed = || async {
        let made = fixture.store.made_groups(id).await.expect("reads");
        made.first().map(|group| (group.named_by.clone(), group.devices))
    };
    assert_eq!(needed().await, Some((None, 0)));
    let other = fixture.moved("two", "sn-1", 30).await;
    fixture.group(other, false).await;
    assert_eq!(needed().await, Some((None, 1)));
    let mut tx = fixture.store.begin_write().await.expect("begins");
    migrations::set_state(&mut tx, other, &MigrationState::Waiting, NOW).await.expect("sets");
    tx.commit().await.expect("commits");
    assert_eq!(needed().await, Some((Some("move two".to_owned()), 1)));
    let mut tx = fixture.store.begin_write().await.expect("begins");
    crate::store::made_groups::removed(&mut tx, id, &"iotc-keys".into(), "Ada", NOW).await.expect("notes");
    tx.commit().await.expect("commits");
    assert_eq!(needed().await, None);
}
