//! The program in a real browser: headless Chromium, controls found by label and role.
