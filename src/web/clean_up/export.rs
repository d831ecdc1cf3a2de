//! The devices of a clean-up as CSV, piece by piece, so that many of them need no memory.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::run::found;
use crate::identity::SignedInUser;
use crate::migration::clean_up::{CleanUpId, Fate, KeepReason, Removal};
use crate::store::Store;
use crate::web::errors::PageError;
use crate::web::migration::csv::{CsvError, harmless, machine, written};
use crate::web::migration::export::file_name;
use crate::web::state::Web;

/// Devices read at a time.
const PIECE: u32 = 500;
const HEAD: [&str; 7] = ["device_id", "state", "reason", "detail", "what_to_do", "at", "alive_by"];

pub(super) async fn devices(
    State(web): State<Web>,
    Path((id, run)): Path<(String, String)>,
    user: SignedInUser,
) -> Result<Response, PageError> {
    let (migration, clean_up) = found(&web, &id, &run, &user.person).await?;
    let disposition = format!("attachment; filename=\"{}-clean-up.csv\"", file_name(&migration.name));
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(rows(web.store, clean_up.id))).into_response())
}

/// Where an export is: at its head (`None`), after a device, or at its end.
type Position = Option<Option<String>>;

fn rows(store: Store, id: CleanUpId) -> impl Stream<Item = Result<Bytes, CsvError>> + Send {
    try_unfold((store, Some(None)), move |(store, position): (Store, Position)| async move {
        let Some(after) = position else { return Ok(None) };
        let Some(after) = after else {
            let head = written([HEAD.map(str::to_owned).to_vec()])?;
            return Ok(Some((head, (store, Some(Some(String::new()))))));
        };
        let removals = store.removals_after(id, &after, PIECE).await?;
        let next = match removals.last() {
            Some(last) if removals.len() == PIECE as usize => Some(Some(last.device.to_string())),
            _ => None,
        };
        Ok(Some((written(removals.iter().map(row))?, (store, next))))
    })
}

fn row(removal: &Removal) -> Vec<String> {
    let text = |text: Option<&str>| harmless(text.unwrap_or_default());
    let reason = if let Fate::Kept(reason) = removal.fate { Some(reason) } else { None };
    vec![
        harmless(removal.device.as_str()),
        removal.fate.stored().0.to_owned(),
        text(reason.map(KeepReason::words)),
        text(removal.detail.as_deref()),
        text(reason.map(KeepReason::remedy)),
        machine(removal.at),
        text(removal.evidence.as_deref()),
    ]
}
