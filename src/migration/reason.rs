//! Why a device is skipped, failed or waited for: a stored name, words for the page, and what to do.

use super::model::stored_names;

/// Why a device was not told to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// A simulated device has no firmware to move.
    Simulated,
    /// Blocked, or waiting for approval, in the source.
    Blocked,
    /// It has an individual attestation: the group's keys do not admit it.
    IndividualAttestation,
    /// The target's evidence shows it there already.
    AlreadyAtTarget,
    /// Another active migration has it.
    BeingMoved,
    /// DPS does not allow its id as a registration id.
    IdNotAllowed,
    /// An IoT Edge device does not implement DeviceMove.
    Edge,
    /// An individual enrollment of its name at the target has keys that it will not present.
    OtherEnrollment,
    /// The target application knows it already, and would not let it in.
    BlockedAtTarget,
    /// The target application has a simulated device of its name.
    NameTaken,
    /// Its identity is disabled in the hub.
    Disabled,
    /// Its identity has never been used.
    NeverConnected,
    /// It reaches its target by way of an IoT Edge gateway, not by DPS.
    GatewayChild,
    /// It proves itself with a certificate.
    Certificate,
    /// It proves itself with a certificate of its own, which nobody supplied.
    CertificateNeeded,
    /// It proves itself with a TPM.
    Tpm,
    /// It never came by a DPS: its firmware cannot obey.
    HubOnlyKey,
    /// Its keys are of no enrollment that is known.
    KeyUnknown,
    /// The keys of its enrollment group are not carried over.
    GroupLeft,
    /// Its template in the source is another than that of the devices that were chosen with it.
    OtherTemplate,
    /// A clean-up removes it, or has removed it, from where it would go back to.
    Removed,
}
stored_names!(SkipReason {
    Simulated = "simulated",
    Blocked = "blocked",
    IndividualAttestation = "individual_attestation",
    AlreadyAtTarget = "already_at_target",
    BeingMoved = "being_moved",
    IdNotAllowed = "id_not_allowed",
    Edge = "edge",
    OtherEnrollment = "other_enrollment",
    BlockedAtTarget = "blocked_at_target",
    NameTaken = "name_taken",
    Disabled = "disabled",
    NeverConnected = "never_connected",
    GatewayChild = "gateway_child",
    Certificate = "certificate",
    CertificateNeeded = "certificate_needed",
    Tpm = "tpm",
    HubOnlyKey = "hub_only_key",
    KeyUnknown = "key_unknown",
    GroupLeft = "group_left",
    OtherTemplate = "other_template",
    Removed = "removed",
});

impl SkipReason {
    /// Short words for a table cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Simulated => "simulated device",
            Self::Blocked => "blocked or awaiting approval",
            Self::IndividualAttestation => "individual attestation",
            Self::AlreadyAtTarget => "already at the target",
            Self::BeingMoved => "being moved by another migration",
            Self::IdNotAllowed => "id not allowed in DPS",
            Self::Edge => "IoT Edge device",
            Self::OtherEnrollment => "individual enrollment at the target",
            Self::BlockedAtTarget => "blocked or awaiting approval at the target",
            Self::NameTaken => "simulated device of its name at the target",
            Self::Disabled => "disabled in the hub",
            Self::NeverConnected => "never connected to the hub",
            Self::GatewayChild => "behind an IoT Edge gateway",
            Self::Certificate => "X.509 certificate of its own",
            Self::CertificateNeeded => "its certificate was not supplied",
            Self::Tpm => "TPM",
            Self::HubOnlyKey => "key of the hub only",
            Self::KeyUnknown => "key of no known enrollment",
            Self::GroupLeft => "enrollment group not carried over",
            Self::OtherTemplate => "of another template",
            Self::Removed => "removed from where it came from",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Simulated => "Nothing to do: there is no real device behind it.",
            Self::Blocked => "Unblock or approve it in IoT Central, then migrate again.",
            Self::IndividualAttestation => {
                "Choose to carry over devices with keys or certificates of their own, supply its certificate if it has one, and migrate again. A TPM cannot be carried over."
            }
            Self::AlreadyAtTarget => "Nothing to do.",
            Self::BeingMoved => "Wait for the other migration to end, then migrate again.",
            Self::IdNotAllowed => "Give the device an id of letters, digits and - . _ : only.",
            Self::Edge => "Change scope and key in the device's own config.toml.",
            Self::OtherEnrollment => {
                "An individual enrollment wins over the group and has other keys: remove it from the target, then migrate again."
            }
            Self::NameTaken => "Delete the simulated device in the target application, then migrate again.",
            Self::Disabled => "Enable its identity in the hub, then migrate again.",
            Self::NeverConnected => "Nothing has ever used its identity. Once the device has connected, migrate again.",
            Self::GatewayChild => "It does not go through DPS: point it to a gateway of the target by hand.",
            Self::Certificate => "Give the target its certificate, or that of its authority, and move it by hand.",
            Self::CertificateNeeded => {
                "Supply its certificate where keys are given, before the start of another migration or while this one is paused for keys."
            }
            Self::Tpm => "IoT Central takes no TPM: give it another attestation, then migrate it again.",
            Self::HubOnlyKey => {
                "It was given its key by hand and never registered with a DPS, so its firmware cannot go to another place by itself: change its connection by hand."
            }
            Self::KeyUnknown => {
                "Find the enrollment whose keys it has (another DPS, or a group that was deleted), and migrate with that, or paste its keys."
            }
            Self::GroupLeft => "Make the keys of its enrollment group known to the target, then migrate again.",
            Self::Removed => "A clean-up removed it there: there is no way back for it.",
            Self::OtherTemplate => "Migrate it with the others of its template in the source.",
            Self::BlockedAtTarget => "Unblock or approve it in the target application, then migrate again.",
        }
    }
}

