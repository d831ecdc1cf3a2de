//! View model of the plan, for a last look.

use crate::azure::Cloud;
use crate::migration::Migration;
use crate::migration::model::{Source, Target};
use crate::migration::preflight::ArrivalFloor;
use crate::web::new::Entered;

/// The plan, for a last look.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) name: String,
    pub(super) by: String,
    pub(super) source: String,
    pub(super) source_link: Option<String>,
    /// Group and template of an application's devices.
    pub(super) part: Option<(String, String)>,
    pub(super) target: String,
    pub(super) target_link: Option<String>,
    /// The template that devices get there, where they go to an application.
    pub(super) assign: Option<String>,
    /// Known ahead only of a DPS.
    pub(super) id_scope: Option<String>,
    pub(super) canary: String,
    pub(super) arrival: String,
    /// Who makes hub identities; an application needs none.
    pub(super) register: Option<&'static str>,
    /// What becomes of devices with keys of their own.
    pub(super) individual: &'static str,
    /// What becomes of devices without a template.
    pub(super) unassigned: &'static str,
    /// What becomes of names and properties.
    pub(super) carry: &'static str,
    pub(super) pace: String,
    /// The form as it was filled in for this draft.
    pub(super) change: String,
}

impl Review {
    pub(super) fn new(migration: &Migration, cloud: &Cloud) -> Self {
        let (source, target) = (&migration.plan.source, &migration.plan.target);
        let minutes = migration.plan.arrival_minutes;
        Self {
            name: migration.name.clone(),
            by: migration.created_by.name.clone(),
            source: source_words(source),
            source_link: source.app().and_then(|app| cloud.central_app_link(&app.subdomain)),
            part: source.app().map(|app| (app.group_name.clone(), app.template_name.clone())),
            target: target_words(target),
            target_link: target.app().and_then(|app| cloud.central_app_link(&app.subdomain)),
            assign: target.app().map(|app| match &app.assign {
                Some(assign) => assign.template_name.clone(),
                None => "None: devices stay unassigned unless they announce a model".into(),
            }),
            id_scope: target.hub().map(|hub| hub.id_scope.to_string()),
            canary: migration.plan.canary.as_ref().map_or("Chosen by the program".to_owned(), ToString::to_string),
            arrival: if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") },
            register: target.hub().map(|_| match migration.plan.register_on_arrival {
                true => "By DPS, as each device arrives",
                false => "Ahead, wherever it is certain which key a device presents",
            }),
            individual: match migration.plan.carry_individual {
                true => "Carried over, each with its own symmetric keys",
                false => "Skipped",
            },
            unassigned: match migration.plan.tell_unassigned {
                true => "Told too, singly",
                false => "Not told",
            },
            carry: crate::web::new::carry_label(migration.plan.carry),
            pace: crate::web::new::pace(&floor(target), None),
            change: Entered::of(migration, cloud.central_suffix).page(),
        }
    }
}

fn source_words(source: &Source) -> String {
    match source.hubs().and_then(|hubs| hubs.dps.as_ref()) {
        Some(dps) => format!("{}, through the DPS {}", source.name(), dps.name),
        None => source.name(),
    }
}

fn target_words(target: &Target) -> String {
    match target {
        Target::Hub(hub) => {
            let units = if hub.hub_units == 1 { "1 unit".to_owned() } else { format!("{} units", hub.hub_units) };
            format!("{} ({}, {units}), through the DPS {}", hub.hub_name, hub.hub_sku, hub.dps_name)
        }
        Target::App(app) => app.app_display_name.clone(),
    }
}

fn floor(target: &Target) -> ArrivalFloor {
    match target {
        Target::Hub(hub) => ArrivalFloor::of(&hub.hub_sku, hub.hub_units),
        Target::App(_) => ArrivalFloor::of_application(),
    }
}
