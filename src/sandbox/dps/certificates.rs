//! Certificates of authorities that a provisioning service knows.

use serde::{Deserialize, Serialize};

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Certificate {}
