//! The vault's key as a file that only its owner can read.
//!
//! Promises: the file appears complete or not at all, an existing one is never replaced, and one that others could read
//! is closed to them (and the log says so, since they may have read it).

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::vault::{KEY_LEN, VaultError};

pub(super) fn read_or_make(file: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    match read(file) {
        Err(VaultError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            make(file).map_err(|cause| failed(file, cause))?;
            read(file)
        }
        other => other,
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let open = fs::File::open(file).map_err(|cause| failed(file, cause))?;
    close_to_others(&open, file).map_err(|cause| failed(file, cause))?;
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
    let read = (&open).take(KEY_LEN as u64 + 1).read_to_end(&mut key);
    read.map_err(|cause| failed(file, cause))?;
    if key.len() == KEY_LEN { Ok(key) } else { Err(VaultError::BadFile { file: file.to_owned() }) }
}

/// Writes a new key beside its place and links it there, which fails if another process was first: theirs counts then.
fn make(file: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY_LEN]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| io::Error::other("no random numbers"))?;
    let draft = draft_of(file);
    let written = write_draft(&draft, key.as_slice()).and_then(|()| match fs::hard_link(&draft, file) {
        Err(other) if other.kind() != io::ErrorKind::AlreadyExists => fs::rename(&draft, file),
        _ => Ok(()),
    });
    // Gone already where it was renamed.
    let _ = fs::remove_file(&draft);
    written
}

fn draft_of(file: &Path) -> PathBuf {
    file.with_extension(format!("key.{}", uuid::Uuid::new_v4().simple()))
}

fn write_draft(draft: &Path, key: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(draft)?;
    open.write_all(key)?;
    open.sync_all()
}

#[cfg(unix)]
fn close_to_others(open: &fs::File, file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = open.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        open.set_permissions(fs::Permissions::from_mode(0o600))?;
        tracing::warn!(
            file = %file.display(),
            "other users of this machine could read the key file; it is closed to them now. If one may have, \
             remove the file and have everybody sign in again"
        );
    }
    Ok(())
}

/// Elsewhere the folder's access list guards the file.
#[cfg(not(unix))]
fn close_to_others(_open: &fs::File, _file: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(file: &Path, cause: io::Error) -> VaultError {
    VaultError::File { file: file.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vault.key");
        let made = read_or_make(&file).expect("made");
        assert_eq!(made.len(), KEY_LEN);
        assert_eq!(*made, *read_or_make(&file).expect("found"));
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "no draft is left");
    }

    #[test]
    fn two_that_make_it_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vault.key");
        make(&file).expect("first");
        let first = read(&file).expect("reads");
        make(&file).expect("second");
        assert_eq!(*first, *read(&file).expect("reads"));
    }

    #[test]
    fn a_file_of_another_length_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vault.key");
        for wrong in [&b""[..], &[1; KEY_LEN - 1], &[1; KEY_LEN + 1]] {
            fs::write(&file, wrong).expect("writes");
            assert!(matches!(read_or_make(&file), Err(VaultError::BadFile { .. })));
            assert_eq!(fs::read(&file).expect("reads"), wrong);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only_also_when_it_was_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vault.key");
        let mode = || fs::metadata(&file).expect("is there").permissions().mode() & 0o777;
        let key = read_or_make(&file).expect("made");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("opened up");
        assert_eq!(*key, *read_or_make(&file).expect("reads"));
        assert_eq!(mode(), 0o600);
    }
}
