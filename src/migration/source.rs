//! Where the devices of a migration are: an IoT Central application, or hubs.

use serde::{Deserialize, Serialize};

use super::plan::HubTarget;
use crate::ids::{ArmId, DeviceGroupId, DpsHost, HubHost, Subdomain, TemplateId};

/// Where the devices of a migration are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// An IoT Central application.
    App(CentralSource),
    /// Hubs.
    Hub(HubSource),
}

impl Source {
    /// The name that people know it by: the application's, or those of the hubs.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::App(app) => app.app_display_name.clone(),
            Self::Hub(hubs) => hubs.names(),
        }
    }

    /// The name of what is taken of it: a device group, or those of the hubs.
    #[must_use]
    pub fn selection(&self) -> String {
        match self {
            Self::App(app) => app.group_name.clone(),
            Self::Hub(hubs) => hubs.names(),
        }
    }

    /// The name and what is taken of it, for a table's cell.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::App(app) => format!("{}, {}", app.app_display_name, app.group_name),
            Self::Hub(hubs) => hubs.names(),
        }
    }

    /// The name of what holds the enrollments that the devices came in by.
    #[must_use]
    pub fn keeper_name(&self) -> String {
        match self {
            Self::App(app) => app.app_display_name.clone(),
            Self::Hub(hubs) => hubs.dps.as_ref().map_or_else(|| hubs.names(), |dps| dps.name.clone()),
        }
    }

    /// Where devices are that have not left it, for a sentence.
    #[must_use]
    pub fn home(&self) -> &'static str {
        match self {
            Self::App(_) => "IoT Central",
            Self::Hub(_) => "their hub",
        }
    }

    /// What sends the commands, for a sentence.
    #[must_use]
    pub fn service(&self) -> &'static str {
        match self {
            Self::App(_) => "IoT Central",
            Self::Hub(_) => "the hub",
        }
    }

    /// What sets the enrollment groups made for its devices apart from others: the same at every try.
    #[must_use]
    pub fn mark(&self) -> &str {
        match self {
            Self::App(app) => app.subdomain.as_str(),
            Self::Hub(HubSource { dps: Some(dps), .. }) => &dps.name,
            Self::Hub(HubSource { hubs, .. }) => hubs.first().map_or("hub", |hub| &hub.name),
        }
    }

    /// The component that carries DeviceMove; `None` for a command at the root.
    #[must_use]
    pub fn component(&self) -> Option<&str> {
        match self {
            Self::App(app) => app.component.as_deref(),
            Self::Hub(hubs) => hubs.component.as_deref(),
        }
    }

    /// The application, if it is one.
    #[must_use]
    pub fn app(&self) -> Option<&CentralSource> {
        match self {
            Self::App(app) => Some(app),
            Self::Hub(_) => None,
        }
    }

    /// The hubs, if it is hubs.
    #[must_use]
    pub fn hubs(&self) -> Option<&HubSource> {
        match self {
            Self::App(_) => None,
            Self::Hub(hubs) => Some(hubs),
        }
    }
}

/// Devices of one template in one device group of an IoT Central application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CentralSource {
    /// ARM id; absent when the application was given by its address.
    pub app_id: Option<ArmId>,
    /// ARM name: the payload's `centralAppName`.
    pub app_name: String,
    /// The name that people see.
    pub app_display_name: String,
    /// First label of the application's host.
    pub subdomain: Subdomain,
    /// The device group; absent where the devices are chosen one by one.
    pub group: Option<DeviceGroupId>,
    /// Its display name, or what was chosen in words.
    pub group_name: String,
    /// The device template; absent where no chosen device has one.
    pub template: Option<TemplateId>,
    /// Its display name, or `none`.
    pub template_name: String,
    /// Component that carries DeviceMove; absent for a command at the template's root.
    pub component: Option<String>,
}

impl CentralSource {
    /// What is taken of it, for a sentence: `group Boilers, template Boiler`.
    #[must_use]
    pub fn part(&self) -> String {
        let group = if self.group.is_some() { format!("group {}", self.group_name) } else { self.group_name.clone() };
        match &self.template {
            Some(_) => format!("{group}, template {}", self.template_name),
            None => group,
        }
    }
}

/// All devices of one or more hubs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubSource {
    /// The DPS by which the devices came to the hubs; absent for hubs that are looked at without one.
    pub dps: Option<SourceDps>,
    /// The hubs, at least one.
    pub hubs: Vec<SourceHub>,
    /// Component that carries DeviceMove; absent for a method at the root.
    pub component: Option<String>,
    /// Seconds that a hub waits for a device to connect, up to 300.
    pub connect_seconds: u16,
    /// Seconds that a device has to answer, from 5 to 300.
    pub response_seconds: u16,
}

impl HubSource {
    /// Seconds that a hub waits for a device to connect, unless a person chose.
    pub const CONNECT_SECONDS: u16 = 5;
    /// Seconds that a device has to answer, unless a person chose.
    pub const RESPONSE_SECONDS: u16 = 30;
    /// The component that carries DeviceMove by convention (azure-api §6.1).
    pub const COMPONENT: &'static str = "migration";

    /// How long its hubs wait for a device: `5 seconds to connect, 30 seconds to answer`.
    #[must_use]
    pub fn patience(&self) -> String {
        let seconds = |number: u16| if number == 1 { "1 second".to_owned() } else { format!("{number} seconds") };
        format!("{} to connect, {} to answer", seconds(self.connect_seconds), seconds(self.response_seconds))
    }

    /// Devices go back from a hub that they came to by way of a DPS. `component` carries DeviceMove.
    #[must_use]
    pub fn back_from(target: &HubTarget, component: Option<&str>) -> Self {
        Self {
            dps: Some(SourceDps {
                id: target.dps_id.clone(),
                name: target.dps_name.clone(),
                host: target.dps_host.clone(),
            }),
            hubs: vec![SourceHub {
                id: target.hub_id.clone(),
                name: target.hub_name.clone(),
                host: target.hub_host.clone(),
                sku: target.hub_sku.clone(),
                units: target.hub_units,
            }],
            component: component.map(str::to_owned),
            connect_seconds: Self::CONNECT_SECONDS,
            response_seconds: Self::RESPONSE_SECONDS,
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.hubs.iter().map(|hub| hub.name.as_str()).collect();
        names.join(", ")
    }
}

/// The DPS by which devices came to their hubs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDps {
    /// ARM id.
    pub id: ArmId,
    /// Its name.
    pub name: String,
    /// Its service host.
    pub host: DpsHost,
}

/// A hub that devices are to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHub {
    /// ARM id.
    pub id: ArmId,
    /// Its name.
    pub name: String,
    /// Its host.
    pub host: HubHost,
    /// `S1`, `S2`…
    pub sku: String,
    /// Units of the SKU.
    pub units: u32,
}

impl SourceHub {
    /// Whether hubs of this SKU have direct methods: those of the Basic tier have none (azure-api §5.5).
    #[must_use]
    pub fn has_methods(sku: &str) -> bool {
        !sku.trim_start().to_ascii_uppercase().starts_with('B')
    }
}
