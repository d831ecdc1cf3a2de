//! What a person has entered into the form so far, as text: it travels in the address of the page, so that a reload, the
//! way back and a sign-in in between lose nothing. There is nothing secret in it.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::identity::LocalPath;
use crate::ids::Subdomain;
use crate::migration::model::{Carry, Source, Target};
use crate::migration::{Migration, Mode};
use crate::web::paths;

/// The raw fields. All are optional and none is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
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
    /// Service host of the DPS.
    pub dps: String,
    /// Host of the hub.
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
    /// Not empty: read Azure anew. Not kept in addresses.
    pub reload: String,
    /// Names this filling-in, so that pressing *Migrate* twice makes one migration. Not kept in addresses.
    pub key: String,
}

/// What the name of a migration of the rest ends with.
const REST: &str = ", the rest";

impl Entered {
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
                let (group, template) = (app.group.to_string(), app.template.to_string());
                Self { application, address, group, template, ..Self::default() }
            }
            Source::Hub(_) => Self::default(),
        };
        let entered = Self {
            name: migration.name.clone(),
            mode: migration.mode.stored().to_owned(),
            on_arrival: yes(migration.plan.register_on_arrival),
            carry: Some(migration.plan.carry).filter(|carry| *carry != Carry::Few).map_or("", Carry::stored).to_owned(),
            unassigned: yes(migration.plan.tell_unassigned),
            individual: yes(migration.plan.carry_individual),
            canary: migration.plan.canary.as_ref().map(ToString::to_string).unwrap_or_default(),
            minutes: migration.plan.arrival_minutes.to_string(),
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
        ];
        let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Serializer::new(String::new()).extend_pairs(filled).finish()
    }

    /// The address of the form with these fields filled in.
    #[must_use]
    pub fn page(&self) -> String {
        match self.query() {
            query if query.is_empty() => paths::HOME.to_owned(),
            query => format!("{}?{query}", paths::HOME),
        }
    }

    /// The way back here from a sign-in. Only a name that is far too long is left behind.
    #[must_use]
    pub fn return_to(&self) -> LocalPath {
        let nameless = || Self { name: String::new(), ..self.clone() };
        LocalPath::parse(&self.page()).or_else(|| LocalPath::parse(&nameless().page())).unwrap_or_default()
    }

    /// Whether Azure shall be read anew.
    #[must_use]
    pub fn wants_reload(&self) -> bool {
        !self.reload.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;

    use super::*;

    #[test]
    fn what_was_entered_survives_the_way_through_an_address() {
        let entered = Entered {
            name: "Müller & Söhne <b>#1?</b>".into(),
            template: "dtmi:modelDefinition:contoso:boiler;1".into(),
            minutes: "15".into(),
            ..Entered::default()
        };
        let page = entered.page();
        let uri = page.parse().expect("an address");
        let Query(back) = Query::<Entered>::try_from_uri(&uri).expect("the same form");
        assert_eq!(back, entered);
        assert_eq!(entered.return_to().as_str(), page);
    }

    #[test]
    fn an_endless_name_does_not_keep_the_rest_from_coming_back() {
        let entered = Entered { name: "x".repeat(5_000), group: "g".into(), ..Entered::default() };
        assert_eq!(entered.return_to().as_str(), "/?group=g");
    }

    #[test]
    fn an_empty_form_has_the_plain_address() {
        assert_eq!(Entered { reload: "1".into(), ..Entered::default() }.page(), "/");
    }
}
