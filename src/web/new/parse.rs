//! From what was entered to what was chosen: every value is held against what Azure offers now, so that nothing in a
//! form has to be believed.

mod source;
mod target;

use super::entered::{Entered, SOURCE_HUB};
use super::surveyor::{AppMistake, Offer};
use super::try_again;
use super::waves;
use crate::ids::DeviceId;
use crate::migration::model::{Carry, Plan, Source, Target};
use crate::migration::{Migration, Mode, TryAgain};

/// A field of the form, by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FieldKey {
    Name,
    Mode,
    Application,
    Address,
    Group,
    Template,
    SourceDps,
    SourceHubs,
    Dps,
    Hub,
    TargetApplication,
    TargetAddress,
    TargetTemplate,
    Carry,
    Canary,
    Minutes,
    Waves,
    Halt,
    TryEvery,
    TryFor,
    Connect,
    Respond,
}

impl FieldKey {
    /// Form key, and id of the control.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mode => "mode",
            Self::Application => "application",
            Self::Address => "address",
            Self::Group => "group",
            Self::Template => "template",
            Self::SourceDps => "source_dps",
            Self::SourceHubs => SOURCE_HUB,
            Self::Dps => "dps",
            Self::Hub => "hub",
            Self::TargetApplication => "target_application",
            Self::TargetAddress => "target_address",
            Self::TargetTemplate => "target_template",
            Self::Carry => "carry",
            Self::Canary => "canary",
            Self::Minutes => "minutes",
            Self::Waves => "waves",
            Self::Halt => "halt",
            Self::TryEvery => "try_every",
            Self::TryFor => "try_for",
            Self::Connect => "connect_seconds",
            Self::Respond => "response_seconds",
        }
    }

    /// The accessible name.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Mode => "Migration mode",
            Self::Application | Self::TargetApplication => "IoT Central application",
            Self::Address => "Address of the application",
            Self::TargetAddress => "Address of the target application",
            Self::TargetTemplate => "Assign to template (optional)",
            Self::Group => "Device group",
            Self::Template => "Device template",
            Self::SourceDps | Self::Dps => "IoT DPS instance",
            Self::SourceHubs => "Associated hubs",
            Self::Hub => "IoT hub",
            Self::Carry => "Carry over names and properties",
            Self::Canary => "Canary device",
            Self::Minutes => "Give up on a device that does not turn up after (minutes)",
            Self::Waves => "Waves (percent of the devices)",
            Self::Halt => "Halt when more than … % of a wave fail",
            Self::TryEvery => "Try offline devices again",
            Self::TryFor => "For how long",
            Self::Connect => "Seconds to connect",
            Self::Respond => "Seconds to answer",
        }
    }
}

/// What is wrong with a field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) field: FieldKey,
    pub(super) words: String,
}

/// The form, understood.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) plan: Plan,
}

/// The longest device id that any of the services takes.
const DEVICE_ID_MAX: usize = 128;
/// A day: longer than anybody waits for one device.
const MINUTES_MAX: u32 = 1_440;

/// Understands the form, or says what is wrong with each field.
pub(super) fn parse(entered: &Entered, offer: &Offer) -> Result<Chosen, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut note = |result: Result<(), Mistake>| {
        if let Err(mistake) = result {
            mistakes.push(mistake);
        }
    };
    let (name, canary, minutes) = (name(&entered.name), canary(entered), minutes(&entered.minutes));
    let waves = waves::parse(entered);
    let (mode, source, target) = (mode(entered), source::source(entered, offer), target::target(entered, offer));
    note(name.as_ref().map(drop).map_err(Clone::clone));
    note(mode.as_ref().map(drop).map_err(Clone::clone));
    note(canary.as_ref().map(drop).map_err(Clone::clone));
    note(minutes.as_ref().map(drop).map_err(Clone::clone));
    let try_again = try_again::parse(entered);
    mistakes.extend(try_again.as_ref().err().into_iter().flatten().cloned());
    mistakes.extend(source.as_ref().err().into_iter().flatten().cloned());
    mistakes.extend(target.as_ref().err().into_iter().flatten().cloned());
    mistakes.extend(waves.as_ref().err().into_iter().flatten().cloned());
    mistakes.sort_by_key(|mistake| mistake.field);
    let rest = waves.ok().zip(try_again.ok());
    match (name, mode, canary, minutes, rest, source, target) {
        (Ok(name), Ok(mode), Ok(canary), Ok(arrival_minutes), Some((waves, try_again)), Ok(source), Ok(target))
            if mistakes.is_empty() =>
        {
            let plan = plan(entered, source, target);
            Ok(Chosen { name, mode, plan: Plan { waves, canary, arrival_minutes, try_again, ..plan } })
        }
        _ => Err(mistakes),
    }
}

