//! Hubs and provisioning services.

use super::key;
use super::people::MAIN_SUBSCRIPTION;
use crate::sandbox::dps::model::{Registration, Slot, Status, Substatus, new_etag};
use crate::sandbox::hub::model::Authentication;
use crate::sandbox::world::{Dps, Hub, Moment, Policy, Resource, World};

/// Where a resource of this name lives.
pub(super) fn resource(name: &str) -> Resource {
    Resource {
        subscription: MAIN_SUBSCRIPTION.to_owned(),
        resource_group: "contoso-rg".to_owned(),
        name: name.to_owned(),
        location: "westeurope".to_owned(),
    }
}

fn policy(resource: &str, name: &str, rights: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        primary: key(&format!("{resource}/{name}/primary")),
        secondary: key(&format!("{resource}/{name}/secondary")),
        rights: rights.to_owned(),
    }
}

/// Adds an empty hub with the default policies, and returns its host name.
pub fn add_hub(world: &mut World, name: &str, sku: &str, units: u32) -> String {
    let host = format!("{name}.azure-devices.net");
    let policies = [
        ("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
        ("service", "ServiceConnect"),
        ("device", "DeviceConnect"),
        ("registryRead", "RegistryRead"),
        ("registryReadWrite", "RegistryWrite"),
    ];
    let hub = Hub {
        resource: resource(name),
        host: host.clone(),
        sku: sku.to_owned(),
        units,
        state: "Active".to_owned(),
        policies: policies.iter().map(|(policy_name, rights)| policy(name, policy_name, rights)).collect(),
        disable_local_auth: false,
        identities: std::collections::BTreeMap::new(),
        configurations: std::collections::BTreeMap::new(),
        jobs: std::collections::BTreeMap::new(),
    };
    world.hubs.insert(host.clone(), hub);
    host
}

/// Adds a provisioning service without enrollments, linked to these hubs.
pub fn add_dps(world: &mut World, name: &str, id_scope: &str, hubs: &[&str]) {
    let rights = "ServiceConfig, DeviceConnect, EnrollmentWrite, RegistrationStatusWrite";
    let dps = Dps {
        resource: resource(name),
        id_scope: id_scope.to_owned(),
        service_host: format!("{name}.azure-devices-provisioning.net"),
        state: "Active".to_owned(),
        allocation_policy: "Hashed".to_owned(),
        linked_hubs: hubs.iter().map(|host| (*host).to_owned()).collect(),
        policies: vec![policy(name, "provisioningserviceowner", rights)],
        groups: std::collections::BTreeMap::new(),
        enrollments: std::collections::BTreeMap::new(),
        registrations: std::collections::BTreeMap::new(),
        certificates: std::collections::BTreeMap::new(),
    };
    world.dps.insert(name.to_owned(), dps);
}

/// The record of a device that came long ago, by a group or by an enrollment of its own.
pub(super) fn assigned_record(
    id: &str,
    host: &str,
    group: Option<&str>,
    authentication: &Authentication,
    at: Moment,
) -> Registration {
    Registration {
        registration_id: id.to_owned(),
        device_id: id.to_owned(),
        assigned_hub: Some(host.to_owned()),
        status: Status::Assigned,
        substatus: Some(Substatus::InitialAssignment),
        error: None,
        group: group.map(str::to_owned),
        first_slot: matches!(authentication, Authentication::Sas { .. }).then_some(Slot::Primary),
        created: at,
        updated: at,
        etag: new_etag(),
        payload: None,
        operation: None,
    }
}
