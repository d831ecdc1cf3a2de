//! Whose turn it is to have a job run.

use std::collections::HashSet;
use std::time::Duration;

use super::{Fixture, NOW, fixture};
use crate::clock::Timestamp;
use crate::ids::{JobId, PersonId};
use crate::migration::MigrationId;
use crate::migration::model::{Actor, MigrationState, Pause, PauseReason};
use crate::store::job_turns::{JobsSeen, Place, take_place, wait_again};
use crate::store::{jobs, migrations};

const TAKEN: Place = Place::Taken { waited: false };
const WAITS: Place = Place::Waits { first: true };

/// What an application shows that has these jobs at work.
fn seen(at_work: &[&str]) -> JobsSeen {
    JobsSeen { at: NOW, at_work: at_work.iter().map(|id| JobId::from(*id)).collect(), over: HashSet::new() }
}

impl Fixture {
    /// A running migration with a planned job of this id, in order of their planning.
    async fn planned(&self, job: &str, after: u64) -> MigrationId {
        let id = self.migration(job).await;
        let by = Actor { id: PersonId { tid: "t".into(), oid: "ada".into() }, name: "Ada".into() };
        let at = NOW - Duration::from_secs(600) + Duration::from_secs(after);
        let mut tx = self.store.begin_write().await.expect("begins");
        assert!(migrations::start(&mut tx, id, &by, &[], NOW).await.expect("starts"));
        jobs::plan(&mut tx, id, &"Contoso-Fleet".into(), &job.into(), "{}", at).await.expect("plans");
        tx.commit().await.expect("commits");
        id
    }

    /// Asks for one of two places.
    async fn ask(&self, job: &str, seen: &JobsSeen, now: Timestamp) -> Place {
        let mut tx = self.store.begin_write().await.expect("begins");
        let place = take_place(&mut tx, &job.into(), seen, 2, now).await.expect("asks");
        tx.commit().await.expect("commits");
        place
    }

    async fn set(&self, id: MigrationId, state: &MigrationState) {
        let mut tx = self.store.begin_write().await.expect("begins");
        migrations::set_state(&mut tx, id, state, NOW).await.expect("sets");
        tx.commit().await.expect("commits");
    }
}

#[tokio::test]
async fn two_that_see_one_place_left_do_not_both_take_it() {
    let f = fixture().await;
    f.planned("one", 1).await;
    let two = f.planned("two", 2).await;
    let one_left = seen(&["somebody-elses"]);
    assert_eq!(f.ask("one", &one_left, NOW).await, TAKEN);
    assert_eq!(f.ask("one", &one_left, NOW).await, TAKEN, "it has one");
    assert_eq!(f.ask("two", &one_left, NOW).await, WAITS);
    assert_eq!(f.ask("two", &one_left, NOW).await, Place::Waits { first: false });
    assert!(f.store.jobs(two).await.expect("lists")[0].waits);
    // What is seen at work is not counted twice, and what is seen to be over gives its place back.
    assert_eq!(f.ask("two", &seen(&["one"]), NOW).await, Place::Taken { waited: true });
    let over = JobsSeen { at: NOW + Duration::from_secs(1), over: ["one".into()].into(), ..seen(&["x"]) };
    assert_eq!(f.ask("two", &over, NOW).await, Place::Taken { waited: true });
    assert!(!f.store.jobs(two).await.expect("lists")[0].waits);
}

#[tokio::test]
async fn a_place_that_was_taken_since_the_jobs_were_seen_counts() {
    let f = fixture().await;
    f.planned("one", 1).await;
    f.planned("two", 2).await;
    assert_eq!(f.ask("one", &seen(&["x"]), NOW).await, TAKEN);
    let stopped_before = JobsSeen { over: ["one".into()].into(), ..seen(&["x"]) };
    assert_eq!(f.ask("two", &stopped_before, NOW).await, WAITS, "it may have been resumed since");
}

#[tokio::test]
async fn a_place_does_not_outlive_the_work_of_its_migration() {
    let f = fixture().await;
    let one = f.planned("one", 1).await;
    f.planned("two", 2).await;
    let full = seen(&["x"]);
    let pause = Pause { reason: PauseReason::Rights, detail: String::new(), remedy: String::new() };
    for state in [MigrationState::Paused(pause), MigrationState::Stopped, MigrationState::CompletedWithFailures] {
        f.set(one, &MigrationState::Running).await;
        assert!(matches!(f.ask("one", &seen(&[]), NOW).await, Place::Taken { .. }));
        assert!(matches!(f.ask("two", &full, NOW).await, Place::Waits { .. }), "{state:?}");
        f.set(one, &state).await;
        assert!(matches!(f.ask("two", &full, NOW).await, Place::Taken { .. }), "{state:?}");
        f.store.leave_place(&"two".into()).await.expect("leaves");
    }
}

#[tokio::test]
async fn whoever_was_planned_first_comes_first_as_long_as_it_asks() {
    let f = fixture().await;
    let one = f.planned("one", 1).await;
    f.planned("two", 2).await;
    let full = seen(&["x", "y"]);
    assert_eq!(f.ask("one", &full, NOW).await, WAITS);
    assert_eq!(f.ask("two", &full, NOW).await, WAITS);
    let one_left = seen(&["x"]);
    let soon = NOW + Duration::from_secs(5);
    assert_eq!(f.ask("two", &one_left, soon).await, Place::Waits { first: false });
    assert_eq!(f.ask("one", &one_left, soon).await, Place::Taken { waited: true });
    let mut tx = f.store.begin_write().await.expect("begins");
    assert!(!wait_again(&mut tx, one, &"one".into(), soon).await.expect("waits"), "it was told before");
    tx.commit().await.expect("commits");
    assert!(f.store.jobs(one).await.expect("lists")[0].waits);
    let later = soon + Duration::from_secs(600);
    assert_eq!(f.ask("two", &one_left, later).await, Place::Taken { waited: true }, "the first asks no more");
}
