//! Several people at one workstation, each with their own rights; sign-ins that end.

mod absence;
mod clocks;
mod forgery;
mod rights;
mod take_over;
mod twice;

use std::time::Duration;

use iotc_migrator::sandbox::log::{Call, Caller, Service};

use crate::support::lab::Lab;

const PATIENCE: Duration = Duration::from_secs(60);

/// The calls since number `seq` that were made with a person's rights.
fn calls_with_rights(lab: &Lab, seq: u64) -> Vec<Call> {
    let calls = lab.shared().log().since(seq).into_iter();
    calls.filter(|call| matches!(call.service, Service::Arm | Service::Graph | Service::Central)).collect()
}

/// Fails unless every one of the calls was made with the rights of this person.
fn assert_all_by(calls: &[Call], oid: &str) {
    for call in calls {
        let is_theirs = matches!(&call.caller, Caller::Person { oid: caller, .. } if caller == oid);
        assert!(is_theirs, "not with the rights of {oid}: {call:?}");
    }
}
