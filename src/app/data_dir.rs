//! The data directory, owned by one process at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::StartError;

/// A data directory that nobody else uses. The lock ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be, for its owner only, and takes it.
    pub(super) fn take(path: &Path) -> Result<Self, StartError> {
        let unusable = |cause| StartError::DataDir { dir: path.to_owned(), cause };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(unusable)?;
        warn_if_others_can_read(path);
        let lock =
            File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DataDirInUse { dir: path.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A directory that was there before is left as it is: its owner may have reasons.
fn warn_if_others_can_read(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map(|dir| dir.permissions().mode() & 0o077).unwrap_or_default();
        if mode != 0 {
            tracing::warn!(
                dir = %path.display(),
                "other people of this computer can look into the data directory; `chmod 700` keeps them out"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_belongs_to_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let taken = DataDir::take(&path).unwrap();
        assert_eq!(DataDir::take(&path).unwrap_err().exit_code(), 4);
        drop(taken);
        assert_eq!(DataDir::take(&path).unwrap().path(), path);
    }

    #[test]
    #[cfg(unix)]
    fn a_new_data_directory_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let _taken = DataDir::take(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = DataDir::take(&file).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("--data-dir"), "{error}");
    }
}
