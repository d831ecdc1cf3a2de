//! What the tables promise, on a database in a temporary directory.

mod certificates;
mod clean_up;
mod follow_ups;
mod job_turns;
mod offline;
mod waves;

use time::macros::datetime;

use super::devices::{self, DeviceFilter, Found, fail_waiting};
use super::migrations::{self, NewMigration};
use super::{Store, jobs};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, PersonId};
use crate::migration::device::Fact;
use crate::migration::evidence::{RecordSeen, TwinSeen};
use crate::migration::model::{Actor, CentralSource, HubTarget, MigrationState, Mode, Plan, Source, StepState, Target};
use crate::migration::{
    AnswersBefore, CommandState, FailReason, MigrationId, Outcome, Place, SkipReason, Via, WaitReason,
};

const NOW: Timestamp = datetime!(2026-01-01 10:00:00.1234567 UTC);

struct Fixture {
    store: Store,
    _dir: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let dir = tempfile::TempDir::new().expect("a directory");
    let store = Store::open(&dir.path().join("test.db")).await.expect("opens");
    Fixture { store, _dir: dir }
}

fn plan() -> Plan {
    Plan {
        source: Source::App(CentralSource {
            app_id: None,
            app_name: "contoso-fleet".into(),
            app_display_name: "Contoso fleet".into(),
            subdomain: "contoso-fleet".into(),
            group: Some("g".into()),
            group_name: "Boilers".into(),
            template: Some("dtmi:t;1".into()),
            template_name: "Boiler".into(),
            component: Some("migration".into()),
        }),
        target: Target::Hub(HubTarget {
            dps_id: "/dps".into(),
            dps_name: "dps".into(),
            dps_host: "dps.azure-devices-provisioning.net".into(),
            id_scope: "0ne1".into(),
            hub_id: "/hub".into(),
            hub_name: "hub".into(),
            hub_host: "hub.azure-devices.net".into(),
            hub_sku: "S1".into(),
            hub_units: 1,
        }),
        register_on_arrival: false,
        carry_individual: false,
        tell_unassigned: false,
        carry: crate::migration::model::Carry::Few,
        waves: None,
        try_again: crate::migration::TryAgain::default(),
        canary: None,
        arrival_minutes: 10,
    }
}

impl Fixture {
    async fn migration(&self, key: &str) -> MigrationId {
        let by = Actor { id: PersonId { tid: "t".into(), oid: "ada".into() }, name: "Ada".into() };
        let new = NewMigration {
            request_key: key.into(),
            name: format!("move {key}"),
            mode: Mode::CentralToHub,
            plan: plan(),
            by,
        };
        // Ids are ordered by the millisecond.
        let (before, _) = self.store.migrations_version(&"t".into()).await.expect("counts");
        let at = NOW + std::time::Duration::from_millis(before);
        let mut tx = self.store.begin_write().await.expect("begins");
        let id = migrations::insert_once(&mut tx, &new, at).await.expect("inserts");
        tx.commit().await.expect("commits");
        id
    }

    async fn add(&self, id: MigrationId, device: &str, outcome: Outcome) {
        let found = Found {
            id: device.into(),
            display_name: Some(format!("Boiler {device}")),
            organizations: Vec::new(),
            unassigned: false,
            outcome,
            joined_later: false,
        };
        let mut tx = self.store.begin_write().await.expect("begins");
        devices::insert(&mut tx, id, "contoso-fleet", &found).await.expect("inserts");
        tx.commit().await.expect("commits");
    }

    async fn outcome(&self, id: MigrationId, device: &str) -> Outcome {
        self.store.device(id, &device.into()).await.expect("reads").expect("a row").outcome
    }
}

#[tokio::test]
async fn the_same_form_sent_twice_makes_one_migration() {
    let f = fixture().await;
    let first = f.migration("key").await;
    assert_eq!(first, f.migration("key").await);
    assert_ne!(first, f.migration("other").await);
    assert_eq!(f.store.migrations(&"t".into(), 10, 0).await.expect("lists").len(), 2);
    assert!(f.store.migrations(&"another tenant".into(), 10, 0).await.expect("lists").is_empty());
    assert_eq!(f.store.steps(first).await.expect("steps").len(), 6);
    assert_eq!(f.store.migration(first).await.expect("reads").expect("is there").plan, plan());
}

