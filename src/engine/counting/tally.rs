//! The arithmetic of a count, apart from where the pages come from.

use std::collections::HashSet;

use super::CountState;
use super::source::Member;
use crate::azure::error::AzureError;
use crate::ids::{DeviceId, TemplateId};

/// What was read so far, and what it comes to.
#[derive(Debug)]
pub(super) struct Tally {
    template: TemplateId,
    state: CountState,
    /// Matching members.
    matching: HashSet<DeviceId>,
    /// Members of which only the id is known yet.
    bare: HashSet<DeviceId>,
}

impl Tally {
    pub(super) fn new(template: TemplateId) -> Self {
        Self { template, state: CountState::default(), matching: HashSet::new(), bare: HashSet::new() }
    }

    pub(super) fn state(&self) -> &CountState {
        &self.state
    }

    pub(super) fn holds(&self, device: &DeviceId) -> Option<bool> {
        match self.matching.contains(device) {
            true => Some(true),
            false => self.state.members_done.then_some(false),
        }
    }

    /// A page of the group.
    pub(super) fn add_members(&mut self, members: Vec<Member>) {
        for member in members {
            self.state.seen += 1;
            if member.template.is_none() || member.enabled.is_none() || member.simulated.is_none() {
                self.bare.insert(member.id);
            } else {
                self.count(member);
            }
        }
    }

    /// The group was read to its end.
    pub(super) fn members_read(&mut self) {
        self.state.members_done = self.bare.is_empty();
    }

    /// A page of all devices of the application: it completes bare members, and tells who is in no group.
    pub(super) fn add_everybody(&mut self, devices: Vec<Member>) {
        for device in devices {
            if self.bare.remove(&device.id) {
                self.count(device);
            } else if device.template.is_none() {
                self.state.unassigned += 1;
            }
        }
        self.members_read();
    }

    /// All devices were read. Members that are still bare were deleted meanwhile.
    pub(super) fn everybody_read(&mut self) {
        self.state.members_done = true;
        self.state.done = true;
    }

    pub(super) fn fail(&mut self, error: AzureError) {
        self.state.error = Some(error);
    }

    fn count(&mut self, member: Member) {
        if member.template.as_ref() != Some(&self.template) {
            self.state.other_template += 1;
            return;
        }
        // A service that repeats a device on two pages must not make the fleet larger.
        if !self.matching.insert(member.id) {
            return;
        }
        self.state.matching += 1;
        match member {
            Member { simulated: Some(true), .. } => self.state.simulated += 1,
            Member { enabled: Some(false), .. } => self.state.blocked += 1,
            Member { provisioned: Some(false), .. } => self.state.unprovisioned += 1,
            Member { .. } => {}
        }
    }
}
