//! What a person has entered into the form so far, as text: it travels in the address of the page, so that a reload, the
//! way back and a sign-in in between lose nothing. There is nothing secret in it.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::identity::LocalPath;
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
    /// `yes` if DPS shall register each device as it arrives.
    pub on_arrival: String,
    /// Device to be moved first.
    pub canary: String,
    /// Minutes.
    pub minutes: String,
    /// Not empty: read Azure anew. Not kept in addresses.
    pub reload: String,
    /// Names this filling-in, so that pressing *Migrate* twice makes one migration. Not kept in addresses.
    pub key: String,
}

impl Entered {
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
            ("on_arrival", &self.on_arrival),
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
