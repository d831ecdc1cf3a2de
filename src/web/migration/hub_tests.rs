//! What the page of a migration says where devices come from hubs.

use crate::migration::device::CommandState;
use crate::migration::{Device, MigrationId, Mode, Outcome, OwnKeys, Plan, SkipReason, WaitReason};
use crate::store::devices::{self, Found};
use crate::store::migrations;
use crate::web::fixture::{NOW, Pages, TENANT, actor, app_target, hub_source, plan};

const TWO: &str = "contoso-plant-two.azure-devices.net";

async fn running(pages: &Pages) -> MigrationId {
    let plan = Plan { source: hub_source(), target: app_target(), canary: None, ..plan() };
    let id = pages.made(TENANT, "Meters", Mode::HubToCentral, plan).await;
    let mut tx = pages.store.begin_write().await.unwrap();
    assert!(migrations::start(&mut tx, id, &actor(TENANT, "Adele"), &["annex".to_owned()], NOW).await.unwrap());
    tx.commit().await.unwrap();
    id
}

async fn device(pages: &Pages, id: MigrationId, device: &str, change: impl FnOnce(&mut Device) + Send + 'static) {
    let found = Found {
        id: device.into(),
        display_name: None,
        organizations: Vec::new(),
        unassigned: false,
        outcome: Outcome::Pending,
        joined_later: false,
    };
    let mut tx = pages.store.begin_write().await.unwrap();
    devices::insert(&mut tx, id, TWO, &found).await.unwrap();
    tx.commit().await.unwrap();
    pages.store.change_device(id, &device.into(), change).await.unwrap();
}

#[tokio::test]
async fn a_row_says_which_hub_the_device_is_in_and_by_what_it_will_be_let_in() {
    let pages = Pages::open().await;
    let id = running(&pages).await;
    device(&pages, id, "meter-0001", |row| row.key_group = Some("plant".into())).await;
    device(&pages, id, "meter-0002", |row| row.own_keys = Some(OwnKeys::Due)).await;
    let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
    let row = |device: &str| {
        let start = page.find(&format!("id=\"device-{device}\"")).unwrap();
        page[start..].split("</tr>").next().unwrap().to_owned()
    };
    assert!(row("meter-0001").contains("in contoso-plant-two") && row("meter-0001").contains("keys of group plant"));
    assert!(row("meter-0002").contains("keys, or a certificate, of its own"), "{page}");
    assert!(row("meter-0001").contains("<dt>Left the source</dt><dd class=\"muted\">no evidence</dd>"), "{page}");
}

#[tokio::test]
async fn the_plan_and_the_words_are_those_of_hubs() {
    let pages = Pages::open().await;
    let id = running(&pages).await;
    device(&pages, id, "meter-0001", |row| {
        row.outcome = Outcome::Waiting(WaitReason::Offline);
        row.command = CommandState::Unreachable;
    })
    .await;
    device(&pages, id, "meter-0002", |row| row.outcome = Outcome::Skipped(SkipReason::HubOnlyKey)).await;
    let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
    for words in [
        "5 seconds to connect, 30 seconds to answer",
        "whose devices are left where they are: annex",
        "Those that were not reached stay in their hub and",
        "1 with a key that only the hub knows",
        "through the DPS",
        "/IotHubs/contoso-plant-two/overview",
        "/provisioningServices/contoso-plant-dps/overview",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for of_an_application in ["stay in IoT Central", "migrate the group", "without a template"] {
        assert!(!page.contains(of_an_application), "{of_an_application}");
    }
}
