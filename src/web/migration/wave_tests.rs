//! What the page of a migration shows of its waves, over the whole router.

use crate::migration::model::{Step, StepState};
use crate::migration::waves::Percent;
use crate::migration::{
    CommandState, Device, FailReason, MigrationId, MigrationState, Mode, Outcome, Pause, PauseReason, Plan, Waves,
};
use crate::store::{migrations, steps};
use crate::web::fixture::{NOW, Pages, TENANT, actor, plan, text};

/// A migration whose first wave of two has begun: one moved, one refused; three are left.
async fn in_waves(pages: &Pages) -> MigrationId {
    let waves = Waves::parse("10, 30", Percent::new(5).unwrap()).unwrap();
    let id = pages.made(TENANT, "Waves", Mode::CentralToHub, Plan { waves: Some(waves), ..plan() }).await;
    let mut tx = pages.store.begin_write().await.unwrap();
    assert!(migrations::start(&mut tx, id, &actor(TENANT, "Adele"), &[], NOW).await.unwrap());
    steps::set(&mut tx, id, Step::Verify, StepState::Running, None, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let refused = Outcome::Failed(FailReason::Refused);
    for (device, outcome, command, wave) in [
        ("pump-001", Outcome::Moved, CommandState::Answered, Some(0)),
        ("pump-002", Outcome::Moved, CommandState::Answered, Some(1)),
        ("pump-003", refused, CommandState::Refused, Some(1)),
        ("pump-004", Outcome::Pending, CommandState::None, None),
        ("pump-005", Outcome::Pending, CommandState::None, None),
        ("pump-006", Outcome::Pending, CommandState::None, None),
    ] {
        pages.device(id, device, outcome, command, None).await;
        let change = |row: &mut Device| (row.cleared, row.wave) = (true, wave);
        pages.store.change_device(id, &device.into(), change).await.unwrap();
    }
    id
}

#[tokio::test]
async fn the_page_and_its_live_part_say_which_wave_is_at_work_and_how_each_stands() {
    let pages = Pages::open().await;
    let id = in_waves(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(page.contains("Wave 1 of 3, 2 of 6 moved"), "{page}");
    assert!(page.contains("In waves of 10 %, 30 % and the rest; halts when more than 5 % of a wave fail"));
    assert!(page.contains("2 more waves to come: 3 devices."));
    assert!(page.contains("Too many failed") && page.contains("<span class=\"hint\">wave 1</span>"));
    assert!(!page.contains("wave 0"), "the canary is before them all");
    let list = adele.page("/migrations").await;
    assert!(list.contains("Wave 1 of 3, 2 of 6 moved"), "{list}");

    let reason = PauseReason::Wave;
    let pause = Pause { reason, detail: "1 of the 2 failed.".into(), remedy: "Look at them.".into() };
    pages.set_state(id, &MigrationState::Paused(pause)).await;
    let live = text(adele.get(&format!("/migrations/{id}/live")).await).await;
    assert!(
        live.contains("<section id=\"waves-live\" aria-labelledby=\"waves-title\" hx-swap-oob=\"morph\">"),
        "{live}"
    );
    assert!(live.contains("Halted") && live.contains("Paused: too many devices of a wave failed"));
    let csv = adele.page(&format!("/migrations/{id}/devices.csv")).await;
    assert!(csv.lines().next().unwrap().ends_with(",wave"));
    assert!(csv.lines().any(|line| line.starts_with("pump-003,") && line.ends_with(",1")), "{csv}");
    assert!(csv.lines().any(|line| line.starts_with("pump-004,") && line.ends_with(',')), "{csv}");
}

#[tokio::test]
async fn a_migration_of_all_at_once_shows_no_waves() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
    assert!(!page.contains("waves-live") && !page.contains("After the canary"));
}