/// With what else was chosen. From hubs it is known whose keys a device has, and what twins hold has no place in an
/// application: nothing of that is asked, and what was entered for another mode says nothing here.
fn plan(entered: &Entered, source: Source, target: Target) -> Plan {
    let from_app = source.app().is_some();
    Plan {
        register_on_arrival: from_app && !entered.on_arrival.is_empty(),
        carry_individual: !from_app || !entered.individual.is_empty(),
        tell_unassigned: from_app && !entered.unassigned.is_empty(),
        carry: match from_app {
            true => entered.carried(),
            false => Carry::Nothing,
        },
        waves: None,
        try_again: TryAgain::default(),
        source,
        target,
        canary: None,
        arrival_minutes: 0,
    }
}

fn wrong<T>(field: FieldKey, words: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { field, words: words.into() })
}

fn name(text: &str) -> Result<String, Mistake> {
    let name = text.trim();
    let length = name.chars().count();
    if name.is_empty() {
        return wrong(FieldKey::Name, "Give the migration a name.");
    }
    if length > Migration::NAME_MAX {
        let words = format!("The name is {length} characters long. Shorten it to {}.", Migration::NAME_MAX);
        return wrong(FieldKey::Name, words);
    }
    if name.chars().any(is_invisible) {
        return wrong(FieldKey::Name, "The name has characters that cannot be seen. Type it anew.");
    }
    Ok(name.to_owned())
}

/// Control characters, and those that turn the direction of text or show nothing: a name must read as it is.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn mode(entered: &Entered) -> Result<Mode, Mistake> {
    match entered.mode() {
        Some(mode) => Ok(mode),
        None => wrong(FieldKey::Mode, "Choose a migration mode."),
    }
}

fn canary(entered: &Entered) -> Result<Option<DeviceId>, Mistake> {
    let id = entered.canary.trim();
    if id.is_empty() {
        return Ok(None);
    }
    if id.chars().count() > DEVICE_ID_MAX || id.chars().any(|c| c.is_whitespace() || is_invisible(c)) {
        let place =
            if entered.is_from_hub() { "the hub's list of devices" } else { "the device's page in IoT Central" };
        return wrong(FieldKey::Canary, format!("This is not a device id. Copy it from {place}."));
    }
    Ok(Some(DeviceId::new(id)))
}

fn minutes(text: &str) -> Result<u32, Mistake> {
    match text.trim().parse() {
        Ok(minutes) if (1..=MINUTES_MAX).contains(&minutes) => Ok(minutes),
        _ => wrong(FieldKey::Minutes, "Give a whole number of minutes from 1 to 1440 (a day)."),
    }
}

fn pick<'a, T>(
    field: FieldKey,
    entered: &str,
    list: Option<&'a [T]>,
    is: impl Fn(&T) -> bool,
) -> Result<&'a T, Mistake> {
    if entered.is_empty() {
        return wrong(field, what_to_choose(field));
    }
    let Some(list) = list else { return wrong(field, unread("The list")) };
    match list.iter().find(|item| is(item)) {
        Some(item) => Ok(item),
        None => wrong(field, "What was chosen is not in the list any more. Choose again."),
    }
}

fn what_to_choose(field: FieldKey) -> &'static str {
    match field {
        FieldKey::Group => "Choose the group of devices to move.",
        FieldKey::Template => "Choose the template of the devices to move.",
        FieldKey::TargetTemplate => "Choose the template that the devices are to have there.",
        _ => "Choose the DPS instance through which the devices are to reach the hub.",
    }
}

fn both<A, B>(a: Result<A, Mistake>, b: Result<B, Mistake>) -> Result<(A, B), Vec<Mistake>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).collect()),
    }
}

fn mistake(field: FieldKey, words: impl Into<String>) -> Mistake {
    Mistake { field, words: words.into() }
}

fn unread(what: &str) -> String {
    format!("{what} could not be read from Azure just now. Try again.")
}

fn app_mistake(of: &AppMistake, list: FieldKey, address: FieldKey) -> Mistake {
    match of {
        AppMistake::Both => mistake(address, "Choose an application from the list or give its address, not both."),
        AppMistake::NotListed => {
            mistake(list, "This application is not in the list any more. Choose again, or give its address.")
        }
        AppMistake::NotRunning(words) => mistake(list, words.clone()),
        AppMistake::Address(words) => mistake(address, words.clone()),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
