//! What no API of IoT Central shows, and so has to be noted by hand while the application is still there.
//!
//! Facts: the operation groups of the REST API reference, and the how-to *Integrate IoT Central with CI/CD*, which lists what
//! cannot be transferred.

/// Something to be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand {
    /// What.
    pub what: &'static str,
    /// What to note of it, and where it is.
    pub note: &'static str,
}

/// What has no API.
pub const BY_HAND: [ByHand; 8] = [
    ByHand {
        what: "Rules",
        note: "Each rule's device template, filters, conditions, time window, and its actions: recipients of mail, webhooks, \
               Power Automate, Logic Apps.",
    },
    ByHand {
        what: "Views and forms of device templates",
        note: "How a device's page looks; and the custom settings of a template, such as names, units and limits that were \
               changed only for display.",
    },
    ByHand {
        what: "Drafts of device templates",
        note: "Only published versions are listed. Publish a draft, or export it on its template's page.",
    },
    ByHand { what: "Personal dashboards of other people", note: "Each person sees only their own." },
    ByHand {
        what: "What roles may do",
        note: "The permissions of custom roles, under Permissions, Roles. The roles Administrator, Builder and Operator are the \
               same everywhere.",
    },
    ByHand {
        what: "Saved queries of the data explorer, and drafts of jobs",
        note: "Dashboards refer to queries by their ids only.",
    },
    ByHand {
        what: "Appearance",
        note: "The application's image, logo, colours, names, help links, and pictures on dashboards.",
    },
    ByHand {
        what: "What Azure keeps of the application",
        note: "Pricing plan, managed identity, private endpoints, diagnostic settings: in the Azure portal, where a template of \
               the resource can be exported.",
    },
];

/// What is there to be read, and is not taken along on purpose.
pub const NOT_TAKEN: [ByHand; 4] = [
    ByHand {
        what: "Secrets",
        note: "Connection strings, keys, passwords, tokens, values of headers and of environment variables. They are left out \
               wherever they stand; the names of their fields stay. Get them from where they were made, or make new ones.",
    },
    ByHand { what: "API tokens", note: "They work with this application only. Make new ones where you need them." },
    ByHand {
        what: "Enrollment groups",
        note: "Their keys let devices in. A migration carries them over by itself; X.509 groups need the certificate of their \
               authority.",
    },
    ByHand {
        what: "Devices and their data",
        note: "Devices move by a migration. IoT Central keeps telemetry for a limited time only: export it while the \
               application is there.",
    },
];
