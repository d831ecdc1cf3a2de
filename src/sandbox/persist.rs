//! Keeping the world over a restart: one JSON file, replaced as a whole a moment after each change.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::SandboxError;
use super::clock::SandboxClock;
use super::entra::{Entra, SavedEntra};
use super::options::SandboxOptions;
use super::state::Shared;
use super::tls::write_private;
use super::world::World;

/// Changes when a file written before can no longer be read.
const VERSION: u32 = 1;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    #[serde(with = "time::serde::rfc3339")]
    anchor: OffsetDateTime,
    speed: u32,
    world: World,
    entra: SavedEntra,
}

/// The state with which the sandbox starts: the saved one if it is kept and readable, else a new one. A file of another
/// version is set aside under another name, not deleted. A saved world goes on with the clock it had, so that time never
/// runs backwards in it: read the anchor from [`Shared::clock`].
///
/// # Errors
/// If the file cannot be set aside or no signing key can be made.
pub fn open(mut options: SandboxOptions) -> Result<Shared, SandboxError> {
    if !options.keep_state {
        return Shared::new(options);
    }
    let path = file(&options.dir);
    let Ok(text) = fs::read(&path) else { return Shared::new(options) };
    if let Some((clock, world, entra)) = read(&text) {
        options.anchor = clock.continued_at(options.speed).anchor();
        return Ok(Shared::from_parts(options, world, entra));
    }
    let aside = path.with_extension(format!("{}.json", SandboxClock::real_now().unix_timestamp()));
    fs::rename(&path, &aside).map_err(|source| SandboxError::Directory { path, source })?;
    tracing::warn!(path = %aside.display(), "the sandbox's saved state is of another version: set aside, starting anew");
    Shared::new(options)
}

fn read(text: &[u8]) -> Option<(SandboxClock, World, Entra)> {
    let saved: Saved = serde_json::from_slice(text).ok()?;
    (saved.version == VERSION).then_some(())?;
    Some((SandboxClock::new(saved.anchor, saved.speed), saved.world, Entra::from_saved(saved.entra)?))
}

/// Saves after each change from now on, if state is kept.
pub fn keep(shared: &Shared) {
    if !shared.options().keep_state {
        return;
    }
    let saving = shared.clone();
    shared.spawn(async move {
        let mut pause = GATHER;
        loop {
            saving.changed().await;
            SandboxClock::real_sleep(pause).await;
            let begun = Instant::now();
            save(&saving).await;
            // A large world must not keep the disk busy all the time.
            pause = GATHER.max(begun.elapsed() * 5);
        }
    });
}

/// Saves a last time, if state is kept.
pub async fn save_at_end(shared: &Shared) {
    if shared.options().keep_state {
        save(shared).await;
    }
}

async fn save(shared: &Shared) {
    let shared = shared.clone();
    let written = tokio::task::spawn_blocking(move || write(&shared)).await;
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the sandbox's state is not saved"),
        Err(error) => tracing::error!(%error, "saving the sandbox's state broke off"),
    }
}

fn write(shared: &Shared) -> Result<(), SandboxError> {
    let _alone = shared.saving();
    let world = shared.look(World::clone);
    let entra = shared.peek_entra(Entra::to_saved).ok_or(SandboxError::SigningKey)?;
    let path = file(&shared.options().dir);
    let failed = |source| SandboxError::Directory { path: path.clone(), source };
    let (anchor, speed) = (shared.clock().anchor(), shared.clock().speed());
    let saved = Saved { version: VERSION, anchor, speed, world, entra };
    let text = serde_json::to_vec(&saved).map_err(|error| failed(error.into()))?;
    let fresh = path.with_extension("new");
    write_private(&fresh, &text)?;
    fs::rename(&fresh, &path).map_err(failed)
}

fn file(dir: &Path) -> PathBuf {
    dir.join("state.json")
}
