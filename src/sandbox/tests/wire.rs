//! Proxy, faults, log and saved state.

use super::*;
use crate::sandbox::faults::{Action, Rule, When};
use crate::sandbox::log::{Caller, Service};

const TENANTS: &str = "https://management.azure.com/tenants?api-version=2022-12-01";

impl Rig {
    async fn tenants(&self) -> Result<reqwest::Response, reqwest::Error> {
        self.client.get(TENANTS).bearer_auth(self.arm_token(ADA, HOME)).send().await
    }
}

#[tokio::test]
async fn nothing_but_azure_is_reached_through_the_proxy() {
    let rig = Rig::start().await;
    assert!(rig.client.get("https://example.com/").send().await.is_err());
    assert!(rig.client.get("https://management.azure.com:8443/").send().await.is_err());
    assert_eq!(rig.shared().log().refused_connects(), ["example.com:443", "management.azure.com:8443"]);
}

#[tokio::test]
async fn a_hub_that_does_not_exist_does_not_resolve() {
    let rig = Rig::start().await;
    assert!(rig.client.get("https://gone.azure-devices.net/").send().await.is_err());
    assert!(rig.shared().log().refused_connects().is_empty());
}

#[tokio::test]
async fn calls_are_logged_with_their_caller() {
    let rig = Rig::start().await;
    rig.tenants().await.unwrap();
    let calls = rig.shared().log().all();
    assert_eq!((calls[0].service, calls[0].path.as_str(), calls[0].status), (Service::Arm, "/tenants", 200));
    assert_eq!(calls[0].caller, Caller::Person { oid: ADA.to_owned(), tid: HOME.to_owned() });
}

#[tokio::test]
async fn an_answer_dropped_after_the_effect_leaves_the_effect() {
    let rig = Rig::start().await;
    let dropped = rig.shared().faults().add(Rule::new(Action::DropAfter, |_| true).times(1));
    assert!(rig.tenants().await.is_err());
    assert_eq!((dropped.struck(), rig.shared().log().all()[0].status), (1, 200));
    assert_eq!(rig.tenants().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_dropped_before_has_no_effect() {
    let rig = Rig::start().await;
    rig.shared().faults().add(Rule::new(Action::DropBefore, |_| true).times(1));
    assert!(rig.tenants().await.is_err());
    assert_eq!(rig.shared().log().all()[0].status, 0);
}

#[tokio::test]
async fn ordered_statuses_pages_and_half_bodies_come_as_ordered() {
    let rig = Rig::start().await;
    let shared = rig.shared();
    shared.faults().add(Rule::new(Action::status(StatusCode::SERVICE_UNAVAILABLE), |_| true).times(1));
    assert_eq!(rig.tenants().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    shared.faults().add(Rule::new(Action::Html, |_| true).times(1));
    assert!(rig.tenants().await.unwrap().text().await.unwrap().starts_with("<!doctype html>"));
    shared.faults().add(Rule::new(Action::Truncate, |_| true).times(1));
    assert!(rig.tenants().await.unwrap().json::<Value>().await.is_err());
}

#[tokio::test]
async fn a_held_request_waits_for_its_release() {
    let rig = Rig::start().await;
    let held = rig.shared().faults().add(Rule::new(Action::Hold { when: When::After }, |_| true).times(1));
    let asking = rig.tenants();
    let watching = async {
        held.reached().await;
        assert_eq!(rig.shared().log().last(), 1, "the effect has happened");
        held.release();
    };
    let (answer, ()) = tokio::join!(asking, watching);
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn sign_ins_and_the_world_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = || SandboxOptions {
        dir: dir.path().to_owned(),
        keep_state: true,
        latency: Duration::ZERO,
        world: Some(small_world()),
        ..SandboxOptions::default()
    };
    let rig = |sandbox| Rig { client: client(&sandbox), sandbox, _dir: tempfile::tempdir().unwrap() };
    let first = rig(Sandbox::start(options()).await.unwrap());
    let tokens = first.redeem(HOME, &first.code(HOME, ADA).await).await;
    first.shared().world(|world| world.hubs.clear());
    let pem = first.sandbox.ca_pem().to_owned();
    let anchor = first.shared().clock().anchor();
    first.sandbox.stop().await;

    let second = rig(Sandbox::start(options()).await.unwrap());
    assert_eq!(second.sandbox.ca_pem(), pem);
    assert_eq!(second.shared().clock().anchor(), anchor, "time goes on as before");
    assert!(second.shared().look(|world| world.hubs.is_empty()));
    assert_eq!(second.refresh(HOME, tokens.text("refresh_token"), ARM_SCOPE).await.code(), 0);
}

#[tokio::test]
async fn a_state_file_of_another_version_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("state.json"), r#"{"version":0}"#).unwrap();
    let rig = Rig::with(|options| {
        options.dir = dir.path().to_owned();
        options.keep_state = true;
    })
    .await;
    assert_eq!(rig.shared().look(|world| world.hubs.len()), 3);
    let names = std::fs::read_dir(dir.path()).unwrap();
    let kept = names
        .filter_map(Result::ok)
        .any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text == r#"{"version":0}"#));
    assert!(kept);
}

#[tokio::test]
async fn the_truth_page_takes_forms_of_its_own_pages_only() {
    let rig = Rig::start().await;
    let url = format!("{}/truth", rig.sandbox.sign_in_base());
    let page = rig.client.get(&url).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Where the devices really are"));
    let form = [("action", "keep-identities")];
    let foreign = rig.client.post(&url).header("Origin", "https://evil.example").form(&form).send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let rebound = rig.client.get(&url).header("Host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    let own = rig.client.post(&url).header("Origin", rig.sandbox.sign_in_base()).form(&form).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::SEE_OTHER);
    use crate::sandbox::options::IdentityConflict;
    assert_eq!(rig.shared().switches().identity_conflict, IdentityConflict::Keep);
}

#[tokio::test]
async fn firmware_that_does_not_obey_can_be_mended_by_hand() {
    use crate::sandbox::clock::SandboxClock;
    use crate::sandbox::device::Kind;
    let rig = Rig::start().await;
    let url = format!("{}/truth", rig.sandbox.sign_in_base());
    let clock = SandboxClock::new(rig.shared().options().anchor, 1);
    let faulty = rig.shared().world(|world| {
        *world = crate::sandbox::fleet::simple_world(&clock, 1, "S1", 1);
        let device = world.devices.values_mut().next().expect("a device");
        device.kind = Kind::Refuses;
        device.clone()
    });
    let press = async |device: &str| {
        let form = [("action", "mend"), ("device", device)];
        let own = rig.client.post(&url).header("Origin", rig.sandbox.sign_in_base()).form(&form);
        own.send().await.unwrap().status()
    };
    assert_eq!(press(&faulty.id).await, StatusCode::SEE_OTHER);
    let mended = rig.shared().look(|world| world.devices[&faulty.id].clone());
    assert_eq!((mended.kind, mended.place), (Kind::Normal, faulty.place));
    assert_eq!(press("nobody").await, StatusCode::NOT_FOUND);
}
