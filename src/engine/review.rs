//! Holds Azure, as it is now, against what was reviewed, and tries the rights that a run will need.

use super::Inner;
use super::given::Given;
use super::source::{self, Origin};
use super::start::Problem;
use super::target::At;
use super::target::app::AtApp;
use super::target::hub::AtHub;
use crate::azure::error::AzureError;
use crate::ids::PersonId;
use crate::migration::model::{Migration, Source};

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Differences(Vec<Problem>);

impl Differences {
    pub(super) fn note(&mut self, differs: bool, what: impl FnOnce() -> String) {
        if differs {
            let remedy = "Make a new migration with the present values, or set them back.".into();
            self.0.push(Problem { what: what(), remedy });
        }
    }
}

/// What differs now from what was reviewed.
///
/// # Errors
/// Whatever Azure answers: a right that is missing now would be missing in the middle of the night.
pub(super) async fn changes(
    inner: &Inner,
    migration: &Migration,
    person: &PersonId,
) -> Result<Vec<Problem>, AzureError> {
    let tokens = inner.people.tokens(person);
    let plan = &migration.plan;
    let origin = Origin::new(inner, &plan.source, Given::default(), &tokens)?;
    let at = At::new(inner, &plan.target, &tokens)?;
    let mut differences = Differences::default();
    match &origin {
        Origin::App(at) => source::app::review::compare(at, &mut differences).await?,
        Origin::Hub(at) => source::hub::review::compare(at, &mut differences).await?,
    }
    match &at {
        At::Hub(at) => hub(at, &mut differences).await?,
        At::App(at) => app(at, &plan.source, &mut differences).await?,
    }
    Ok(differences.0)
}

async fn hub(at: &AtHub, differences: &mut Differences) -> Result<(), AzureError> {
    let target = &at.target;
    let (dps, hub) = tokio::try_join!(at.arm.get_dps(&target.dps_id), at.arm.get_hub(&target.hub_id))?;
    at.hub.query_devices_page("SELECT deviceId FROM devices", None).await?;
    let (dps_name, hub_name) = (&target.dps_name, &target.hub_name);
    differences.note(dps.id_scope != target.id_scope, || {
        format!("The ID scope of {dps_name} is now {}, not {}.", dps.id_scope, target.id_scope)
    });
    differences
        .note(!dps.service_host.same_as(target.dps_host.as_str()), || format!("The host of {dps_name} has changed."));
    differences.note(!dps.state.eq_ignore_ascii_case("active"), || format!("{dps_name} is {}, not Active.", dps.state));
    differences.note(!hub.host.same_as(target.hub_host.as_str()), || format!("The host of {hub_name} has changed."));
    differences.note(!hub.state.eq_ignore_ascii_case("active"), || format!("{hub_name} is {}, not Active.", hub.state));
    let linked = dps.linked_hubs.iter().any(|linked| linked.host.same_as(target.hub_host.as_str()));
    differences.note(!linked, || format!("{hub_name} is no longer linked to {dps_name}."));
    Ok(())
}

async fn app(at: &AtApp, source: &Source, differences: &mut Differences) -> Result<(), AzureError> {
    let app = &at.target.app_display_name;
    at.central.devices_page(None).await?;
    let same = source.app().is_some_and(|source| source.subdomain == at.target.subdomain);
    differences.note(same, || format!("{app} is both source and target."));
    let Some(assign) = &at.target.assign else { return Ok(()) };
    let name = &assign.template_name;
    let found = at.central.find_device_template(&assign.template).await?;
    differences.note(found.is_none(), || format!("{app} no longer has the template {name}."));
    differences.note(found.is_some_and(|template| template.model != assign.model), || {
        format!("The template {name} of {app} has another capability model now.")
    });
    Ok(())
}
