//! No secret anywhere it should not be.
