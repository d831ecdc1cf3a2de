//! What the tests share: a simulated Azure in this process, the real program in another, and a person at a browser that
//! reads pages and sends their forms.

pub mod journey;
pub mod lab;
pub mod page;
pub mod person;
pub mod program;
pub mod truth;

/// A moment of real time, between two looks at something that is waited for.
#[expect(clippy::disallowed_methods, reason = "a test waits for other processes, which have clocks of their own")]
pub async fn moment() {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}
