//! Everything in the simulated Azure that must stay secret, in one list: for tests that look for it where it should not be.

use super::device::Credential;
use super::dps::model::Attestation;
use super::hub::model::Authentication;
use super::state::Shared;
use super::world::{App, Dps, Hub, Policy, World};

impl Shared {
    /// Codes, refresh tokens, client secrets, keys of policies, of enrollments and of devices, what data exports sign in with, as they are now. Access and ID tokens are
    /// not kept here: they all begin like [`super::entra::tokens::issue_access`]'s.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.look(of_world);
        self.peek_entra(|entra| secrets.extend(entra.secrets().map(str::to_owned)));
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }
}

fn of_world(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> = world.service_principals.values().map(|app| app.secret.clone()).collect();
    for app in world.apps.values() {
        of_app(app, &mut secrets);
    }
    for dps in world.dps.values() {
        of_dps(dps, &mut secrets);
    }
    for hub in world.hubs.values() {
        of_hub(hub, &mut secrets);
    }
    for device in world.devices.values() {
        if let Credential::Key(key) = &device.credential {
            secrets.push(key.clone());
        }
    }
    secrets
}

fn of_app(app: &App, secrets: &mut Vec<String>) {
    for group in app.enrollment_groups.values() {
        of_attestation(&group.attestation, secrets);
        // What `credentials` of a device would show.
        let derived = app.devices.keys().filter_map(|id| group.attestation.device_keys(id, true));
        secrets.extend(derived.flat_map(|(primary, secondary)| [primary, secondary]));
    }
    for token in app.configuration.api_tokens.values() {
        secrets.push(token.key.clone());
        secrets.extend(crate::sandbox::central::api_token_text(app, token));
    }
    secrets.extend(crate::sandbox::central::configured_secrets(app));
    for attestation in app.devices.values().filter_map(|device| device.attestation.as_ref()) {
        of_attestation(attestation, secrets);
    }
}

fn of_dps(dps: &Dps, secrets: &mut Vec<String>) {
    of_policies(&dps.policies, secrets);
    let groups = dps.groups.values().map(|group| &group.settings);
    for settings in groups.chain(dps.enrollments.values().map(|enrollment| &enrollment.settings)) {
        of_attestation(&settings.attestation, secrets);
    }
}

fn of_hub(hub: &Hub, secrets: &mut Vec<String>) {
    of_policies(&hub.policies, secrets);
    for identity in hub.identities.values() {
        if let Authentication::Sas { primary, secondary } = &identity.authentication {
            secrets.extend([primary.clone(), secondary.clone()]);
        }
    }
}

fn of_policies(policies: &[Policy], secrets: &mut Vec<String>) {
    secrets.extend(policies.iter().flat_map(|policy| [policy.primary.clone(), policy.secondary.clone()]));
}

fn of_attestation(attestation: &Attestation, secrets: &mut Vec<String>) {
    if let Attestation::SymmetricKey { primary, secondary } = attestation {
        secrets.extend([primary.clone(), secondary.clone()]);
    }
}
