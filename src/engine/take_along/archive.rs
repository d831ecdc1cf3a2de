//! Packs what was read: one file of JSON a family, and a file that says what all this is.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{File, Luggage, Words, readme, secrets};
use crate::clock::Timestamp;

/// Why there is no zip.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file could not be written into it.
    #[error("the zip could not be written")]
    Zip(#[from] zip::result::ZipError),
    /// A file's content could not be written into it.
    #[error("a file of the zip could not be written")]
    Write(#[from] std::io::Error),
    /// A family could not be written as JSON.
    #[error("a file of the zip could not be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The program is ending, or packing broke off.
    #[error("packing the zip broke off")]
    Ended(#[from] tokio::task::JoinError),
}

/// The name of the file that says what all this is.
const README: &str = "README.txt";

/// Leaves out the secrets and makes the zip.
pub(super) fn pack(mut luggage: Luggage) -> Result<Vec<u8>, ArchiveError> {
    let mut files = Vec::new();
    for (family, found) in &mut luggage.families {
        let Ok(items) = found else { continue };
        let cleaned = secrets::left_out_of(std::mem::take(items));
        let mut json = serde_json::to_vec_pretty(&cleaned.items)?;
        json.push(b'\n');
        files.push(File { family: *family, count: cleaned.items.len(), left_out: cleaned.left_out, json });
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    if let Some(moment) = moment(luggage.read_at) {
        options = options.last_modified_time(moment);
    }
    zip.start_file(README, options)?;
    zip.write_all(readme::write(&luggage, &files).as_bytes())?;
    for file in &files {
        zip.start_file(Words::of(file.family).file, options)?;
        zip.write_all(&file.json)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Zips know years from 1980 to 2107.
fn moment(at: Timestamp) -> Option<DateTime> {
    let at = at.to_offset(time::UtcOffset::UTC);
    DateTime::try_from(time::PrimitiveDateTime::new(at.date(), at.time())).ok()
}
