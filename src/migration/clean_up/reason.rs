//! Why a device is kept: a stored name, words for the page, and what to do.

use crate::migration::model::stored_names;

/// Why a device was not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeepReason {
    /// The migration does not hold it to be moved.
    NotMoved,
    /// It has not been proven at the target for long enough.
    Soaking,
    /// A migration that is at work has it.
    BeingMoved,
    /// An earlier clean-up has removed it.
    RemovedBefore,
    /// The source does not show it to whoever cleans up, which need not mean that it is gone.
    NotShown,
    /// What the source has of its name is no real device.
    Simulated,
    /// The target does not have it, or would not let it in, or its registration leads elsewhere.
    NotAtTarget,
    /// The target has not heard of it in the last hour.
    Silent,
    /// The target application does not show when it last heard of it.
    NoTimes,
    /// The source has heard of it since it was proven at the target.
    SeenAtSource,
    /// It was changed in the source again and again while it was looked at.
    Changed,
    /// The source refused to delete it.
    Refused,
    /// Azure answered about others and not about this one.
    NotReadable,
    /// The clean-up was stopped while it was being removed, and whether it was cannot be read.
    Unclear,
    /// The clean-up was stopped before its turn.
    Stopped,
}
stored_names!(KeepReason {
    NotMoved = "not_moved",
    Soaking = "soaking",
    BeingMoved = "being_moved",
    RemovedBefore = "removed_before",
    NotShown = "not_shown",
    Simulated = "simulated",
    NotAtTarget = "not_at_target",
    Silent = "silent",
    NoTimes = "no_times",
    SeenAtSource = "seen_at_source",
    Changed = "changed",
    Refused = "refused",
    NotReadable = "not_readable",
    Unclear = "unclear",
    Stopped = "stopped",
});

impl KeepReason {
    /// Short words for a table cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotMoved => "not moved",
            Self::Soaking => "proven at the target too recently",
            Self::BeingMoved => "being moved by a migration",
            Self::RemovedBefore => "removed before",
            Self::NotShown => "not shown by the source",
            Self::Simulated => "simulated device in the source",
            Self::NotAtTarget => "not at the target now",
            Self::Silent => "silent at the target",
            Self::NoTimes => "no times at the target",
            Self::SeenAtSource => "seen at the source since",
            Self::Changed => "changed meanwhile",
            Self::Refused => "deletion refused",
            Self::NotReadable => "could not be read",
            Self::Unclear => "not known whether it was removed",
            Self::Stopped => "clean-up stopped",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotMoved => "Only devices that this migration proved at the target are removed.",
            Self::Soaking => "Clean up again once it has been there for long enough.",
            Self::BeingMoved => "Wait for that migration to end, then clean up again.",
            Self::RemovedBefore => "Nothing to do.",
            Self::NotShown => {
                "It was deleted there, or is of an organization that whoever cleans up may not see. Have it cleaned up by whoever migrated it."
            }
            Self::Simulated => "Delete it in IoT Central if nobody needs it.",
            Self::NotAtTarget => {
                "See that it is at the target before its way back is taken from it, then clean up again."
            }
            Self::Silent => {
                "Clean up again while it is connected: only a device that is alive at the target is removed."
            }
            Self::NoTimes => {
                "Give it a template with telemetry or reported properties there, so that its signs of life can be seen, or delete it by hand."
            }
            Self::SeenAtSource => {
                "It went back, or its firmware forgets where it went: without its entry in the source it would be lost. Update its firmware, and migrate it again."
            }
            Self::Changed => "Somebody works on it in the source. Clean up again later.",
            Self::Refused => "Look at it in the source.",
            Self::NotReadable => "Clean up again; if it stays so, report it to Azure's support.",
            Self::Unclear => "Look for it in the source.",
            Self::Stopped => "Clean up again to go on.",
        }
    }
}
