//! The options that depend on what the devices are in.

use super::entered::Entered;
use super::parse::{FieldKey, Mistake};
use super::view::hinted;
use crate::migration::model::{Carry, HubSource};
use crate::web::components::{Choice, Field};

/// The fields, by what the devices are in.
#[derive(Debug)]
pub(super) enum Options {
    /// An application: what is carried over, and who is told.
    App { individual: bool, unassigned: bool, carry: Field, carries: Vec<Choice> },
    /// Hubs: how long they wait for a device.
    Hub { connect: Field, connect_seconds: String, respond: Field, response_seconds: String },
}

impl Options {
    pub(super) fn new(entered: &Entered, mistakes: &[Mistake]) -> Self {
        if entered.is_from_hub() {
            return Self::Hub {
                connect: Field {
                    required: false,
                    ..hinted(FieldKey::Connect, mistakes, "How long a hub waits for a device that is not connected.")
                },
                connect_seconds: or(&entered.connect_seconds, HubSource::CONNECT_SECONDS),
                respond: Field {
                    required: false,
                    ..hinted(FieldKey::Respond, mistakes, "How long a device has to answer that it will move.")
                },
                response_seconds: or(&entered.response_seconds, HubSource::RESPONSE_SECONDS),
            };
        }
        let carry = "Display name, organizations, cloud properties and writable properties, after each device has moved: a call \
                     a device, from the 20 a second that commands need too.";
        Self::App {
            individual: !entered.individual.is_empty(),
            unassigned: !entered.unassigned.is_empty(),
            carry: Field { required: false, ..hinted(FieldKey::Carry, mistakes, carry) },
            carries: [Carry::All, Carry::Nothing]
                .iter()
                .map(|carry| Choice {
                    value: carry.stored().to_owned(),
                    label: carry_label(*carry).to_owned(),
                    chosen: Carry::from_stored(&entered.carry) == Some(*carry),
                    ..Choice::default()
                })
                .collect(),
        }
    }
}

fn or(entered: &str, default: u16) -> String {
    if entered.is_empty() { default.to_string() } else { entered.to_owned() }
}

/// What a choice of carrying over means.
pub(in crate::web) fn carry_label(carry: Carry) -> &'static str {
    match carry {
        Carry::Few => "Yes, for up to 2,000 devices",
        Carry::All => "Yes, however many there are",
        Carry::Nothing => "No",
    }
}