#[tokio::test]
async fn a_device_is_in_one_active_migration_only() {
    let f = fixture().await;
    let (one, two) = (f.migration("one").await, f.migration("two").await);
    f.add(one, "d1", Outcome::Pending).await;
    f.add(two, "d1", Outcome::Pending).await;
    assert_eq!(f.outcome(two, "d1").await, Outcome::Skipped(SkipReason::BeingMoved));
    let detail = f.store.device(two, &"d1".into()).await.expect("reads").expect("a row").detail;
    assert_eq!(detail.as_deref(), Some("being moved by “move one”"));
    f.store.change_device(one, &"d1".into(), |row| row.outcome = Outcome::Moved).await.expect("changes");
    let three = f.migration("three").await;
    f.add(three, "d1", Outcome::Pending).await;
    assert_eq!(f.outcome(three, "d1").await, Outcome::Pending);
}

#[tokio::test]
async fn an_ended_migration_holds_no_device() {
    let f = fixture().await;
    let one = f.migration("one").await;
    f.add(one, "d1", Outcome::Pending).await;
    let mut tx = f.store.begin_write().await.expect("begins");
    migrations::set_state(&mut tx, one, &MigrationState::Stopped, NOW).await.expect("sets");
    tx.commit().await.expect("commits");
    let two = f.migration("two").await;
    f.add(two, "d1", Outcome::Pending).await;
    assert_eq!(f.outcome(two, "d1").await, Outcome::Pending);
}

#[tokio::test]
async fn a_device_is_read_back_as_it_was_written() {
    let f = fixture().await;
    let id = f.migration("one").await;
    f.add(id, "d1", Outcome::Pending).await;
    let written = f
        .store
        .change_device(id, &"d1".into(), |row| {
            row.outcome = Outcome::Waiting(WaitReason::Offline);
            row.detail = Some("why".into());
            row.cleared = true;
            row.command = CommandState::Unreachable;
            row.via = Some(Via::Canary);
            row.attempts = 3;
            row.next_try_at = Some(NOW);
            row.deadline = Some(NOW);
            row.baseline.taken_at = Some(NOW);
            row.baseline.record = Some(RecordSeen {
                status: "assigned".into(),
                hub: Some("hub".into()),
                updated: Some(NOW),
                error: None,
                device: Some("D1".into()),
            });
            row.home = Some(TwinSeen { connected: false, activity: Some(NOW) });
            row.key_group = Some("plant".into());
            row.answers_before = Some(AnswersBefore { number: 2, ids: vec!["one".into(), "two".into()] });
            row.baseline.twin = Some(TwinSeen { connected: true, activity: Some(NOW) });
            for stage in crate::migration::device::Stage::ALL {
                *row.facts.slot(*stage) = Some(Fact { at: NOW, evidence: stage.stored().into() });
            }
        })
        .await
        .expect("changes");
    assert_eq!(f.store.device(id, &"d1".into()).await.expect("reads"), written);
}

#[tokio::test]
async fn counts_add_up_and_tell_the_kinds_apart() {
    let f = fixture().await;
    let id = f.migration("one").await;
    let outcomes = [
        Outcome::Pending,
        Outcome::Waiting(WaitReason::Offline),
        Outcome::Moved,
        Outcome::Failed(FailReason::Refused),
        Outcome::Skipped(SkipReason::Simulated),
        Outcome::Skipped(SkipReason::AlreadyAtTarget),
        Outcome::Returned,
        Outcome::WentBack,
    ];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        f.add(id, &format!("d{number}"), outcome).await;
    }
    f.add(id, "told", Outcome::Pending).await;
    f.store.change_device(id, &"told".into(), |row| row.command = CommandState::Answered).await.expect("changes");
    let counts = f.store.counts(id).await.expect("counts");
    assert_eq!(counts.total(), 9);
    assert_eq!((counts.pending, counts.on_the_way, counts.already, counts.skipped), (1, 1, 1, 1));
}

#[tokio::test]
async fn a_page_of_devices_is_filtered_searched_and_never_past_the_end() {
    let f = fixture().await;
    let id = f.migration("one").await;
    for number in 0..120 {
        f.add(id, &format!("sn-{number:03}"), Outcome::Pending).await;
    }
    f.add(id, "100%_odd", Outcome::Failed(FailReason::Refused)).await;
    let all = f.store.device_page(id, &DeviceFilter::default(), 99).await.expect("a page");
    assert_eq!((all.matching, all.page, all.pages, all.devices.len()), (121, 3, 3, 21));
    let first = f.store.device_page(id, &DeviceFilter::default(), 0).await.expect("a page");
    assert_eq!(first.devices[0].id, DeviceId::from("100%_odd"), "failed first");
    let found = |place: Option<Place>, search: &str| DeviceFilter {
        place,
        search: Some(search.into()),
        ..DeviceFilter::default()
    };
    assert_eq!(f.store.device_page(id, &found(None, "%_"), 1).await.expect("a page").matching, 1);
    assert_eq!(f.store.device_page(id, &found(Some(Place::Pending), "sn-01"), 1).await.expect("a page").matching, 10);
    assert_eq!(f.store.device_page(id, &found(None, "boiler SN-005"), 1).await.expect("a page").matching, 1);
}

