//! The program dies before and after each device is deleted, and comes to the same end as if it had not.

use iotc_migrator::sandbox::faults::When;
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};

use super::stage::Stage;
use crate::support::journey::Wish;

const IDS: [&str; 3] = ["boiler-0001", "boiler-0002", "boiler-0003"];

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_ends_the_same_wherever_the_program_was_killed() {
    let stage = Stage::moved(|clock| fleet::simple_world(clock, 3, "S2", 10), Wish::default(), "Completed").await;
    let mut stage = stage.a_day_later().await;
    let first = stage.lab.shared().faults().hold_effect(1, When::Before);
    let run = stage.clean_up(3, "Boilers to the hub").await;
    first.reached().await;
    // Killed before the first, after it, before the second…; what is held stays so: it has no caller any more.
    for when in [When::After, When::Before, When::After, When::Before, When::After] {
        let held = stage.lab.shared().faults().hold_effect(1, when);
        stage = stage.killed().await;
        held.reached().await;
    }
    stage = stage.killed().await;
    let ended = stage.ended(&run).await;
    let fates = stage.fates(&ended).await;
    assert!(fates.values().all(|(state, _)| state == "removed"), "{fates:?}");
    assert_eq!(fates.keys().map(String::as_str).collect::<Vec<_>>(), IDS);
    assert_eq!(stage.sorted("device.deleted"), IDS, "each once");
    assert!(IDS.iter().all(|id| stage.lab.known_at(MAIN_APP, id).is_none()));
}
