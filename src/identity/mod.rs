//! Entra sign-in, tokens per resource, sessions.
