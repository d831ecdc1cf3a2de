//! The addresses of all pages and actions, in one place, so that a link and its route cannot drift apart.

/// New migration; also where people come back to from signing in.
pub const HOME: &str = "/";
/// Migration status: all migrations.
pub const MIGRATIONS: &str = "/migrations";
/// The live part of [`MIGRATIONS`].
pub const MIGRATIONS_LIVE: &str = "/migrations/live";
/// Jobs in IoT Central that move devices: a page, and the part of [`MIGRATIONS`] that is loaded after it.
pub const MIGRATION_JOBS: &str = "/migrations/jobs";
/// The form *New migration* as a browser without script sends it to have its lists filled (POST).
pub const NEW: &str = "/new";
/// The lists of that form (fragment).
pub const NEW_CHOICES: &str = "/new/choices";
/// The summary of that form (fragment).
pub const NEW_SUMMARY: &str = "/new/summary";
/// Starts a sign-in.
pub const SIGN_IN: &str = "/sign-in";
/// Ends a session (POST).
pub const SIGN_OUT: &str = "/sign-out";
/// What to register and configure.
pub const SETUP: &str = "/setup";
/// The DTDL interface of the migration component, to download.
pub const DEVICE_MIGRATION_JSON: &str = "/setup/device-migration.json";
/// Version, storage, licences.
pub const ABOUT: &str = "/about";
/// Everything of [`super::assets`].
pub const STATIC: &str = "/static";

/// The page of one migration.
#[must_use]
pub fn migration(id: &str) -> String {
    format!("{MIGRATIONS}/{id}")
}

/// Makes a rerun of a migration (POST).
#[must_use]
pub fn rerun(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/rerun")
}

/// Makes a fail back of a migration (POST).
#[must_use]
pub fn fail_back(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/fail-back")
}

/// What of an application's set-up can be taken along.
#[must_use]
pub fn take_along(subdomain: &str) -> String {
    format!("/applications/{subdomain}/take-along")
}

/// It, as a zip.
#[must_use]
pub fn take_along_zip(subdomain: &str) -> String {
    format!("/applications/{subdomain}/take-along.zip")
}

/// The review of a draft, where its device keys are added to the DPS.
#[must_use]
pub fn keys(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys")
}

/// How many devices a draft is about (fragment).
#[must_use]
pub fn keys_count(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys/count")
}

/// Takes keys that a person pastes (POST).
#[must_use]
pub fn paste(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys/paste")
}

/// Takes a certificate of an X.509 group (POST).
#[must_use]
pub fn certificate(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys/certificate")
}

/// Takes certificates of devices themselves (POST).
#[must_use]
pub fn device_certificates(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys/device-certificates")
}

/// Erases keys that were pasted (POST).
#[must_use]
pub fn erase(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/keys/erase")
}

/// Discards a draft (POST).
#[must_use]
pub fn discard(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/discard")
}

/// Starts a draft (POST).
#[must_use]
pub fn start(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/start")
}

/// What of a migration's devices can be removed from their source; takes the request for it too (POST).
#[must_use]
pub fn clean_up(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/clean-up")
}

/// Removes enrollment groups that nobody needs (POST).
#[must_use]
pub fn clean_up_groups(id: &str) -> String {
    format!("{MIGRATIONS}/{id}/clean-up/groups")
}

/// One clean-up of a migration.
#[must_use]
pub fn clean_up_run(id: &str, run: &str) -> String {
    format!("{MIGRATIONS}/{id}/clean-ups/{run}")
}
