//! What the application remembers of commands.

use serde_json::{Value, json};

use super::{MOVE, job};
use crate::sandbox::device::Kind;
use crate::sandbox::fleet::BOILER;
use crate::sandbox::testkit::Bench;

async fn history(bench: &Bench) -> Vec<Value> {
    bench.central("GET", MOVE, Value::Null).await.body["value"].as_array().cloned().unwrap_or_default()
}

fn with_a_refusing_device() -> Bench {
    let bench = Bench::simple(500);
    bench.shared.world(|world| world.devices.get_mut("boiler-0002").unwrap().kind = Kind::Refuses);
    bench
}

#[tokio::test]
async fn only_the_last_invocation_of_a_command_is_shown_unless_the_switch_says_all() {
    let bench = with_a_refusing_device();
    for scope in ["0ne00000001", "0ne00000002"] {
        bench.central("POST", MOVE, json!({"request": {"idScope": scope}, "responseTimeout": 7})).await;
    }
    let last = history(&bench).await;
    assert_eq!(last.len(), 1);
    assert_eq!(last[0]["request"], json!({"idScope": "0ne00000002"}));
    assert_eq!((last[0]["responseCode"].as_u64(), last[0]["responseTimeout"].as_u64()), (Some(403), Some(7)));
    bench.shared.flip(|switches| switches.history_is_whole = true);
    let all = history(&bench).await;
    assert_eq!(all.len(), 2);
    assert!(all[0]["id"].is_string() && all[0]["id"] != all[1]["id"]);
}

#[tokio::test]
async fn invocations_by_jobs_and_those_that_timed_out_are_shown_by_switches() {
    let bench = with_a_refusing_device();
    bench.central("PUT", "/jobs/refused", job("boilers-all", BOILER, "migration.DeviceMove")).await;
    bench.until("the end of the job", |world| world.apps["contoso-fleet"].jobs["refused"].end.is_some()).await;
    assert_eq!(history(&bench).await.len(), 1);
    bench.shared.flip(|switches| switches.history_shows_jobs = false);
    assert_eq!(history(&bench).await.len(), 0);
    bench.shared.world(|world| world.devices.get_mut("boiler-0002").unwrap().kind = Kind::AnswerLost);
    let lost = bench.central("POST", MOVE, json!({"request": {"idScope": "0ne00000001"}, "responseTimeout": 5})).await;
    assert_eq!(lost.status, 504);
    assert_eq!(history(&bench).await.len(), 1);
    bench.shared.flip(|switches| switches.history_shows_timeouts = false);
    assert_eq!(history(&bench).await.len(), 0);
}
