//! The typed clients against the simulated Azure, whose wire was written from the documentation a second time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use iotc_migrator::azure::hub::MethodAnswer;
use iotc_migrator::azure::tokens::{Refusal, Resource, TokenError, TokenProvider};
use iotc_migrator::azure::{
    Arm, ArmPolicyKeys, Azure, AzureError, Cloud, Dps, EffectKnown, ErrorKind, HttpOptions, Hub, ProxyChoice,
};
use iotc_migrator::clock::Clock;
use iotc_migrator::ids::DeviceId;
use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::entra::tokens::{Audience, issue_access};
use iotc_migrator::sandbox::{Shared, fleet};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::lab::Lab;

const SPEED: u32 = 20;
const METERS: &str = "contoso-meters.azure-devices.net";
const METERS_DPS: &str = "contoso-meters-dps";
const METERS_SCOPE: &str = "0ne00C0DE03";

/// Ada's tokens, without the way through the sign-in page.
struct Ada(Shared);

impl std::fmt::Debug for Ada {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ada")
    }
}

#[async_trait]
impl TokenProvider for Ada {
    async fn token(&self, resource: Resource, _: Option<&Refusal>) -> Result<SecretString, TokenError> {
        let audience = match resource {
            Resource::Arm => Audience::Arm,
            Resource::Central => Audience::Central,
        };
        Ok(SecretString::from(issue_access(&self.0, fleet::ADA, fleet::CONTOSO, audience)))
    }
}

/// The simulated Azure, and the clients that reach it by proxy and CA alone.
pub struct Clients {
    pub lab: Lab,
    pub azure: Azure,
    pub tokens: Arc<dyn TokenProvider>,
    pub arm: Arm,
}

impl Clients {
    pub async fn start() -> Self {
        let lab = Lab::start(SPEED).await;
        let options = HttpOptions {
            proxy: ProxyChoice::Fixed { proxy_url: lab.sandbox.proxy_url() },
            ca_pem: Some(lab.sandbox.ca_pem().into()),
            user_agent: "test".into(),
        };
        let azure = Azure::new(Cloud::public(), Clock::scaled(lab.anchor, SPEED), options).expect("a proxy and a CA");
        let tokens: Arc<dyn TokenProvider> = Arc::new(Ada(lab.shared()));
        Self { arm: azure.arm(Arc::clone(&tokens)), lab, azure, tokens }
    }

    /// A client of a hub, with keys as ARM lists them.
    async fn hub(&self, host: &str) -> Hub {
        let hubs = self.arm.inventory().await.expect("an inventory").hubs;
        let hub = hubs.into_iter().find(|hub| hub.host.same_as(host)).expect("the hub");
        let keys = Arc::new(ArmPolicyKeys::hub(self.arm.clone(), hub.id));
        self.azure.hub(&hub.host, keys).expect("a trusted host").with_capacity(&hub.sku_name, hub.units)
    }

    /// A client of a DPS, with keys as ARM lists them.
    pub async fn dps(&self, name: &str) -> (iotc_migrator::ids::ArmId, Dps) {
        let found = self.arm.inventory().await.expect("an inventory").dps;
        let dps = found.into_iter().find(|dps| dps.name == name).expect("the DPS");
        let keys = Arc::new(ArmPolicyKeys::dps(self.arm.clone(), dps.id.clone()));
        (dps.id, self.azure.dps(&dps.service_host, keys).expect("a trusted host"))
    }
}

async fn invoke(hub: &Hub, id: &str, method: &str, payload: Value) -> Result<MethodAnswer, AzureError> {
    hub.invoke_method(&DeviceId::new(id), method, &payload, 0, 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_reaches_its_device_and_what_came_of_it_is_told_apart() {
    let clients = Clients::start().await;
    let lab = &clients.lab;
    let hub = clients.hub(METERS).await;

    let unknown = invoke(&hub, "meter-0001", "noSuchMethod", Value::Null).await.unwrap();
    assert!(!unknown.is_accepted() && unknown.status.is_some(), "{unknown:?}");
    let moved = invoke(&hub, "meter-0001", "migration*DeviceMove", json!({ "idScope": METERS_SCOPE })).await.unwrap();
    assert!(moved.is_accepted(), "{moved:?}");

    lab.set_online("meter-0002", false);
    let offline = invoke(&hub, "meter-0002", "migration*DeviceMove", Value::Null).await.unwrap_err();
    assert!(matches!(offline.kind, ErrorKind::DeviceOffline) && offline.effect == EffectKnown::NotDone, "{offline:?}");
    let nobody = invoke(&hub, "nobody", "migration*DeviceMove", Value::Null).await.unwrap_err();
    assert!(matches!(nobody.kind, ErrorKind::NotFound) && nobody.effect == EffectKnown::NotDone, "{nobody:?}");

    lab.shared().world(|world| world.devices.get_mut("meter-0003").expect("a meter").kind = Kind::AnswerLost);
    let payload = json!({ "idScope": METERS_SCOPE });
    let silent = invoke(&hub, "meter-0003", "migration*DeviceMove", payload).await.unwrap_err();
    assert!(matches!(silent.kind, ErrorKind::DeviceTimeout) && silent.effect == EffectKnown::Unknown, "{silent:?}");
    assert_eq!(lab.device("meter-0003").times_commanded(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_with_an_odd_id_is_the_one_that_is_asked() {
    let clients = Clients::start().await;
    let since = clients.lab.shared().clock().now() - Duration::from_secs(3600);
    let prefixes = ["meter#odd(1)", "100%", "%2F", "what?", "a:b.c+d_e*!,=@;$'"];
    clients.lab.shared().world(|world| {
        for prefix in prefixes {
            fleet::add_hub_devices(world, METERS_DPS, METERS, "odd", prefix, 1, since);
        }
    });
    let hub = clients.hub(METERS).await;
    for prefix in prefixes {
        let id = format!("{prefix}-0001");
        let answer = invoke(&hub, &id, "migration*DeviceMove", json!({ "idScope": METERS_SCOPE })).await;
        assert!(answer.as_ref().is_ok_and(MethodAnswer::is_accepted), "{id}: {answer:?}");
        assert_eq!(clients.lab.device(&id).times_commanded(), 1, "{id}");
        let identity = hub.identity(&DeviceId::new(&id)).await.unwrap().expect("its identity");
        assert!(identity.generation_id.is_some() && identity.connection_state_updated.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_hub_says_that_it_has_no_methods() {
    let clients = Clients::start().await;
    clients.lab.shared().world(|world| "B1".clone_into(&mut world.hubs.get_mut(METERS).expect("the hub").sku));
    let hub = clients.hub(METERS).await;
    let error = invoke(&hub, "meter-0001", "migration*DeviceMove", Value::Null).await.unwrap_err();
    assert!(error.is_beyond_tier() && error.hint.unwrap().contains("Basic"));
}
