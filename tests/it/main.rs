//! The program as a whole, from outside: spawned as a process, against a simulated Azure in the test's own process.

mod support;
