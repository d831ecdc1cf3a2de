//! Follow-ups: whom they take, whom they hang together with, and what a proven fail back says of the first.

use super::{Fixture, fixture};
use crate::migration::{FailReason, MigrationId, Outcome, Parent, Relation, SkipReason};
use crate::store::drafts;
use crate::store::follow_ups::{self, Chosen};

const OUTCOMES: [(&str, Outcome); 6] = [
    ("moved-1", Outcome::Moved),
    ("moved-2", Outcome::Moved),
    ("refused", Outcome::Failed(FailReason::Refused)),
    ("went-back", Outcome::WentBack),
    ("simulated", Outcome::Skipped(SkipReason::Simulated)),
    ("returned", Outcome::Returned),
];

impl Fixture {
    /// A migration with a device of each outcome.
    async fn first(&self) -> MigrationId {
        let id = self.migration("first").await;
        for (device, outcome) in OUTCOMES {
            self.add(id, device, Outcome::Pending).await;
            self.store.change_device(id, &device.into(), |row| row.outcome = outcome).await.expect("changes");
        }
        id
    }

    async fn follow(&self, key: &str, parent: MigrationId, relation: Relation, chosen: Chosen<'_>) -> MigrationId {
        let id = self.migration(key).await;
        let mut tx = self.store.begin_write().await.expect("begins");
        follow_ups::link(&mut tx, id, Parent { id: parent, relation }, chosen).await.expect("links");
        tx.commit().await.expect("commits");
        id
    }

    async fn chosen(&self, id: MigrationId) -> Vec<String> {
        let chosen = self.store.chosen_devices(id).await.expect("reads");
        chosen.into_iter().map(|id| id.to_string()).collect()
    }
}

#[tokio::test]
async fn a_follow_up_takes_what_its_kind_takes_and_of_that_what_was_chosen() {
    let f = fixture().await;
    let first = f.first().await;
    let rerun = f.follow("rerun", first, Relation::Rerun, Chosen::default()).await;
    assert_eq!(f.chosen(rerun).await, ["refused", "went-back"]);
    let back = f.follow("back", first, Relation::FailBack, Chosen::default()).await;
    assert_eq!(f.chosen(back).await, ["moved-1", "moved-2"]);
    let ids = ["moved-2".into(), "refused".into(), "nobody".into()];
    let some = Chosen { from: Some("Contoso-Fleet"), ids: Some(&ids) };
    let some = f.follow("some", first, Relation::FailBack, some).await;
    assert_eq!(f.chosen(some).await, ["moved-2"]);
    let elsewhere = Chosen { from: Some("another.azure-devices.net"), ids: None };
    let none = f.follow("none", first, Relation::FailBack, elsewhere).await;
    assert!(f.chosen(none).await.is_empty());
    for (device, outcome) in OUTCOMES {
        let taken = |chosen: &[String]| chosen.iter().any(|id| id == device);
        assert_eq!(taken(&f.chosen(rerun).await), Relation::Rerun.takes(outcome), "{device}");
        assert_eq!(taken(&f.chosen(back).await), Relation::FailBack.takes(outcome), "{device}");
    }
}

#[tokio::test]
async fn a_family_is_the_same_from_each_of_its_members() {
    let f = fixture().await;
    let (first, stranger) = (f.first().await, f.migration("stranger").await);
    let rerun = f.follow("rerun", first, Relation::Rerun, Chosen::default()).await;
    let again = f.follow("again", rerun, Relation::Rerun, Chosen::default()).await;
    let back = f.follow("back", first, Relation::FailBack, Chosen::default()).await;
    for member in [first, rerun, again, back] {
        let family: Vec<_> = f.store.family(member).await.expect("reads").into_iter().map(|one| one.id).collect();
        assert_eq!(family.len(), 4);
        assert!([first, rerun, again, back].iter().all(|id| family.contains(id)), "{family:?}");
        let mut tx = f.store.begin_write().await.expect("begins");
        assert_eq!(follow_ups::number_in_family(&mut tx, member, Relation::Rerun).await.expect("counts"), 2);
        assert_eq!(follow_ups::root_name(&mut tx, member).await.expect("reads"), "move first");
    }
    assert_eq!(f.store.family(stranger).await.expect("reads").len(), 1);
    let mut tx = f.store.begin_write().await.expect("begins");
    assert!(drafts::discard(&mut tx, back).await.expect("discards"));
    tx.commit().await.expect("commits");
    assert_eq!(f.store.family(first).await.expect("reads").len(), 3);
    assert!(f.chosen(back).await.is_empty());
}

#[tokio::test]
async fn a_proven_fail_back_is_said_by_the_migration_that_had_moved_the_device_and_a_rerun_changes_nothing_there() {
    let f = fixture().await;
    let first = f.first().await;
    let back = f.follow("back", first, Relation::FailBack, Chosen::default()).await;
    let rerun = f.follow("rerun", first, Relation::Rerun, Chosen::default()).await;
    for (child, device) in [(back, "moved-1"), (rerun, "refused")] {
        f.add(child, device, Outcome::Pending).await;
        f.store.change_device(child, &device.into(), |row| row.outcome = Outcome::Moved).await.expect("changes");
    }
    assert_eq!(f.outcome(first, "moved-1").await, Outcome::Returned);
    assert_eq!(f.outcome(first, "moved-2").await, Outcome::Moved);
    assert_eq!(f.outcome(first, "refused").await, Outcome::Failed(FailReason::Refused));
    // Who has moved by a rerun is not taken up once more.
    assert_eq!(f.store.to_rerun(first).await.expect("counts"), 1);
    let again = f.follow("again", first, Relation::Rerun, Chosen::default()).await;
    assert_eq!(f.chosen(again).await, ["went-back"]);
}

#[tokio::test]
async fn a_device_that_goes_back_is_in_no_migration_that_would_bring_it_again() {
    let f = fixture().await;
    let first = f.first().await;
    let back = f.follow("back", first, Relation::FailBack, Chosen::default()).await;
    // It leaves the hub for the application that it came from.
    sqlx::query("update migrations set plan = json_set(plan, '$.target', json('{\"subdomain\": \"contoso-fleet\"}')) where id = ?")
        .bind(back.to_string())
        .execute(&f.store.pool)
        .await
        .expect("changes");
    let found = super::Found {
        id: "moved-1".into(),
        display_name: None,
        organizations: Vec::new(),
        unassigned: false,
        outcome: Outcome::Pending,
        joined_later: false,
    };
    let mut tx = f.store.begin_write().await.expect("begins");
    super::devices::insert(&mut tx, back, "hub.azure-devices.net", &found).await.expect("inserts");
    tx.commit().await.expect("commits");
    let again = f.migration("again").await;
    f.add(again, "moved-1", Outcome::Pending).await;
    assert_eq!(f.outcome(again, "moved-1").await, Outcome::Skipped(SkipReason::BeingMoved));
    f.add(again, "moved-2", Outcome::Pending).await;
    assert_eq!(f.outcome(again, "moved-2").await, Outcome::Pending);
}
