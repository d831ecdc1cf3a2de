//! A clean group goes by one job.

use iotc_migrator::sandbox::device::Via;
use iotc_migrator::sandbox::fleet::{MAIN_APP, NEXT_APP};
use serde_json::json;

use super::stage::{MAIN_HOST, Stage, two_apps, wish};
use crate::support::truth::told_by;

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_group_goes_to_the_other_application_by_exactly_one_job_behind_a_single_canary() {
    let stage = Stage::of(20, |clock| two_apps(clock, 8)).await;
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 8).await;

    let jobs = stage.lab.effects("job.created");
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let definition = stage.lab.shared().look(|world| world.apps[MAIN_APP].jobs[&jobs[0]].definition.clone());
    assert_eq!(
        (&definition["group"], &definition["data"][0]["path"]),
        (&json!("boilers-all"), &json!("migration.DeviceMove"))
    );
    let payload = &definition["data"][0]["value"];
    let whole = json!({
        "idScope": "0ne00A00004", "centralAppName": NEXT_APP, "centralAppSubdomain": NEXT_APP,
        "deviceTemplateId": "dtmi:contoso:Boiler;2",
    });
    assert_eq!(*payload, whole);

    let mut canaries = Vec::new();
    for device in stage.lab.devices("boiler-") {
        match told_by(&device).as_slice() {
            [Via::Single] => canaries.push(device.id.clone()),
            [Via::Job { id }] => assert_eq!(*id, jobs[0]),
            other => panic!("{} was told by {other:?}", device.id),
        }
    }
    assert_eq!(canaries.len(), 1, "{canaries:?}");
    let asked = stage.lab.shared().look(|world| {
        let history = &world.apps[MAIN_APP].devices[&canaries[0]].commands["migration.DeviceMove"];
        history.iter().map(|record| record.request.clone()).collect::<Vec<_>>()
    });
    assert_eq!(asked, [whole], "the canary is told the same as the rest");
    let changes = stage.changes_at(MAIN_HOST);
    assert_eq!(changes.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["POST", "PUT"], "{changes:?}");
}
