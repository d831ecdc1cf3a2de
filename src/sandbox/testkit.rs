//! What the tests of the data planes share: a sandbox without a network, and clients that sign as real ones do.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tower::ServiceExt as _;

use super::clock::SandboxClock;
use super::entra::tokens::{Audience, issue_access};
use super::fleet::{self, CONTOSO};
use super::hosts::Site;
use super::world::{Policy, World};
use super::{SandboxOptions, Shared, central, dps, hub, routes, sas};

pub(super) const HUB: &str = "contoso-hub.azure-devices.net";
pub(super) const SCOPE: &str = "0ne00C0DE01";

/// A sandbox without a network.
pub(super) struct Bench {
    pub(super) shared: Shared,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
}

impl Bench {
    /// A sandbox with this world, `speed` times as fast as life.
    pub(super) fn new(speed: u32, world: impl FnOnce(&SandboxClock) -> World) -> Self {
        let anchor = SandboxClock::real_now();
        let clock = SandboxClock::new(anchor, speed);
        let options = SandboxOptions { speed, anchor, world: Some(world(&clock)), ..SandboxOptions::default() };
        Self { shared: Shared::new(options).unwrap() }
    }

    /// Twenty simple devices.
    pub(super) fn simple(speed: u32) -> Self {
        Self::new(speed, |clock| fleet::simple_world(clock, 20, "S2", 10))
    }

    /// The default fleet.
    pub(super) fn fleet(speed: u32) -> Self {
        Self::new(speed, fleet::default_world)
    }

    /// A call of Ada's to the main application.
    pub(super) async fn central(&self, method: &str, path: &str, body: Value) -> Answer {
        self.central_as(fleet::ADA, method, path, body).await
    }

    /// A call of somebody's to the main application.
    pub(super) async fn central_as(&self, oid: &str, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", issue_access(&self.shared, oid, CONTOSO, Audience::Central));
        self.central_by(&bearer, method, path, body).await
    }

    /// A call with this `Authorization` to the main application, in the newest stable version unless the path names one.
    pub(super) async fn central_by(&self, authorization: &str, method: &str, path: &str, body: Value) -> Answer {
        self.app_by(fleet::MAIN_APP, authorization, method, path, body).await
    }

    /// A call of Ada's to an application.
    pub(super) async fn app(&self, sub: &str, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", issue_access(&self.shared, fleet::ADA, CONTOSO, Audience::Central));
        self.app_by(sub, &bearer, method, path, body).await
    }

