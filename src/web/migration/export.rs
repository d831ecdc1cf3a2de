//! `/migrations/{id}/devices.csv`: the devices that the page shows, all pages of them, to download.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::query::{DeviceQuery, RawQuery};
use super::{csv, visible};
use crate::identity::SignedInUser;
use crate::web::errors::PageError;
use crate::web::state::Web;

pub(super) async fn devices(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(query): Query<RawQuery>,
    user: SignedInUser,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let query = DeviceQuery::from(query);
    let disposition = format!("attachment; filename=\"{}-devices.csv\"", file_name(&migration.name));
    let rows = csv::devices(web.store, migration.id, migration.relation(), query.filter);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(rows)).into_response())
}

/// A migration's name as the start of a file's name on any system.
pub(in crate::web) fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let dashed: String = name.chars().map(safe).collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "migration".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_a_file_name() {
        assert_eq!(file_name("Pumps \"north\"/../\r\n 1"), "pumps-north-1");
        assert_eq!(file_name("Насосы"), "migration");
    }
}
