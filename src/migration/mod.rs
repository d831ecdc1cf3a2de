//! The domain: what a migration and its devices are, what counts as proof, and what may follow what.
//!
//! Pure: no I/O, no SQL, no HTML, and no time but what it is given. Everything that decides about a device is here, so
//! that it can be read and tested without a database or a network.

pub mod app_evidence;
pub mod belongings;
pub mod certificate;
pub mod clean_up;
pub mod counts;
pub mod coverage;
pub mod device;
pub mod evidence;
pub mod facts;
pub mod follow_up;
pub mod model;
pub mod plan;
pub mod preflight;
pub mod reason;
pub mod retry;
pub mod sentence;
pub mod source;
pub mod step;
pub mod waves;

pub use certificate::{Certificate, CertificateProblem};
pub use counts::{Counts, Place};
pub use device::{AnswersBefore, CommandState, Device, Fact, Facts, Outcome, OwnKeys, Via};
pub use follow_up::{Parent, Relation};
pub use model::{KeyHandling, Migration, MigrationId, MigrationState, Mode, Pause, PauseReason, Plan};
pub use reason::{FailReason, SkipReason, WaitReason};
pub use retry::{TryAgain, TryEvery, TryFor, Unreached};
pub use waves::Waves;
