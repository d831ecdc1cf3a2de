//! What the tests share: a simulated Azure in this process, the real program in another, and a person at a browser that
//! reads pages and sends their forms.

pub mod journey;
pub mod lab;
pub mod page;
pub mod person;
pub mod program;
pub mod truth;
