//! Devices that stay offline are tried for as long as the person chose, and no longer.

use std::time::Duration;

use iotc_migrator::sandbox::fleet;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn after_the_time_that_was_chosen_offline_devices_are_failed_without_anybody_pressing_anything() {
    let lab = Lab::small(40, 2, 2).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let wish = Wish::default().with("Try offline devices again", "asked").with("For how long", "day");
    let (journey, page) = ada.migrate(&wish).await;
    assert!(page.text().contains("only when somebody asks for it, for 1 day after the start"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    let page = ada.wait_for_state(&journey, "Waiting for 2 devices", PATIENCE).await;
    assert!(page.text().contains("are recorded as failed at"), "{}", page.text());

    let port = program.port;
    assert_eq!(program.stop().await, Some(0));
    lab.jump(DAY);
    // A sign-in lasts a day too: the end finds the migration paused, and comes when it goes on.
    let program = Program::start(lab.data.path(), port, &lab.environment(port)).await;
    let ada = Person::new(&lab, &program);
    ada.sign_in_to("Ada", &format!("/migrations/{}", journey.id)).await;
    let page = ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let said = "could not be reached were tried for 1 day after the start, as chosen: 2 devices are recorded as failed";
    assert!(page.text().contains(said), "{}", page.text());
    let rows = ada.devices(&journey).await;
    for (id, row) in &rows {
        let end = (row["outcome"].as_str(), row["reason"].as_str());
        if lab.device(id).online {
            assert!(end == ("moved", "") && lab.is_at_hub(HUB, id), "{row:?}");
        } else {
            assert!(end == ("failed", "offline") && was_left_alone(&lab.device(id)), "{row:?}");
            assert_eq!(row["attempts"], "3", "nobody asked for more: {row:?}");
        }
    }
    let known = lab.shared().look(|world| world.apps[fleet::MAIN_APP].devices.len());
    assert_eq!((rows.len(), known), (4, 4));
}
