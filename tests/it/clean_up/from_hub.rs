//! Devices are removed from the hub that they left.

use axum::http::StatusCode;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet;
use iotc_migrator::sandbox::log::Service;

use super::stage::{Stage, fate};
use crate::support::journey::Wish;

const NAME: &str = "Meters to an application";

fn is_deletion(seen: &Seen<'_>) -> bool {
    seen.service == Service::Hub && seen.method.as_str() == "DELETE"
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_removed_from_a_hub_though_one_changes_meanwhile_and_an_answer_is_lost() {
    // Of four meters one refuses and one vanishes.
    let wish = Wish::from_hubs(Some(fleet::PLANT_DPS), &[fleet::PLANT], "Contoso next", Some("Meter"));
    let stage = Stage::moved(|clock| fleet::hub_world(clock, 5, "S2", 10), wish, "Completed with failures").await;
    let stage = stage.a_day_later().await;
    let faults = stage.lab.shared();
    let changed = faults.faults().add(Rule::new(Action::status(StatusCode::PRECONDITION_FAILED), is_deletion).times(1));
    let lost = faults.faults().add(Rule::new(Action::DropAfter, is_deletion).after(2).times(1));
    let run = stage.clean_up(3, NAME).await;
    let ended = stage.ended(&run).await;
    let fates = stage.fates(&ended).await;
    let ids = ["meter-0001", "meter-0004", "meter-0005"];
    assert_eq!(fates.keys().map(String::as_str).collect::<Vec<_>>(), ids);
    assert!(fates.values().all(|found| *found == fate("removed", "")), "{fates:?}");
    assert_eq!(stage.sorted("identity.deleted"), ids);
    assert_eq!((changed.struck(), lost.struck()), (1, 1));
    let host = format!("{}.azure-devices.net", fleet::PLANT);
    let left: Vec<String> = stage.lab.shared().look(|world| world.hubs[&host].identities.keys().cloned().collect());
    assert_eq!(left, ["meter-0002", "meter-0003"]);
}