#[tokio::test]
async fn failed_devices_that_may_be_lost_come_first_and_a_reason_narrows_the_page() {
    let f = fixture().await;
    let id = f.migration("one").await;
    f.add(id, "a", Outcome::Failed(FailReason::Offline)).await;
    f.add(id, "b", Outcome::Moved).await;
    for (number, reason) in FailReason::ALL.iter().filter(|reason| reason.may_be_lost()).enumerate() {
        f.add(id, &format!("z{number}"), Outcome::Failed(*reason)).await;
    }
    let ids = async |filter: DeviceFilter| {
        let page = f.store.device_page(id, &filter, 1).await.expect("a page");
        page.devices.into_iter().map(|device| device.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(DeviceFilter::default()).await, ["z0", "z1", "z2", "z3", "z4", "a", "b"]);
    let offline = DeviceFilter { reason: Some("offline"), ..DeviceFilter::default() };
    assert_eq!(ids(offline.clone()).await, ["a"]);
    let exported = f.store.matching_devices_after(id, &offline, "", 9).await.expect("devices");
    assert_eq!(exported.len(), 1);
    let outcomes = f.store.outcomes(id).await.expect("outcomes");
    assert!(outcomes.contains(&(Outcome::Failed(FailReason::Offline), 1)) && outcomes.len() == 7);
}

#[tokio::test]
async fn an_accepted_job_tells_exactly_the_cleared_and_untold() {
    let f = fixture().await;
    let id = f.migration("one").await;
    for device in ["cleared", "uncleared", "told"] {
        f.add(id, device, Outcome::Pending).await;
    }
    for device in ["cleared", "told"] {
        f.store.change_device(id, &device.into(), |row| row.cleared = true).await.expect("changes");
    }
    f.store.change_device(id, &"told".into(), |row| row.command = CommandState::Answered).await.expect("changes");
    let mut tx = f.store.begin_write().await.expect("begins");
    jobs::plan(&mut tx, id, &"contoso-fleet".into(), &"job".into(), "{}", NOW).await.expect("plans");
    jobs::mark_as_told(&mut tx, id, &"job".into(), NOW, NOW).await.expect("marks");
    jobs::accepted(&mut tx, id, &"job".into()).await.expect("accepts");
    tx.commit().await.expect("commits");
    let told: Vec<DeviceId> =
        f.store.devices_in_job(id).await.expect("lists").into_iter().map(|device| device.id).collect();
    assert_eq!(told, [DeviceId::from("cleared")]);
}

#[tokio::test]
async fn finishing_settles_the_waiting_once() {
    let f = fixture().await;
    let id = f.migration("one").await;
    f.add(id, "d1", Outcome::Waiting(WaitReason::Offline)).await;
    f.add(id, "d2", Outcome::Moved).await;
    for expected in [1, 0] {
        let mut tx = f.store.begin_write().await.expect("begins");
        assert_eq!(fail_waiting(&mut tx, id).await.expect("settles"), expected);
        tx.commit().await.expect("commits");
    }
    assert_eq!(f.outcome(id, "d1").await, Outcome::Failed(FailReason::Offline));
    assert_eq!(f.outcome(id, "d2").await, Outcome::Moved);
}

#[tokio::test]
async fn a_lease_is_its_owners_until_it_runs_out() {
    let f = fixture().await;
    let id = f.migration("one").await;
    let term = std::time::Duration::from_secs(30);
    assert!(f.store.lease(id, "a", NOW, term).await.expect("leases"));
    assert!(!f.store.lease(id, "b", NOW, term).await.expect("leases"));
    assert!(f.store.lease(id, "a", NOW, term).await.expect("renews"));
    assert!(f.store.lease(id, "b", NOW + term * 2, term).await.expect("leases"));
}

#[tokio::test]
async fn the_first_begin_of_a_step_is_its_start() {
    let f = fixture().await;
    let id = f.migration("one").await;
    let step = crate::migration::model::Step::Snapshot;
    f.store.set_step(id, step, StepState::Running, None, NOW).await.expect("sets");
    let later = NOW + std::time::Duration::from_secs(5);
    f.store.set_step(id, step, StepState::Done, Some("done"), later).await.expect("sets");
    let record = f.store.steps(id).await.expect("steps").remove(0);
    assert_eq!((record.started_at, record.ended_at, record.note.as_deref()), (Some(NOW), Some(later), Some("done")));
}
