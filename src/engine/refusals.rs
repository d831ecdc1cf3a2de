//! Commands that the source would not deliver, one after the other: so many are no trouble of the devices.

use super::halt::Halt;
use super::run::Run;
use super::source;
use super::tell::Told;
use crate::ids::DeviceId;
use crate::migration::model::PauseReason;

/// Devices in a row whose commands the source would not deliver: so many are no trouble of the devices.
const MOST_REFUSALS: usize = 3;

/// Counts the commands that the source would not deliver, one after the other.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    in_a_row: usize,
}

impl Refusals {
    /// Takes note of what telling a device came to. Too many refusals in a row are a halt: the devices refused are told
    /// again after *Resume*.
    pub(super) async fn note(&mut self, run: &Run, id: &DeviceId, told: Told) -> Result<(), Halt> {
        if told != Told::NotDelivered {
            self.in_a_row = 0;
            return Ok(());
        }
        self.in_a_row += 1;
        if self.in_a_row < MOST_REFUSALS { Ok(()) } else { Err(self.halt(run, id).await?) }
    }

    /// Whether the last device's command was not delivered.
    pub(super) fn any(&self) -> bool {
        self.in_a_row > 0
    }

    /// The halt for refusals of which the last was that of `id`.
    pub(super) async fn halt(&self, run: &Run, id: &DeviceId) -> Result<Halt, Halt> {
        let row = run.store().device(run.id(), id).await?;
        let why = row.and_then(|row| row.detail).unwrap_or_else(|| format!("the last was {id}"));
        let command = source::command_name(run);
        let app = run.migration.plan.source.name();
        let check = match run.migration.plan.source.app() {
            Some(source) => {
                format!("that the published template {} has {command} and that you may run", source.template_name)
            }
            None => "that the hub is of the Standard or Free tier and that you may send".to_owned(),
        };
        Ok(Halt::pause(
            PauseReason::Azure,
            format!("{app} would not deliver the command {command} to {} devices in a row. {why}.", self.in_a_row),
            format!("Check {check} commands there, then press Resume: these devices are told again."),
        ))
    }
}