/// Why a device did not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailReason {
    /// It could not be reached until the person finished the migration.
    Offline,
    /// It answered with a status other than 2xx.
    Refused,
    /// It answered, and the target never saw it.
    NotSeen,
    /// The hub holds an identity of this name with other keys.
    KeyConflict,
    /// The DPS refused its registration.
    RegistrationRefused,
    /// It came to another hub than the chosen one.
    WrongHub,
    /// Azure refused to deliver the command.
    CommandRefused,
    /// It neither answered nor turned up.
    NoAnswer,
    /// The migration was stopped before the device was settled.
    Stopped,
    /// The hub's identity of this name is disabled, or for IoT Edge: it would shut the device out.
    IdentityClosed,
    /// It was deleted in the source after the snapshot.
    Deleted,
    /// Azure answered about every other device and not about this one, so it could not be cleared to move.
    NotReadable,
    /// It came to the target application, and nobody approved it there until the person finished the migration.
    NotApproved,
}
stored_names!(FailReason {
    Offline = "offline",
    Refused = "refused",
    NotSeen = "not_seen",
    KeyConflict = "key_conflict",
    RegistrationRefused = "registration_refused",
    WrongHub = "wrong_hub",
    CommandRefused = "command_refused",
    NoAnswer = "no_answer",
    Stopped = "stopped",
    IdentityClosed = "identity_closed",
    Deleted = "deleted",
    NotReadable = "not_readable",
    NotApproved = "not_approved",
});

impl FailReason {
    /// Short words for a table cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Refused => "refused",
            Self::NotSeen => "not seen at the target",
            Self::KeyConflict => "identity with other keys at the target",
            Self::RegistrationRefused => "registration refused",
            Self::WrongHub => "arrived at another hub",
            Self::CommandRefused => "command not delivered",
            Self::NoAnswer => "no answer",
            Self::Stopped => "migration stopped",
            Self::IdentityClosed => "identity at the hub disabled or for IoT Edge",
            Self::Deleted => "deleted at the source",
            Self::NotReadable => "could not be read",
            Self::NotApproved => "not approved at the target",
        }
    }

    /// The device may have left the source without reaching the target: somebody has to look for it.
    #[must_use]
    pub fn may_be_lost(self) -> bool {
        matches!(self, Self::NotSeen | Self::NoAnswer | Self::WrongHub | Self::RegistrationRefused | Self::NotApproved)
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Offline => "Bring the device online and migrate again.",
            Self::Refused => "Look up the status in the device's firmware, mend the cause and migrate again.",
            Self::NotSeen => {
                "It was told and was not seen at the target. Look first whether it is still at the source, then at the device's own log."
            }
            Self::KeyConflict => {
                "Compare the identity's keys with the device's; delete the identity if it is a left-over, then migrate again."
            }
            Self::RegistrationRefused => {
                "Check the enrollment group's keys at the target (and the DPS's link to the hub), then restart the device."
            }
            Self::WrongHub => "Check which enrollment admitted it and to which hub that leads.",
            Self::CommandRefused => "Check the device (and its template) at the source, then migrate again.",
            Self::NoAnswer => "Look at the device: it may be running another firmware, or be out of reach.",
            Self::Stopped => "Migrate again to go on.",
            Self::IdentityClosed => {
                "Enable the identity in the hub, or delete it if it is a left-over, then migrate again."
            }
            Self::Deleted => "Nothing to do, unless it was deleted by mistake: its firmware may still be running.",
            Self::NotReadable => "It was not told. Migrate again; if it stays so, report it to Azure's support.",
            Self::NotApproved => "It has left the source: approve it in the target application.",
        }
    }
}

/// What a waiting device is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The source could not connect to it.
    Offline,
    /// It came to the target application, which does not let it in before somebody approves it.
    Approval,
}
stored_names!(WaitReason { Offline = "offline", Approval = "approval" });

impl WaitReason {
    /// Short words for a table cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Approval => "approval at the target",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Offline => "Bring the device online; it is tried again as was chosen, or press Try again now.",
            Self::Approval => "Press Approve arriving devices, or approve it in the target application.",
        }
    }
}
