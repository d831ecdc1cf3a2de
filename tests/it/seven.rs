//! IoT Central runs five jobs at once in an application: whoever comes later waits for its turn, whatever IoT Central would
//! do with a sixth.

use std::time::Duration;

use iotc_migrator::sandbox::central::model::{Job, JobStatus, JobWork};
use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::faults::{Action, Rule, RuleHandle, Seen, When};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP};
use iotc_migrator::sandbox::options::SixthJob;
use iotc_migrator::sandbox::world::World;

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::truth::HUB;

const PATIENCE: Duration = Duration::from_secs(120);
const GROUPS: usize = 7;
/// Devices of a group: the canary, and as few others as go by a job.
const EACH: usize = 3;
const WAITS: &str = "Waiting for its turn: IoT Central runs five jobs at once";

fn groups(clock: &SandboxClock, number: usize) -> World {
    let mut world = fleet::simple_world(clock, number * EACH, "S2", 10);
    for group in 1..=number {
        let id = format!("group-{group}");
        fleet::add_group(&mut world, MAIN_APP, &id, &format!("Group {group}"), BOILER);
        let members: Vec<String> =
            (1..=EACH).map(|member| format!("$id = \"boiler-{:04}\"", (group - 1) * EACH + member)).collect();
        let group = world.apps.get_mut(MAIN_APP).and_then(|app| app.groups.get_mut(&id)).expect("the group");
        group.filter.push_str(&format!(" AND ({})", members.join(" OR ")));
    }
    world
}

fn of_group(group: usize) -> Wish {
    Wish { name: format!("Group {group} to the hub"), group: format!("Group {group}"), ..Wish::default() }
}

/// Holds the first calls that make a job, before they have their effect.
fn hold_jobs(lab: &Lab, number: u32) -> RuleHandle {
    let makes_a_job = |seen: &Seen<'_>| seen.method.as_str() == "PUT" && seen.path.contains("/api/jobs/");
    lab.shared().faults().add(Rule::new(Action::Hold { when: When::Before }, makes_a_job).times(number))
}

async fn wait_until(what: &str, wanted: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !wanted() {
        assert!(began.elapsed() < PATIENCE, "never happened: {what}");
        moment().await;
    }
}

/// The pages of the migrations that wait for their turn now.
async fn waiting(ada: &Person, journeys: &[Journey]) -> Vec<Page> {
    let mut found = Vec::new();
    for journey in journeys {
        let page = ada.see(journey).await;
        if page.texts(".waits").iter().any(|text| text.contains(WAITS)) {
            found.push(page);
        }
    }
    found
}

async fn all_moved(lab: &Lab, ada: &Person, journey: &Journey) {
    let page = ada.wait_for_state(journey, "Completed", PATIENCE).await;
    let rows = ada.devices(journey).await;
    assert_eq!(rows.len(), EACH, "{}", page.text());
    for (id, row) in &rows {
        assert!(row["outcome"] == "moved" && lab.is_at_hub(HUB, id), "{row:?}");
        assert_eq!(lab.device(id).times_commanded(), 1, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_migrations_started_at_once_never_have_more_than_five_jobs_at_work() {
    let (lab, _program, ada) = Lab::with_ada(40, |clock| groups(clock, GROUPS)).await;
    let mut journeys = Vec::new();
    let mut drafts = Vec::new();
    for group in 1..=GROUPS {
        let (journey, page) = ada.migrate(&of_group(group)).await;
        journeys.push(journey);
        drafts.push(page);
    }
    let held = hold_jobs(&lab, 5);
    for page in &drafts {
        ada.press(page, "Start migration").await;
    }
    wait_until("five jobs about to be made", || held.struck() == 5).await;
    let began = std::time::Instant::now();
    while waiting(&ada, &journeys).await.len() < 2 {
        assert!(began.elapsed() < PATIENCE, "the sixth and the seventh do not say that they wait");
        moment().await;
    }
    assert_eq!(lab.effects("job.created"), [] as [String; 0], "a place is taken before its job is there to be counted");
    held.release();
    for journey in &journeys {
        all_moved(&lab, &ada, journey).await;
    }

    let jobs: Vec<Job> = lab.shared().look(|world| world.apps[MAIN_APP].jobs.values().cloned().collect());
    assert_eq!(jobs.len(), GROUPS);
    let at_work = |at| jobs.iter().filter(|job| job.created <= at && job.end.is_none_or(|end| at < end)).count();
    let most = jobs.iter().map(|job| at_work(job.created)).max();
    assert!(most.is_some_and(|most| most <= 5), "{most:?} at work at once: {jobs:?}");
    let mut said = 0;
    for journey in &journeys {
        let events = ada.see(journey).await.text().matches(WAITS).count();
        assert!(events <= 1, "it is said once, and no longer when it is over");
        said += events;
    }
    assert_eq!(said, 2);
}

/// A job of somebody else's, which runs until it is told to end.
fn run_another(lab: &Lab, id: &str) {
    let now = lab.shared().clock().now();
    let job = Job {
        id: id.to_owned(),
        definition: serde_json::json!({"displayName": "Somebody else's", "group": "boilers-all", "data": []}),
        status: JobStatus::Running,
        created: now,
        start: Some(now),
        end: None,
        devices: Some(Vec::new()),
        work: JobWork::default(),
    };
    lab.shared().world(|world| world.apps.get_mut(MAIN_APP).expect("the app").jobs.insert(id.to_owned(), job));
}

fn end(lab: &Lab, id: &str) {
    lab.shared().world(|world| {
        let job = world.apps.get_mut(MAIN_APP).and_then(|app| app.jobs.get_mut(id)).expect("the job");
        job.status = JobStatus::Complete;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_place_somebody_else_takes_at_that_moment_waits_whatever_it_is_refused_with() {
    let (lab, _program, ada) = Lab::with_ada(40, |clock| groups(clock, 2)).await;
    for (group, reading) in [(1, SixthJob::Conflict), (2, SixthJob::TooManyRequests)] {
        lab.shared().flip(|switches| switches.sixth_job = reading);
        let others: Vec<String> = (1..=5).map(|number| format!("other-{group}-{number}")).collect();
        others[..4].iter().for_each(|id| run_another(&lab, id));
        let held = hold_jobs(&lab, 1);
        let journey = ada.start(&of_group(group)).await;
        held.reached().await;
        run_another(&lab, &others[4]);
        held.release();
        let began = std::time::Instant::now();
        while waiting(&ada, std::slice::from_ref(&journey)).await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "{reading:?}: {}", ada.see(&journey).await.text());
            moment().await;
        }
        assert_eq!(lab.effects("job.created").len(), group - 1, "{reading:?}");
        end(&lab, &others[2]);
        all_moved(&lab, &ada, &journey).await;
        let text = ada.see(&journey).await.text();
        assert_eq!(text.matches(WAITS).count(), 1, "the event: {text}");
        assert!(!text.contains("Paused:") && lab.effects("job.created").len() == group, "{reading:?}: {text}");
        others.iter().for_each(|id| end(&lab, id));
    }
}
