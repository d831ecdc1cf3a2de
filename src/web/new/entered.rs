//! What a person has entered into the form so far, as text: it travels in the address of the page, so that a reload, the
//! way back and a sign-in in between lose nothing. There is nothing secret in it.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::try_again;
use super::waves::IN_WAVES;
use crate::identity::LocalPath;
use crate::ids::Subdomain;
use crate::migration::model::{Carry, HubSource, Source, Target};
use crate::migration::{Migration, Mode, Waves};
use crate::web::paths;

/// The raw fields. All are optional and none is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub struct Entered {
    /// Name of the migration.
    pub name: String,
    /// Stored name of the mode.
    pub mode: String,
    /// Subdomain of the application chosen from the list.
    pub application: String,
    /// Address of an application that is not listed.
    pub address: String,
    /// Id of the device group.
    pub group: String,
    /// `@id` of the device template.
    pub template: String,
    /// Service host of the DPS that devices of a hub came by, or [`NO_DPS`].
    pub source_dps: String,
    /// Hosts of the hubs that they are in.
    pub source_hubs: Vec<String>,
    /// Service host of the DPS that devices go to.
    pub dps: String,
    /// Host of the hub that they go to.
    pub hub: String,
    /// Subdomain of the application that the devices go to, chosen from the list.
    pub target_application: String,
    /// Address of one that is not listed.
    pub target_address: String,
    /// `@id` of the template that devices get there.
    pub target_template: String,
    /// `yes` if DPS shall register each device as it arrives.
    pub on_arrival: String,
    /// `yes` if devices with keys of their own are carried over.
    pub individual: String,
    /// `yes` if devices without a template are told too.
    pub unassigned: String,
    /// Stored name of what is carried over; empty for up to some number of devices.
    pub carry: String,
    /// Device to be moved first.
    pub canary: String,
    /// Minutes.
    pub minutes: String,
    /// `waves` if the devices after the canary go in waves.
    pub after: String,
    /// Shares of the waves.
    pub waves: String,
    /// Percent of a wave.
    pub halt: String,
    /// Stored name of how often offline devices are tried again; empty for what is usual.
    pub try_every: String,
    /// Stored name of for how long; empty for what is usual.
    pub try_for: String,
    /// Seconds that a hub waits for a device to connect.
    pub connect_seconds: String,
    /// Seconds that a device of a hub has to answer.
    pub response_seconds: String,
    /// Not empty: read Azure anew. Not kept in addresses.
    pub reload: String,
    /// Names this filling-in, so that pressing *Migrate* twice makes one migration. Not kept in addresses.
    pub key: String,
}

/// What stands for the choice of hubs without a DPS.
pub(super) const NO_DPS: &str = "none";
/// Form key of each hub that devices come from.
pub(super) const SOURCE_HUB: &str = "source_hub";

/// What the name of a migration of the rest ends with.
const REST: &str = ", the rest";

impl From<Vec<(String, String)>> for Entered {
    /// Fields that this form does not know say nothing.
    fn from(pairs: Vec<(String, String)>) -> Self {
        let mut entered = Self::default();
        for (key, value) in pairs {
            if key == SOURCE_HUB {
                if !value.is_empty() && !entered.source_hubs.contains(&value) {
                    entered.source_hubs.push(value);
                }
            } else if let Some(field) = entered.field(&key) {
                *field = value;
            }
        }
        entered
    }
}

impl Entered {
    /// The field of a form key that has one value.
    fn field(&mut self, key: &str) -> Option<&mut String> {
        Some(match key {
            "name" => &mut self.name,
            "mode" => &mut self.mode,
            "application" => &mut self.application,
            "address" => &mut self.address,
            "group" => &mut self.group,
            "template" => &mut self.template,
            "source_dps" => &mut self.source_dps,
            "dps" => &mut self.dps,
            "hub" => &mut self.hub,
            "target_application" => &mut self.target_application,
            "target_address" => &mut self.target_address,
            "target_template" => &mut self.target_template,
            "on_arrival" => &mut self.on_arrival,
            "individual" => &mut self.individual,
            "unassigned" => &mut self.unassigned,
            "carry" => &mut self.carry,
            "canary" => &mut self.canary,
            "minutes" => &mut self.minutes,
            "after" => &mut self.after,
            "waves" => &mut self.waves,
            "halt" => &mut self.halt,
            "try_every" => &mut self.try_every,
            "try_for" => &mut self.try_for,
            "connect_seconds" => &mut self.connect_seconds,
            "response_seconds" => &mut self.response_seconds,
            "reload" => &mut self.reload,
            "key" => &mut self.key,
            _ => return None,
        })
    }