    async fn app_by(&self, sub: &str, authorization: &str, method: &str, path: &str, body: Value) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let version = if path.contains("api-version=") { "" } else { "api-version=2022-07-31" };
        let uri = format!("/api{path}{joint}{version}");
        let host = format!("{sub}.azureiotcentral.com");
        let router = central::router(self.shared.clone());
        call(router, &host, method, &uri, &[("authorization", authorization)], body).await
    }

    /// A query of Ada's to an application, one a second.
    pub(super) async fn query(&self, sub: &str, text: &str) -> Answer {
        self.shared.clock().sleep(Duration::from_secs(2)).await;
        let path = "/query?api-version=2022-10-31-preview";
        self.app(sub, "POST", path, serde_json::json!({"query": text})).await
    }

    /// When an application last heard from a device, as its query API tells.
    pub(super) async fn last_telemetry(&self, sub: &str, template: &str, id: &str) -> Option<OffsetDateTime> {
        let text = format!("SELECT TOP 1 $ts, temperature FROM {template} WHERE $id = '{id}' ORDER BY $ts DESC");
        let answer = self.query(sub, &text).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let at = answer.body["results"][0]["$ts"].as_str()?;
        Some(OffsetDateTime::parse(at, &Rfc3339).unwrap())
    }

    /// Tells a device of the main application to move to another one; what the application answers.
    pub(super) async fn send_to_app(&self, id: &str, sub: &str) -> Answer {
        let scope = self.shared.look(|world| world.apps[sub].id_scope.clone());
        let path = format!("/devices/{id}/components/migration/commands/DeviceMove");
        let body = serde_json::json!({"request": {"idScope": scope}, "responseTimeout": 5});
        self.central("POST", &path, body).await
    }

    /// Gives an application the keys of one of the main application's groups, as both show them.
    pub(super) async fn carry_into(&self, sub: &str, group: &str) {
        let mut body = self.central("GET", &format!("/enrollmentGroups/{group}"), Value::Null).await.body;
        for own in ["id", "etag"] {
            body.as_object_mut().unwrap().remove(own);
        }
        let path = format!("/enrollmentGroups/iotc-{}", group.to_lowercase());
        let answer = self.app(sub, "PUT", &path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// A call to `contoso-dps` with its owner policy.
    pub(super) async fn dps(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.dps_at("contoso-dps", method, path, headers, body).await
    }

    /// A call to a provisioning service with its owner policy.
    pub(super) async fn dps_at(
        &self,
        name: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let host = format!("{name}.azure-devices-provisioning.net");
        let policy = self.shared.look(|world| world.dps[name].policies[0].clone());
        let signature = self.signature(&host, &policy);
        let headers = [headers, &[("authorization", signature.as_str())]].concat();
        let router = dps::service_router(self.shared.clone());
        call(router, &host, method, &format!("{path}?api-version=2021-10-01"), &headers, body).await
    }

    /// A call to the DPS device API with a device key.
    pub(super) async fn device(
        &self,
        method: &str,
        scope: &str,
        id: &str,
        tail: &str,
        key: &str,
        body: Value,
    ) -> Answer {
        let expires = self.shared.clock().now().unix_timestamp() + 3600;
        let signature = sas::sign(&format!("{scope}/registrations/{id}"), key, expires, Some("registration")).unwrap();
        let uri = format!("/{scope}/registrations/{id}{tail}?api-version=2021-06-01");
        let router = dps::device_router(self.shared.clone());
        call(router, "global.azure-devices-provisioning.net", method, &uri, &[("authorization", &signature)], body)
            .await
    }

    /// A call to `contoso-hub` with a policy of that name.
    pub(super) async fn hub(
        &self,
        policy: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        self.hub_at(HUB, policy, method, path, headers, body).await
    }

    /// A call to the hub at `host` with a policy of that name.
    pub(super) async fn hub_at(
        &self,
        host: &str,
        policy: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let policy =
            self.shared.look(|world| world.hubs[host].policies.iter().find(|own| own.name == policy).cloned().unwrap());
        let signature = self.signature(host, &policy);
        let headers = [headers, &[("authorization", signature.as_str())]].concat();
        let joint = if path.contains('?') { '&' } else { '?' };
        let uri = format!("{path}{joint}api-version=2021-04-12");
        call(hub::router(self.shared.clone()), host, method, &uri, &headers, body).await
    }

    /// Calls a direct method of a device with the ID scope of an application, for five seconds.
    pub(super) async fn tell(&self, host: &str, id: &str, method: &str, sub: &str) -> Answer {
        let scope = self.shared.look(|world| world.apps[sub].id_scope.clone());
        let body = serde_json::json!({
            "methodName": method, "payload": {"idScope": scope}, "responseTimeoutInSeconds": 5,
        });
        let path = format!("/twins/{}/methods", id.replace('#', "%23"));
        self.hub_at(host, "service", "POST", &path, &[], body).await
    }

    fn signature(&self, host: &str, policy: &Policy) -> String {
        let expires = self.shared.clock().now().unix_timestamp() + 3600;
        sas::sign(host, &policy.primary, expires, Some(&policy.name)).unwrap()
    }

    /// Gives `contoso-dps` the keys of one of the main application's groups, leading to `contoso-hub`.
    pub(super) async fn carry_over(&self, group: &str) {
        let (primary, secondary) =
            ["primary", "secondary"].map(|slot| fleet::key(&format!("contoso-fleet/{group}/{slot}"))).into();
        let id = format!("iotc-{}", group.to_lowercase());
        let body = serde_json::json!({
            "enrollmentGroupId": id,
            "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}},
            "allocationPolicy": "static", "iotHubs": [HUB],
        });
        let answer = self.dps("PUT", &format!("/enrollmentGroups/{id}"), &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Waits until the world is as wanted; fails after ten real seconds.
    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&World) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.shared.look(&wanted) {
            assert!(Instant::now() < deadline, "never happened: {what}");
            SandboxClock::real_sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One call to a router.
pub(super) async fn call(
    router: Router,
    host: &str,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Answer {
    let mut request = Request::builder().method(method).uri(uri).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json; charset=utf-8");
        Body::from(body.to_string())
    };
    let mut request = request.body(body).unwrap();
    if let Some(site) = Site::of(host) {
        routes::normalise(site, &mut request);
    }
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, body, text }
}
