//! Typed clients of Azure's REST APIs: Resource Manager, IoT Central, the Device Provisioning Service, IoT Hub.
//!
//! Knows nothing of migrations, pages or the database. What it promises, for every service alike:
//!
//! - all pages of every list are read, and a next link is followed only on the host that was asked;
//! - what is safe to repeat is repeated (a bounded number of times); what is not, never — the error then says that the
//!   effect is unknown;
//! - every call keeps to its throttle scope's budget, shared within the process;
//! - no credential, key or body reaches a log or an error.
//!
//! [`http::Azure`] makes the clients: [`arm::Arm`], [`central::Central`], [`dps::Dps`], [`hub::Hub`].

mod answer;
pub mod arm;
mod call;
pub mod central;
mod channel;
pub mod cloud;
mod credential;
pub mod dps;
pub mod error;
mod error_body;
mod exchange;
mod hint;
pub mod http;
pub mod hub;
pub mod keys;
mod lenient;
mod pace;
pub mod page;
mod retry;
pub mod sas;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;
mod words;
pub mod x509;

pub use arm::Arm;
pub use central::Central;
pub use cloud::Cloud;
pub use dps::Dps;
pub use error::{AzureError, EffectKnown, ErrorKind, Result, Service};
pub use http::{Azure, HttpOptions, HttpSetupError, ProxyChoice, are_certificates};
pub use hub::Hub;
pub use keys::{ArmPolicyKeys, PolicyKeys, Right, SharedKey};
pub use pace::CENTRAL_PER_SECOND;
pub use page::{NextPage, Page};
pub use x509::{CertificateDer, KnownCertificate, Slots};
