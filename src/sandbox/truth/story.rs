//! A device's log in sentences.

use crate::sandbox::device::{Entry, Happening, Via};

/// One line of the log: when and what.
#[must_use]
pub fn line(entry: &Entry) -> String {
    let at = entry.at;
    let time = format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second());
    format!("{time} {}", sentence(&entry.what))
}

fn sentence(what: &Happening) -> String {
    match what {
        Happening::Commanded { method, id_scope: Some(scope), via } => {
            format!("was told {method} to ID scope {scope} by {}", carrier(via))
        }
        Happening::Commanded { method, id_scope: None, via } => format!("was told {method} by {}", carrier(via)),
        Happening::Answered { status, via, reached_caller: true } => format!("answered {status} to {}", carrier(via)),
        Happening::Answered { status, via, reached_caller: false } => {
            format!("answered {status} to {}, which never heard it", carrier(via))
        }
        Happening::Left { from } => format!("left {from}"),
        Happening::Registering { id_scope, attempt } => {
            format!("registers with ID scope {id_scope}, attempt {attempt}")
        }
        Happening::RegistrationFailed { code, message } => format!("was refused by DPS: {code} {message}"),
        Happening::Assigned { hub } => format!("was assigned to {hub}"),
        Happening::Connected { to } => format!("connected to {to}"),
        Happening::ConnectionRefused { by, why } => format!("was not let in by {by}: {why}"),
        Happening::CameOnline => "was switched on".to_owned(),
        Happening::WentOffline => "was switched off".to_owned(),
        Happening::Restarted => "restarted".to_owned(),
        Happening::GaveUp { why } => format!("gave up: {why}"),
    }
}

fn carrier(via: &Via) -> String {
    match via {
        Via::Single => "a single command".to_owned(),
        Via::Job { id } => format!("job {id}"),
        Via::Method { host } => format!("a direct method of {host}"),
    }
}
