//! The way back: source and target of a migration, exchanged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::FailBack;
use crate::azure::central::Central;
use crate::azure::tokens::TokenProvider;
use crate::engine::Inner;
use crate::engine::control::ControlError;
use crate::ids::{DeviceId, TemplateId};
use crate::migration::model::{
    Actor, AppTarget, Carry, CentralSource, HubSource, HubTarget, Migration, Mode, Plan, Source, SourceDps, SourceHub,
    Target,
};

/// What a fail back is to do.
pub(super) async fn plan(
    inner: &Inner,
    migration: &Migration,
    by: &Actor,
    wish: &FailBack,
) -> Result<(Mode, Plan), ControlError> {
    let tokens = inner.people.tokens(&by.id);
    let (mode, source, target) = match (&migration.plan.source, &migration.plan.target) {
        (Source::App(home), Target::Hub(hub)) => {
            let source = HubSource::back_from(hub, home.component.as_deref());
            (Mode::HubToCentral, Source::Hub(source), Target::App(AppTarget::back_to(home)))
        }
        (Source::App(home), Target::App(app)) => {
            let source = out_of(inner, migration, app, &tokens).await?;
            (Mode::CentralToCentral, Source::App(source), Target::App(AppTarget::back_to(home)))
        }
        (Source::Hub(home), Target::App(app)) => {
            let target = into_hub(inner, migration, home, wish, &tokens).await?;
            let source = out_of(inner, migration, app, &tokens).await?;
            (Mode::CentralToHub, Source::App(source), Target::Hub(target))
        }
        (Source::Hub(_), Target::Hub(_)) => {
            return Err(ControlError::NotNow("There is no way back from a hub to a hub.".into()));
        }
    };
    let plan = Plan {
        source,
        target,
        // The identities that the devices left are there still: DPS assigns them anew as they arrive.
        register_on_arrival: true,
        carry: Carry::Nothing,
        canary: None,
        ..migration.plan.clone()
    };
    Ok((mode, plan))
}

/// The hub that a fail back into hubs takes devices of, by host.
pub(super) fn from(plan: &Plan) -> Option<String> {
    plan.target.hub().map(|hub| hub.hub_host.as_str().to_ascii_lowercase())
}

/// Devices go back out of the application that they were moved to. The template that most of them have there says by which
/// command they are told; those without one are told by what their firmware listens to.
async fn out_of(
    inner: &Inner,
    migration: &Migration,
    app: &AppTarget,
    tokens: &Arc<dyn TokenProvider>,
) -> Result<CentralSource, ControlError> {
    let central = inner.azure.central(Arc::clone(tokens), &app.subdomain)?;
    let moved: HashSet<DeviceId> = inner.store.devices_moved(migration.id).await?.into_iter().collect();
    let template = most_common(&central, &moved).await?;
    let (template, template_name, component) = match template {
        None => (None, "none".to_owned(), migration.plan.source.component().map(str::to_owned)),
        Some(id) => {
            let found = central.device_template(&id).await?;
            let Some(command) = found.migration else {
                return Err(ControlError::NotNow(format!(
                    "Nothing was made: the template {} that the devices have in {} has no command DeviceMove, so they cannot be \
                     told. Add the component migration to it, publish it, and try again.",
                    found.display_name, app.app_display_name
                )));
            };
            (Some(id), found.display_name, command.component)
        }
    };
    Ok(CentralSource {
        app_id: app.app_id.clone(),
        app_name: app.app_name.clone(),
        app_display_name: app.app_display_name.clone(),
        subdomain: app.subdomain.clone(),
        group: None,
        group_name: format!("devices that “{}” moved", migration.name),
        template,
        template_name,
        component,
    })
}

async fn most_common(central: &Central, moved: &HashSet<DeviceId>) -> Result<Option<TemplateId>, ControlError> {
    let mut tally: HashMap<TemplateId, usize> = HashMap::new();
    for device in central.devices().await? {
        if let Some(template) = device.template.filter(|_| moved.contains(&device.id)) {
            *tally.entry(template).or_default() += 1;
        }
    }
    let most = tally
        .into_iter()
        .max_by(|(id, one), (other_id, other)| one.cmp(other).then_with(|| other_id.as_str().cmp(id.as_str())));
    Ok(most.map(|(template, _)| template))
}

/// Devices go back to the hub that they came from, through the DPS by which they came there.
async fn into_hub(
    inner: &Inner,
    migration: &Migration,
    home: &HubSource,
    wish: &FailBack,
    tokens: &Arc<dyn TokenProvider>,
) -> Result<HubTarget, ControlError> {
    let hub = home_hub(inner, migration, home, wish).await?;
    let Some(dps) = &home.dps else {
        return Err(ControlError::NotNow(format!(
            "The way back is not known: no DPS was chosen by which the devices came to {}. Move them there with a new migration.",
            hub.name
        )));
    };
    let SourceDps { id, name, .. } = dps;
    let found = inner.azure.arm(Arc::clone(tokens)).get_dps(id).await?;
    Ok(HubTarget {
        dps_id: id.clone(),
        dps_name: name.clone(),
        dps_host: found.service_host,
        id_scope: found.id_scope,
        hub_id: hub.id.clone(),
        hub_name: hub.name.clone(),
        hub_host: hub.host.clone(),
        hub_sku: hub.sku.clone(),
        hub_units: hub.units,
    })
}

/// The hub that was chosen, or the only one that moved devices came from.
async fn home_hub<'a>(
    inner: &Inner,
    migration: &Migration,
    home: &'a HubSource,
    wish: &FailBack,
) -> Result<&'a SourceHub, ControlError> {
    let sources = inner.store.moved_by_source(migration.id).await?;
    let host = match (&wish.hub, sources.as_slice()) {
        (Some(host), _) => host,
        (None, [(only, _)]) => only,
        (None, []) => return Err(ControlError::NotNow("There is no device at the target that could go back.".into())),
        (None, _) => {
            return Err(ControlError::NotNow("The devices came from several hubs: choose one to go back to.".into()));
        }
    };
    let hub = home.hubs.iter().find(|hub| hub.host.same_as(host));
    hub.ok_or_else(|| ControlError::NotNow("No device of this migration came from that hub.".into()))
}
