//! Holds an application that devices come from against what was reviewed.

use super::FromApp;
use crate::azure::error::AzureError;
use crate::engine::review::Differences;

/// Notes what differs, and reads the jobs, which are needed later.
pub(in crate::engine) async fn compare(at: &FromApp, differences: &mut Differences) -> Result<(), AzureError> {
    let (central, source) = (&at.central, &at.source);
    let (group, template, _) = tokio::try_join!(
        central.device_group(&source.group),
        central.device_template(&source.template),
        central.jobs(),
    )?;
    differences.note(group.id != source.group, || format!("The device group {} has changed.", source.group_name));
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
