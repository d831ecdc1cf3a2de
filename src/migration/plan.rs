//! What a person chose and reviewed: source, target and choices.

use serde::{Deserialize, Serialize};

use super::model::stored_names;
use super::retry::TryAgain;
pub use super::source::{CentralSource, HubSource, Source, SourceDps, SourceHub};
use super::waves::Waves;
use crate::ids::{ArmId, DeviceId, DpsHost, HubHost, IdScope, ModelId, Subdomain, TemplateId};

/// Whether what devices have besides their identity is carried over: it costs a call a device, of those that commands need
/// too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carry {
    /// For up to [`Carry::MANY`] devices.
    Few,
    /// For any number.
    All,
    /// Not at all.
    #[default]
    Nothing,
}
stored_names!(Carry { Few = "few", All = "all", Nothing = "nothing" });

impl Carry {
    /// More devices than this are many.
    pub const MANY: u64 = 2_000;

    /// Whether it is done for so many devices.
    #[must_use]
    pub fn applies_to(self, devices: u64) -> bool {
        match self {
            Self::Few => devices <= Self::MANY,
            Self::All => true,
            Self::Nothing => false,
        }
    }
}

/// What the person chose and reviewed. At *Start* Azure is read again and must still equal it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Where the devices are.
    pub source: Source,
    /// Where they go.
    pub target: Target,
    /// True: DPS makes each hub identity when its device arrives, never ahead.
    pub register_on_arrival: bool,
    /// True: devices with keys, or certificates, of their own are carried over too, each with these.
    #[serde(default)]
    pub carry_individual: bool,
    /// True: the application's devices without a template, which are in no group, are told too, singly.
    #[serde(default)]
    pub tell_unassigned: bool,
    /// Whether names, organizations and properties are carried over.
    #[serde(default)]
    pub carry: Carry,
    /// How the devices after the canary are divided; absent = they are told all at once.
    #[serde(default)]
    pub waves: Option<Waves>,
    /// How often devices that cannot be reached are tried again, and for how long.
    #[serde(default)]
    pub try_again: TryAgain,
    /// The device to be moved and proven first, if the person named one.
    pub canary: Option<DeviceId>,
    /// Minutes a device that may have been told to move has to turn up at the target.
    pub arrival_minutes: u32,
}

/// Where the devices of a migration go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A hub, by way of a DPS.
    Hub(HubTarget),
    /// An IoT Central application.
    App(AppTarget),
}

impl Target {
    /// The name that people know it by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Hub(hub) => &hub.hub_name,
            Self::App(app) => &app.app_display_name,
        }
    }

    /// The hub, if it is one.
    #[must_use]
    pub fn hub(&self) -> Option<&HubTarget> {
        match self {
            Self::Hub(hub) => Some(hub),
            Self::App(_) => None,
        }
    }

    /// The application, if it is one.
    #[must_use]
    pub fn app(&self) -> Option<&AppTarget> {
        match self {
            Self::Hub(_) => None,
            Self::App(app) => Some(app),
        }
    }

    /// The name of what holds the enrollment groups by which devices come in.
    #[must_use]
    pub fn keeper_name(&self) -> &str {
        match self {
            Self::Hub(hub) => &hub.dps_name,
            Self::App(app) => &app.app_display_name,
        }
    }

    /// The same without its name, for a sentence.
    #[must_use]
    pub fn keeper(&self) -> &'static str {
        match self {
            Self::Hub(_) => "the DPS",
            Self::App(_) => "the target application",
        }
    }

    /// What sees the devices once they have come, without its name.
    #[must_use]
    pub fn place(&self) -> &'static str {
        match self {
            Self::Hub(_) => "the hub",
            Self::App(_) => "the application",
        }
    }
}

impl AppTarget {
    /// Devices go back to the application that they came from: it knows them, with their templates.
    #[must_use]
    pub fn back_to(source: &CentralSource) -> Self {
        Self {
            app_id: source.app_id.clone(),
            app_name: source.app_name.clone(),
            app_display_name: source.app_display_name.clone(),
            subdomain: source.subdomain.clone(),
            assign: None,
        }
    }
}

/// An IoT Central application that devices go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTarget {
    /// ARM id; absent when the application was given by its address.
    pub app_id: Option<ArmId>,
    /// ARM name: the payload's `centralAppName`.
    pub app_name: String,
    /// The name that people see.
    pub app_display_name: String,
    /// First label of the application's host.
    pub subdomain: Subdomain,
    /// The template that devices get there, if the person chose one.
    pub assign: Option<AssignedTemplate>,
}

/// A template of the target that devices get on arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedTemplate {
    /// Its `@id`, which a device has there.
    pub template: TemplateId,
    /// Its display name.
    pub template_name: String,
    /// Its capability model's `@id`, which a device may announce.
    pub model: Option<ModelId>,
}

/// A hub, and the DPS through which devices reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubTarget {
    /// The DPS.
    pub dps_id: ArmId,
    /// Its name.
    pub dps_name: String,
    /// Its service host.
    pub dps_host: DpsHost,
    /// The ID scope that devices are told.
    pub id_scope: IdScope,
    /// The hub.
    pub hub_id: ArmId,
    /// Its name.
    pub hub_name: String,
    /// Its host.
    pub hub_host: HubHost,
    /// `S1`, `S2`…
    pub hub_sku: String,
    /// Units of the SKU.
    pub hub_units: u32,
}
