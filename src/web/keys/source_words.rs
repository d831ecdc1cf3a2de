//! The words of the page that depend on what the devices are in: of an application nobody knows which of its groups a device
//! uses; of hubs it is known for each device.

use crate::migration::model::{HubSource, Source};

/// What the table shows.
pub(super) fn caption(source: &Source) -> String {
    match source {
        Source::App(_) => "Enrollment groups of the application".into(),
        Source::Hub(HubSource { dps: Some(dps), .. }) => format!("Enrollment groups of the DPS {}", dps.name),
        Source::Hub(_) => "Enrollment groups whose keys were pasted".into(),
    }
}

/// What an empty table says.
pub(super) fn no_groups(source: &Source) -> &'static str {
    match source {
        Source::App(_) => "No enabled enrollment groups for IoT devices",
        Source::Hub(HubSource { dps: Some(_), .. }) => "No enabled enrollment groups with symmetric keys",
        Source::Hub(_) => "No keys were pasted yet",
    }
}

/// Why it cannot be started without any group. Devices of a DPS can all have individual enrollments.
pub(super) fn blocked_without_groups(source: &Source) -> Option<String> {
    match source {
        Source::App(_) => Some(
            "The application has no enabled enrollment group for IoT devices, so no device could be let in.".into(),
        ),
        Source::Hub(HubSource { dps: Some(_), .. }) => None,
        Source::Hub(_) => Some(format!(
            "Which keys the devices of {} have is not known yet: paste the keys of their enrollment group above.",
            source.name()
        )),
    }
}

/// What a person states who does not want a group carried over.
pub(super) fn statement(source: &Source, group: &str) -> String {
    match source {
        Source::App(_) => format!("No selected device uses {group}"),
        Source::Hub(_) => format!("Leave the devices of {group} where they are"),
    }
}

/// How a group stands of which that was stated.
pub(super) fn stated(source: &Source) -> (&'static str, &'static str) {
    match source {
        Source::App(_) => ("Stated unused", "No selected device uses it, as you state."),
        Source::Hub(_) => ("Left out", "Its devices are skipped and stay where they are, as you choose."),
    }
}

/// How a group stands that the program makes.
pub(super) fn creatable(source: &Source, id: &str) -> (&'static str, String) {
    match source {
        Source::App(_) => ("Will be created", format!("As the group {id}.")),
        Source::Hub(_) => {
            ("Created if used", format!("As the group {id}, made at the start if a device has its keys."))
        }
    }
}

/// How devices are told apart, where that can be done.
pub(super) fn clearing(source: &Source) -> Option<&'static str> {
    match source {
        Source::App(_) => None,
        Source::Hub(HubSource { dps: Some(_), .. }) => Some(
            "Devices are cleared one by one: told are those whose keys derive from a group below or whose certificate is of one, and those with keys of an individual enrollment. Left where they are, each with its reason: devices with a certificate (X.509) of their own, a TPM, keys that only the hub knows or that are of no known enrollment, IoT Edge devices and those behind a gateway, and devices that are disabled or have never connected.",
        ),
        Source::Hub(_) => Some(
            "Devices are cleared one by one: told are those whose keys derive from the pasted ones. Left where they are, each with its reason: devices with other keys, with a certificate (X.509), IoT Edge devices and those behind a gateway, and devices that are disabled or have never connected.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::fixture;

    #[test]
    fn a_hub_without_a_dps_waits_for_pasted_keys_and_one_with_a_dps_does_not() {
        let with = fixture::hub_source();
        let Source::Hub(hubs) = &with else { panic!("hubs") };
        let without = Source::Hub(HubSource { dps: None, ..hubs.clone() });
        assert_eq!(blocked_without_groups(&with), None);
        let why = blocked_without_groups(&without).expect("a reason");
        assert!(why.contains("contoso-plant, contoso-plant-two") && why.contains("paste the keys"), "{why}");
        assert!(caption(&with).contains("the DPS contoso-plant-dps") && caption(&without).contains("pasted"));
    }

    #[test]
    fn the_groups_of_a_hub_are_left_out_and_those_of_an_application_unused() {
        let (app, hub) = (fixture::plan().source, fixture::hub_source());
        assert_eq!(statement(&app, "plant"), "No selected device uses plant");
        assert_eq!(statement(&hub, "plant"), "Leave the devices of plant where they are");
        assert_eq!(creatable(&app, "x").1, "As the group x.");
        assert!(creatable(&hub, "x").1.contains("if a device has its keys"));
        assert!(clearing(&app).is_none() && clearing(&hub).expect("words").contains("TPM"));
    }
}
