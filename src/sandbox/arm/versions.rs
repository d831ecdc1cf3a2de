//! Which `api-version` each part of ARM takes: the published ones, as a client of any age may send them.

use time::Date;
use time::macros::format_description;

use super::failure::Failure;
use super::target::{Kind, Target};

const RESOURCES: &[&str] = &[
    "2014-04-01",
    "2015-01-01",
    "2015-11-01",
    "2016-02-01",
    "2016-06-01",
    "2016-07-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2019-03-01",
    "2019-05-01",
    "2019-05-10",
    "2019-06-01",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-05-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-01-01",
    "2022-06-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
];
const GRAPH: &[&str] = &[
    "2018-09-01-preview",
    "2019-04-01",
    "2020-04-01-preview",
    "2021-03-01",
    "2021-06-01-preview",
    "2022-10-01",
    "2024-04-01",
];
const APPS: &[&str] = &["2018-09-01", "2021-06-01", "2021-11-01-preview"];
const DPS: &[&str] = &[
    "2017-08-21-preview",
    "2017-11-15",
    "2018-01-22",
    "2020-01-01",
    "2020-03-01",
    "2020-09-01-preview",
    "2021-10-15",
    "2022-02-05",
    "2022-12-12",
    "2023-03-01-preview",
    "2025-02-01-preview",
    "2026-03-01-preview",
    "2026-04-01",
    "2026-06-01-preview",
    "2026-08-01",
    "2026-08-31",
    "2026-11-01",
];
const HUBS: &[&str] = &[
    "2016-02-03",
    "2017-01-19",
    "2017-07-01",
    "2018-01-22",
    "2018-04-01",
    "2018-12-01-preview",
    "2019-03-22",
    "2019-03-22-preview",
    "2019-07-01-preview",
    "2019-11-04",
    "2020-03-01",
    "2020-04-01",
    "2020-06-15",
    "2020-07-10-preview",
    "2020-08-01",
    "2020-08-31",
    "2020-08-31-preview",
    "2021-02-01-preview",
    "2021-03-03-preview",
    "2021-03-31",
    "2021-07-01",
    "2021-07-01-preview",
    "2021-07-02",
    "2021-07-02-preview",
    "2022-04-30-preview",
    "2022-11-15-preview",
    "2023-06-30",
    "2023-06-30-preview",
    "2025-08-01-preview",
];

/// The published versions of a resource type.
#[must_use]
pub fn of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::App => APPS,
        Kind::Dps => DPS,
        Kind::Hub => HUBS,
    }
}

/// Checks the `api-version` of a request to `target`. Versions newer than all those listed above, up to `today`, pass
/// too: a client may know what was published after this was written. Of a type that the sandbox does not have, any
/// date is a version.
///
/// # Errors
/// 400 in the words of ARM (no or a malformed version) or of the provider (a version that the type does not have).
pub fn check(target: &Target, version: Option<&str>, today: Date) -> Result<(), Failure> {
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Failure::bad_request("MissingApiVersionParameter", message));
    };
    let supported = match (target, target.kind()) {
        (_, Some(kind)) => of(kind),
        (Target::Graph, None) => GRAPH,
        (_, None) => RESOURCES,
    };
    let date = date_of(version);
    if matches!(target, Target::Foreign { .. }) && date.is_some() {
        return Ok(());
    }
    let newest = supported.iter().filter_map(|known| date_of(known)).max();
    let newer = date > newest && date <= Some(today);
    if newer || supported.iter().any(|known| known.eq_ignore_ascii_case(version)) {
        return Ok(());
    }
    let list = supported.join(", ");
    match target.kind().filter(|_| date.is_some()) {
        Some(kind) => {
            let (provider, name) = kind.type_name().split_once('/').unwrap_or_default();
            let message = format!(
                "No registered resource provider found for location '' and API version '{version}' for type '{name}' of \
                 '{provider}'. The supported api-versions are '{list}'."
            );
            Err(Failure::bad_request("NoRegisteredProviderFound", message))
        }
        None => {
            let message = format!("The api-version '{version}' is invalid. The supported versions are '{list}'.");
            Err(Failure::bad_request("InvalidApiVersionParameter", message))
        }
    }
}

fn date_of(version: &str) -> Option<Date> {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    Date::parse(date, format_description!("[year]-[month]-[day]")).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn the_default_version_of_every_released_management_library_is_taken() {
        let list = |kind| Target::List { subscription: "s".to_owned(), group: None, kind };
        let (apps, dps, hubs) = (list(Kind::App), list(Kind::Dps), list(Kind::Hub));
        let defaults = [
            (&apps, &["2018-09-01", "2021-06-01", "2021-11-01-preview"][..]),
            (&dps, &["2017-11-15", "2018-01-22", "2020-03-01", "2021-10-15", "2022-02-05", "2025-02-01-preview"][..]),
            (&dps, &["2026-08-31", "2026-11-01"][..]),
            (&hubs, &["2018-04-01", "2019-03-22", "2020-03-01", "2021-03-31", "2021-07-02", "2023-06-30"][..]),
            (
                &Target::Graph,
                &["2018-09-01-preview", "2019-04-01", "2021-03-01", "2021-06-01-preview", "2022-10-01"][..],
            ),
            (&Target::Subscriptions, &["2016-06-01", "2019-11-01", "2021-01-01", "2022-12-01", "2025-04-01"][..]),
        ];
        for (target, versions) in defaults {
            for version in versions {
                assert_eq!(check(target, Some(version), date!(2026 - 01 - 01)), Ok(()), "{target:?} {version}");
            }
        }
    }

    #[test]
    fn a_version_between_the_known_ones_is_refused_and_a_newer_one_is_taken_once_its_day_has_come() {
        let hubs = Target::List { subscription: "s".to_owned(), group: None, kind: Kind::Hub };
        let today = date!(2026 - 01 - 01);
        assert!(check(&hubs, Some("2023-06-29"), today).is_err());
        assert!(check(&hubs, Some("2025-12-31"), today).is_ok());
        assert!(check(&hubs, Some("2026-01-02"), today).is_err());
    }
}
