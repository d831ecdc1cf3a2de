//! The devices of a migration as CSV (RFC 4180), piece by piece, so that a million of them need no memory.
//!
//! Device ids and names are chosen by others; a spreadsheet would run one that begins like a formula, so such a cell
//! gets an apostrophe in front.

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use time::format_description::well_known::Rfc3339;

use super::device_view::stage_label;
use crate::clock::Timestamp;
use crate::migration::device::{Device, Stage};
use crate::migration::{MigrationId, Place, Relation};
use crate::store::devices::DeviceFilter;
use crate::store::{Store, StoreError};

/// Devices read at a time.
const PIECE: u32 = 500;

/// Why a CSV breaks off. The download fails then: half a list is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The devices could not be read.
    #[error("the devices could not be read")]
    Store(#[from] StoreError),
    /// A row could not be written.
    #[error("a row could not be written")]
    Write(#[from] csv::Error),
}

/// Where an export is.
enum Position {
    Head,
    After(String),
    End,
}

/// The devices of a filter, head first, in order of their ids.
pub fn devices(
    store: Store,
    migration: MigrationId,
    relation: Option<Relation>,
    filter: DeviceFilter,
) -> impl Stream<Item = Result<Bytes, CsvError>> + Send {
    try_unfold((store, filter, Position::Head), move |(store, filter, position)| {
        piece(store, (migration, relation), filter, position)
    })
}

type Piece = (Bytes, (Store, DeviceFilter, Position));

async fn piece(
    store: Store,
    (migration, relation): (MigrationId, Option<Relation>),
    filter: DeviceFilter,
    position: Position,
) -> Result<Option<Piece>, CsvError> {
    let after = match position {
        Position::Head => {
            return Ok(Some((written([head()])?, (store, filter, Position::After(String::new())))));
        }
        Position::After(id) => id,
        Position::End => return Ok(None),
    };
    let devices = store.matching_devices_after(migration, &filter, &after, PIECE).await.inspect_err(|error| {
        tracing::error!(%migration, ?error, "an export of devices broke off");
    })?;
    let next = match devices.last() {
        Some(last) if devices.len() == PIECE as usize => Position::After(last.id.to_string()),
        _ => Position::End,
    };
    let rows = written(devices.iter().map(|device| row(device, relation)))?;
    Ok(Some((rows, (store, filter, next))))
}

pub(in crate::web) fn written(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Bytes, CsvError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row)?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))?;
    Ok(bytes.into())
}

fn head() -> Vec<String> {
    let mut names: Vec<String> =
        ["device_id", "display_name", "outcome", "reason", "detail", "what_to_do", "stage"].map(String::from).into();
    for stage in Stage::ALL {
        names.push(format!("{}_at", stage.stored()));
        names.push(format!("{}_evidence", stage.stored()));
    }
    names.extend(
        [
            "told_by",
            "attempts",
            "next_try_at",
            "may_arrive_until",
            "joined_later",
            "carried_over",
            "source",
            "key_group",
            "removed_at",
            "wave",
        ]
        .map(String::from),
    );
    names
}

fn row(device: &Device, relation: Option<Relation>) -> Vec<String> {
    let text = |text: Option<&str>| harmless(text.unwrap_or_default());
    let mut cells = vec![
        harmless(device.id.as_str()),
        text(device.display_name.as_deref()),
        Place::of_device(device).seen_in(relation).stored().to_owned(),
        text(device.outcome.reason()),
        text(device.detail.as_deref()),
        text(device.outcome.remedy()),
        text(device.facts.stage().map(stage_label)),
    ];
    for stage in Stage::ALL {
        let fact = device.facts.get(*stage);
        cells.push(machine(fact.map(|fact| fact.at)));
        cells.push(text(fact.map(|fact| fact.evidence.as_str())));
    }
    cells.push(text(device.via.map(crate::migration::Via::stored)));
    cells.push(device.attempts.to_string());
    cells.push(machine(device.next_try_at));
    cells.push(machine(device.deadline));
    let carried = text(device.carried.as_ref().map(|fact| fact.evidence.as_str()));
    cells.push(if device.joined_later { "yes" } else { "no" }.to_owned());
    cells.push(carried);
    cells.push(harmless(&device.source));
    cells.push(text(device.key_group.as_ref().map(crate::ids::EnrollmentGroupId::as_str)));
    cells.push(machine(device.removed_at));
    cells.push(device.wave.map(|wave| wave.to_string()).unwrap_or_default());
    cells
}

pub(in crate::web) fn machine(at: Option<Timestamp>) -> String {
    at.and_then(|at| at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()).unwrap_or_default()
}

/// The cell, so that no spreadsheet takes it for a formula.
pub(in crate::web) fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_begins_like_a_formula_is_made_harmless() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        assert_eq!(harmless("pump-1=2"), "pump-1=2");
    }

    #[test]
    fn quotes_commas_and_line_ends_stay_inside_their_cell() {
        let bytes = written([vec!["a,b".to_owned(), "say \"hi\"\nthere".to_owned()]]).expect("written");
        assert_eq!(&bytes[..], b"\"a,b\",\"say \"\"hi\"\"\nthere\"\r\n");
    }
}
