//! Waves after the canary: too many failures in one keep the others from being told until somebody resumes.

use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{Kind, Via};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP, PUMP, Spec};
use iotc_migrator::sandbox::world::World;

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::truth::{HUB, told_by, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);

/// Twelve boilers and five pumps, of which the third each refuses.
fn world(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 12, "S2", 10);
    fleet::add_group(&mut world, MAIN_APP, "pumps-all", "Pumps - all", PUMP);
    fleet::add_devices(&mut world, MAIN_APP, "pump", 1, 5, &Spec::new(PUMP), clock.now());
    for id in ["boiler-0003", "pump-0003"] {
        world.devices.get_mut(id).expect("a device").kind = Kind::Refuses;
    }
    world
}

fn in_waves(wish: Wish, shares: &str, halt: &str) -> Wish {
    wish.with("Move them in waves", "waves")
        .with("Waves (percent of the devices)", shares)
        .with("Halt when more than … % of a wave fail", halt)
}

async fn waves_of(ada: &Person, journey: &Journey, prefix: &str) -> Vec<(String, String)> {
    let rows = ada.devices(journey).await;
    assert!(rows.keys().all(|id| id.starts_with(prefix)), "{rows:?}");
    rows.into_values().map(|row| (row["wave"].clone(), row["outcome"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_that_fails_halts_the_others_until_resume_and_one_within_its_share_does_not() {
    let (lab, program, ada) = Lab::with_ada(30, world).await;
    let boilers = ada.start(&in_waves(Wish::default(), "20, 30", "10")).await;
    let pumps = ada.start(&in_waves(Wish::pumps(), "40", "50")).await;

    // The canary, then 3 of 11, one of which refuses.
    let page = ada.wait_for_state(&boilers, "Paused", PATIENCE).await;
    let text = page.text();
    assert!(text.contains("devices of wave 1") && text.contains("more than 10 %"), "{text}");
    assert!(text.contains("2 more waves to come: 8 devices."), "{text}");
    ada.wait_for_state(&pumps, "Completed with failures", PATIENCE).await;
    for number in 5..=12 {
        let id = format!("boiler-{number:04}");
        assert!(was_left_alone(&lab.device(&id)), "{id}: {:?}", lab.device(&id).log);
    }
    let moved = |wave: &str| (wave.to_owned(), "moved".to_owned());
    let failed = |wave: &str| (wave.to_owned(), "failed".to_owned());
    assert_eq!(
        waves_of(&ada, &pumps, "pump-").await,
        [moved("0"), moved("1"), failed("1"), moved("2"), moved("2")],
        "half of a wave may fail there"
    );

    // What a person accepted is still accepted by the next run of the program.
    ada.press(&page, "Resume").await;
    program.kill().await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let page = ada.wait_for_state(&boilers, "Completed with failures", PATIENCE).await;
    let text = page.text();
    assert!(text.contains("accepted the failures up to wave 1"), "{text}");
    assert!(text.contains("Wave 3 is proven: 4 moved.") && text.contains("Failures accepted"), "{text}");
    let expected: Vec<_> = (1..=12)
        .map(|number| match number {
            1 => moved("0"),
            3 => failed("1"),
            2..=4 => moved("1"),
            5..=8 => moved("2"),
            _ => moved("3"),
        })
        .collect();
    assert_eq!(waves_of(&ada, &boilers, "boiler-").await, expected);
    for device in lab.devices("boiler-") {
        assert_eq!(lab.is_at_hub(HUB, &device.id), device.kind != Kind::Refuses, "{}", device.id);
        assert_eq!(told_by(&device), [Via::Single], "{}: a job would have told every wave", device.id);
    }
    assert!(lab.effects("job.created").is_empty());
}
