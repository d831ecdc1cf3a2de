//! Holds an application that devices come from against what was reviewed.

use super::FromApp;
use crate::azure::error::AzureError;
use crate::engine::review::Differences;

/// Notes what differs, and reads the jobs, which are needed later.
pub(in crate::engine) async fn compare(at: &FromApp, differences: &mut Differences) -> Result<(), AzureError> {
    let (central, source) = (&at.central, &at.source);
    let group = async {
        match &source.group {
            Some(id) => central.device_group(id).await.map(drop),
            None => central.devices_page(None).await.map(drop),
        }
    };
    let template = async {
        match &source.template {
            Some(id) => central.device_template(id).await.map(Some),
            None => Ok(None),
        }
    };
    let ((), template, _) = tokio::try_join!(group, template, central.jobs())?;
    let Some(template) = template else { return Ok(()) };
    let name = &source.template_name;
    match &template.migration {
        None => differences.note(true, || format!("The template {name} no longer has the command DeviceMove.")),
        Some(command) => {
            differences.note(command.component != source.component, || {
                format!("DeviceMove is in another component of {name}.")
            });
            differences.note(command.queued_if_offline, || format!("DeviceMove in {name} is now queued if offline."));
        }
    }
    Ok(())
}
