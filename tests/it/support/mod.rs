//! What the tests share: a simulated Azure in this process, the real program in another, and a person at a browser that
//! reads pages and sends their forms.

use std::time::Duration;

pub mod journey;
pub mod lab;
pub mod page;
pub mod person;
pub mod program;
pub mod truth;

/// A moment of real time, between two looks at something that is waited for.
pub async fn moment() {
    pause(MOMENT).await;
}

const MOMENT: Duration = Duration::from_millis(50);
const LONGEST_MOMENT: Duration = Duration::from_millis(400);

#[expect(clippy::disallowed_methods, reason = "a test waits for other processes, which have clocks of their own")]
async fn pause(real: Duration) {
    tokio::time::sleep(real).await;
}

/// Moments that grow: whoever looks often at what takes long keeps it from getting done.
pub struct Moments(Duration);

impl Moments {
    pub fn new() -> Self {
        Self(MOMENT)
    }

    pub async fn next(&mut self) {
        pause(self.0).await;
        self.0 = (self.0 * 5 / 4).min(LONGEST_MOMENT);
    }
}
