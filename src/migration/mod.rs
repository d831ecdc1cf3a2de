//! The domain, pure: no I/O, no SQL, no HTML.
