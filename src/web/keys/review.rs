//! View model of the plan, for a last look.

use crate::azure::Cloud;
use crate::ids::TenantId;
use crate::migration::model::{HubSource, Source, Target};
use crate::migration::preflight::{self, ArrivalFloor, HubSize};
use crate::migration::{Migration, Relation, Waves};
use crate::web::migration::plan_view::Link;
use crate::web::new::Entered;
use crate::web::paths;

/// The plan, for a last look.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) name: String,
    /// What it is to another migration, that one's name and its page.
    pub(super) follows: Option<(&'static str, String, String)>,
    pub(super) by: String,
    /// The application, or the hubs.
    pub(super) source: Vec<Link>,
    /// The DPS by which devices came to their hubs.
    pub(super) source_dps: Option<Link>,
    /// Group and template of an application's devices.
    pub(super) part: Option<(String, String)>,
    pub(super) target: Link,
    /// The template that devices get there, where they go to an application.
    pub(super) assign: Option<String>,
    /// Known ahead only of a DPS.
    pub(super) id_scope: Option<String>,
    pub(super) canary: String,
    /// How the others are told.
    pub(super) after: String,
    pub(super) arrival: String,
    /// How offline devices are tried again, and what that costs.
    pub(super) offline: String,
    /// Who makes hub identities; an application needs none.
    pub(super) register: Option<&'static str>,
    /// What becomes of devices with keys of their own.
    pub(super) individual: &'static str,
    /// What becomes of devices without a template; hubs have no templates.
    pub(super) unassigned: Option<&'static str>,
    /// How long hubs wait for a device.
    pub(super) patience: Option<String>,
    /// What becomes of names and properties.
    pub(super) carry: &'static str,
    pub(super) pace: String,
    /// The form as it was filled in for this draft, if it was.
    pub(super) change: Option<String>,
}

impl Review {
    /// `parent`: the migration that it follows up, if it does.
    pub(super) fn new(migration: &Migration, parent: Option<&Migration>, cloud: &Cloud, tenant: &TenantId) -> Self {
        let (source, target) = (&migration.plan.source, &migration.plan.target);
        let minutes = migration.plan.arrival_minutes;
        Self {
            name: migration.name.clone(),
            follows: migration
                .relation()
                .zip(parent)
                .map(|(relation, of)| (relation.label(), of.name.clone(), paths::migration(&of.id.to_string()))),
            by: migration.created_by.name.clone(),
            source: source_links(source, cloud, tenant),
            source_dps: source
                .hubs()
                .and_then(|hubs| hubs.dps.as_ref())
                .map(|dps| Link { text: dps.name.clone(), href: Some(cloud.portal_link(tenant, &dps.id)) }),
            part: source.app().map(|app| (app.group_name.clone(), app.template_name.clone())),
            target: Link {
                text: target_words(target),
                href: target.app().and_then(|app| cloud.central_app_link(&app.subdomain)),
            },
            assign: target.app().map(|app| match &app.assign {
                Some(assign) => assign.template_name.clone(),
                None if migration.relation() == Some(Relation::FailBack) => "The one that each device has there".into(),
                None => "None: devices stay unassigned unless they announce a model".into(),
            }),
            id_scope: target.hub().map(|hub| hub.id_scope.to_string()),
            canary: migration.plan.canary.as_ref().map_or("Chosen by the program".to_owned(), ToString::to_string),
            after: migration.plan.waves.as_ref().map_or("All the others at once".to_owned(), Waves::words),
            arrival: if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") },
            offline: preflight::offline(migration.plan.try_again, &sizes(source), None),
            register: target.hub().map(|_| match migration.plan.register_on_arrival {
                true => "By DPS, as each device arrives",
                false => "Ahead, wherever it is certain which key a device presents",
            }),
            individual: match source {
                Source::Hub(HubSource { dps: None, .. }) => "Skipped: without a DPS its keys are not known",
                _ if migration.plan.carry_individual => "Carried over, each with its own keys or certificate",
                _ => "Skipped",
            },
            unassigned: source.app().map(|_| match migration.plan.tell_unassigned {
                true => "Told too, singly",
                false => "Not told",
            }),
            patience: source.hubs().map(HubSource::patience),
            carry: match source {
                Source::App(_) => crate::web::new::carry_label(migration.plan.carry),
                Source::Hub(_) => "No: tags and properties of twins stay in the hub",
            },
            pace: crate::web::new::pace(&floor(target), None),
            change: migration.parent.is_none().then(|| Entered::of(migration, cloud.central_suffix).page()),
        }
    }
}

fn source_links(source: &Source, cloud: &Cloud, tenant: &TenantId) -> Vec<Link> {
    match source {
        Source::App(app) => {
            vec![Link { text: app.app_display_name.clone(), href: cloud.central_app_link(&app.subdomain) }]
        }
        Source::Hub(source) => source
            .hubs
            .iter()
            .map(|hub| Link { text: hub.name.clone(), href: Some(cloud.portal_link(tenant, &hub.id)) })
            .collect(),
    }
}

fn sizes(source: &Source) -> Vec<HubSize<'_>> {
    let hubs = source.hubs().into_iter().flat_map(|source| &source.hubs);
    hubs.map(|hub| HubSize { name: &hub.name, sku: &hub.sku, units: hub.units }).collect()
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