    /// The form as it was filled in for a migration. `suffix`: the end of the hosts of this cloud's applications.
    #[must_use]
    pub fn of(migration: &Migration, suffix: &str) -> Self {
        let yes = |chosen: bool| if chosen { "yes".to_owned() } else { String::new() };
        let named = |listed: bool, subdomain: &Subdomain| match listed {
            true => (subdomain.to_string(), String::new()),
            false => (String::new(), format!("https://{subdomain}.{suffix}")),
        };
        let entered = match &migration.plan.source {
            Source::App(app) => {
                let (application, address) = named(app.app_id.is_some(), &app.subdomain);
                let group = app.group.as_ref().map(ToString::to_string).unwrap_or_default();
                let template = app.template.as_ref().map(ToString::to_string).unwrap_or_default();
                Self { application, address, group, template, ..Self::default() }
            }
            Source::Hub(hubs) => Self::of_hubs(hubs),
        };
        let entered = match migration.plan.source {
            Source::App(_) => Self {
                on_arrival: yes(migration.plan.register_on_arrival),
                carry: Some(migration.plan.carry)
                    .filter(|carry| *carry != Carry::Few)
                    .map_or("", Carry::stored)
                    .to_owned(),
                unassigned: yes(migration.plan.tell_unassigned),
                individual: yes(migration.plan.carry_individual),
                ..entered
            },
            // Nobody was asked.
            Source::Hub(_) => entered,
        };
        let waves = migration.plan.waves.as_ref();
        let (try_every, try_for) = try_again::entered_for(migration.plan.try_again);
        let entered = Self {
            name: migration.name.clone(),
            mode: migration.mode.stored().to_owned(),
            canary: migration.plan.canary.as_ref().map(ToString::to_string).unwrap_or_default(),
            minutes: migration.plan.arrival_minutes.to_string(),
            after: waves.map(|_| IN_WAVES.to_owned()).unwrap_or_default(),
            waves: waves.map(Waves::shares).unwrap_or_default(),
            halt: waves.map(|waves| waves.halt_percent().to_string()).unwrap_or_default(),
            try_every,
            try_for,
            ..entered
        };
        match &migration.plan.target {
            Target::Hub(hub) => Self { dps: hub.dps_host.to_string(), hub: hub.hub_host.to_string(), ..entered },
            Target::App(app) => {
                let (target_application, target_address) = named(app.app_id.is_some(), &app.subdomain);
                let target_template = app.assign.as_ref().map(|assign| assign.template.to_string()).unwrap_or_default();
                Self { target_application, target_address, target_template, ..entered }
            }
        }
    }

    fn of_hubs(source: &HubSource) -> Self {
        Self {
            source_dps: source.dps.as_ref().map_or_else(|| NO_DPS.to_owned(), |dps| dps.host.to_string()),
            source_hubs: source.hubs.iter().map(|hub| hub.host.to_string()).collect(),
            connect_seconds: source.connect_seconds.to_string(),
            response_seconds: source.response_seconds.to_string(),
            ..Self::default()
        }
    }

    /// From where to where; a form that has not been touched moves devices to a hub.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        if self.mode.is_empty() { Some(Mode::CentralToHub) } else { Mode::from_stored(&self.mode) }
    }

    /// The devices go to an application.
    #[must_use]
    pub fn is_into_central(&self) -> bool {
        matches!(self.mode(), Some(Mode::CentralToCentral | Mode::HubToCentral))
    }

    /// The devices come from hubs.
    #[must_use]
    pub fn is_from_hub(&self) -> bool {
        self.mode() == Some(Mode::HubToCentral)
    }

    /// What is carried over for devices of an application.
    #[must_use]
    pub fn carried(&self) -> Carry {
        Carry::from_stored(&self.carry).unwrap_or(Carry::Few)
    }

    /// The form for the devices that a migration did not move. Its canary has moved or is to be chosen anew.
    #[must_use]
    pub fn rest_of(migration: &Migration, suffix: &str) -> Self {
        let before = Self::of(migration, suffix);
        let name = before.name.strip_suffix(REST).unwrap_or(&before.name);
        let room = Migration::NAME_MAX - REST.len();
        let name = name.chars().take(room).collect::<String>() + REST;
        Self { name, canary: String::new(), ..before }
    }

    /// The fields as a query string, without `?`. Empty fields are left out.
    #[must_use]
    pub fn query(&self) -> String {
        let fields = [
            ("name", &self.name),
            ("mode", &self.mode),
            ("application", &self.application),
            ("address", &self.address),
            ("group", &self.group),
            ("template", &self.template),
            ("source_dps", &self.source_dps),
            ("dps", &self.dps),
            ("hub", &self.hub),
            ("target_application", &self.target_application),
            ("target_address", &self.target_address),
            ("target_template", &self.target_template),
            ("on_arrival", &self.on_arrival),
            ("individual", &self.individual),
            ("unassigned", &self.unassigned),
            ("carry", &self.carry),
            ("canary", &self.canary),
            ("minutes", &self.minutes),
            ("after", &self.after),
            ("waves", &self.waves),
            ("halt", &self.halt),
            ("try_every", &self.try_every),
            ("try_for", &self.try_for),
            ("connect_seconds", &self.connect_seconds),
            ("response_seconds", &self.response_seconds),
        ];
        let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let hubs = self.source_hubs.iter().map(|host| (SOURCE_HUB, host));
        Serializer::new(String::new()).extend_pairs(filled.chain(hubs)).finish()
    }

    /// The address of the form with these fields filled in.
    #[must_use]
    pub fn page(&self) -> String {
        match self.query() {
            query if query.is_empty() => paths::HOME.to_owned(),
            query => format!("{}?{query}", paths::HOME),
        }
    }

    /// The way back here from a sign-in. Only a name that is far too long is left behind, and a great many hubs.
    #[must_use]
    pub fn return_to(&self) -> LocalPath {
        let nameless = || Self { name: String::new(), ..self.clone() };
        let hubless = || Self { source_hubs: Vec::new(), ..nameless() };
        // What somebody pasted into a small field by mistake must not cost the rest.
        let none = String::new;
        let wordless = || Self { waves: none(), halt: none(), canary: none(), ..hubless() };
        LocalPath::parse(&self.page())
            .or_else(|| LocalPath::parse(&nameless().page()))
            .or_else(|| LocalPath::parse(&hubless().page()))
            .or_else(|| LocalPath::parse(&wordless().page()))
            .unwrap_or_default()
    }

    /// Whether Azure shall be read anew.
    #[must_use]
    pub fn wants_reload(&self) -> bool {
        !self.reload.is_empty()
    }
}

#[cfg(test)]
#[path = "entered_tests.rs"]
mod tests;
