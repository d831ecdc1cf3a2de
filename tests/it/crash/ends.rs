//! What a migration came to: the rows, what was done to Azure, and what the devices say.

use std::collections::{BTreeMap, HashSet};

use iotc_migrator::sandbox::device::{Device, Happening, Place, Via};
use iotc_migrator::sandbox::faults::is_effect;
use iotc_migrator::sandbox::log::Service;

use crate::support::journey::Journey;
use crate::support::lab::Lab;
use crate::support::person::Person;

/// How the ids of temporary devices begin.
const PROBE: &str = "migrator-probe-";
/// The columns that a crash must not change. When and by which question something was learnt may differ.
const COLUMNS: [&str; 3] = ["outcome", "reason", "what_to_do"];
/// The facts that a crash must not change.
const FACTS: [&str; 5] = ["registered_at", "commanded_at", "acknowledged_at", "provisioned_at", "connected_at"];

/// No faults.
pub const NONE: [String; 0] = [];

/// The end of a migration.
#[derive(Debug)]
pub struct End {
    /// Where everybody is moved to.
    target: Place,
    /// Temporary devices that are there still.
    probes: Vec<String>,
    rows: BTreeMap<String, BTreeMap<String, String>>,
    devices: BTreeMap<String, Device>,
    effects: Vec<(String, String)>,
    /// Requests that change something, as the sandbox counts them for a hold.
    pub requests: u32,
}

impl End {
    /// As it is now.
    pub async fn of(lab: &Lab, person: &Person, journey: &Journey, target: Place) -> Self {
        let rows = person.devices(journey).await;
        let shared = lab.shared();
        let calls = shared.log().all();
        let requests = calls.iter().filter(|call| {
            let method = call.method.parse().expect("a method");
            !matches!(call.service, Service::Entra | Service::DpsDevice) && is_effect(&method, &call.path)
        });
        let effects = shared.log().effects().into_iter();
        let of_program = |id: &&String| id.starts_with(PROBE);
        Self {
            target,
            probes: shared.look(|world| {
                world.apps.values().flat_map(|app| app.devices.keys().filter(of_program)).cloned().collect()
            }),
            rows,
            devices: shared.look(|world| world.devices.clone().into_iter().collect()),
            requests: u32::try_from(requests.count()).expect("few"),
            effects: effects.map(|(_, effect)| (effect.kind.to_owned(), effect.subject)).collect(),
        }
    }

    /// Only what devices have written down after so many entries each.
    pub fn after(mut self, entries: &BTreeMap<String, usize>) -> Self {
        for (id, device) in &mut self.devices {
            device.log.drain(..entries.get(id).copied().unwrap_or_default());
        }
        self
    }

    /// What this end has other than `undisturbed`, device by device, and what of it is not true.
    pub fn faults(&self, undisturbed: &Self) -> Vec<String> {
        let mut faults = self.untruths();
        for (id, row) in &undisturbed.rows {
            let (ours, theirs) = (self.rows.get(id).map(essence), essence(row));
            if ours.as_ref() != Some(&theirs) {
                faults.push(format!("{id} is {ours:?}, not {theirs:?}: {:?}, {:?}", self.rows.get(id), self.log(id)));
            }
        }
        for kind in ["job.created", "identity.created", "enrollment.created"] {
            let (ours, theirs) = (self.count(kind), undisturbed.count(kind));
            if ours != theirs {
                faults.push(format!("{ours} × {kind}, not {theirs}"));
            }
        }
        faults
    }

    /// Rows that the devices contradict, devices told again after an answer, things made twice, temporary devices that
    /// outlived their use.
    pub fn untruths(&self) -> Vec<String> {
        let mut untruths = Vec::new();
        for (id, row) in &self.rows {
            let is_there = self.devices[id].place == self.target;
            if matches!(row["outcome"].as_str(), "moved" | "returned") != is_there {
                untruths.push(format!("{id} is not where its row says: {row:?}, {:?}", self.log(id)));
            }
            if told_again(&self.devices[id]) {
                untruths.push(format!("{id} was told again after it had answered: {:?}", self.log(id)));
            }
        }
        untruths.extend(self.twice_made());
        untruths.extend(self.probes.iter().map(|id| format!("{id} is still there")));
        untruths.extend(self.seen_too_long());
        untruths
    }

    /// Things that were made more than once.
    pub fn twice_made(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let made = self.effects.iter().filter(|(kind, _)| kind.ends_with(".created"));
        made.filter(|effect| !seen.insert(*effect)).map(|effect| format!("{effect:?} again")).collect()
    }

    /// Temporary devices that were there beside another, or while somebody was told.
    fn seen_too_long(&self) -> Vec<String> {
        let mut there: Vec<&String> = Vec::new();
        let mut faults = Vec::new();
        for (kind, subject) in &self.effects {
            match kind.as_str() {
                "device.saved" if subject.starts_with(PROBE) => there.push(subject),
                "device.deleted" => there.retain(|id| *id != subject),
                "command.sent" | "job.created" if !there.is_empty() => faults.push(format!("{there:?} at {kind}")),
                _ => {}
            }
            if there.len() > 1 {
                faults.push(format!("{there:?} at once"));
            }
        }
        faults
    }

    /// How many effects of a kind there were.
    fn count(&self, kind: &str) -> usize {
        self.effects.iter().filter(|(made, _)| made == kind).count()
    }

    fn log(&self, id: &str) -> Vec<&Happening> {
        self.devices.get(id).map(|device| device.log.iter().map(|entry| &entry.what).collect()).unwrap_or_default()
    }
}

/// A device that is found at the target before its answer is read is never asked for the answer again; and of a hub's device
/// nobody can be asked for it.
fn essence(row: &BTreeMap<String, String>) -> Vec<String> {
    let known = FACTS.iter().filter(|fact| {
        !(**fact == "acknowledged_at"
            && (matches!(row["outcome"].as_str(), "moved" | "returned") || row["source"].contains('.')))
    });
    let known = known.map(|fact| format!("{fact}: {}", !row[*fact].is_empty()));
    COLUMNS.iter().map(|column| row[*column].clone()).chain(known).collect()
}

/// A command reached it after an answer of any kind had reached the caller. A hub keeps no history of methods: whoever
/// refused one, and whose answer died with the program, is asked again.
fn told_again(device: &Device) -> bool {
    let answered = |what: &Happening| match what {
        Happening::Answered { status, via, reached_caller: true } => {
            !matches!(via, Via::Method { .. }) || (200..300).contains(status)
        }
        _ => false,
    };
    let mut log = device.log.iter().map(|entry| &entry.what).skip_while(|what| !answered(what));
    log.any(|what| matches!(what, Happening::Commanded { .. })) || device.was_told_again_after_accepting()
}
