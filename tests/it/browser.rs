//! The program in a real browser: headless Chromium against `--sandbox`, controls found by role and accessible name.
//!
//! Every test ends with [`Visit::end`], which fails on any console error and any violation of the content security policy.
//! Where Chromium or ChromeDriver is missing the tests say so, how to get them, and pass.

mod access;
mod chromium;
mod form;
mod visit;
mod way;
