//! The admin interface: what the appliance holds and was asked, and how it misbehaves. It has no authentication and
//! listens on loopback only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::appliance::Appliance;
use crate::error::Error;
use crate::fault::{FIELDS, Fault};
use crate::record::{NewRow, RowPatch, RowView};

pub(crate) fn router(appliance: Arc<Appliance>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/records", get(records).post(add_record))
        .route("/records/{id}", patch(patch_record).delete(delete_record))
        .route("/calls", get(calls).delete(reset_calls))
        .route("/requests", get(requests).delete(reset_calls))
        .route("/faults", get(faults).post(inject).delete(clear_faults))
        .with_state(appliance)
}

type Appl = State<Arc<Appliance>>;

/// A wrong request to the admin interface: why, in a sentence.
struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        let status = if matches!(error, Error::UnknownRow(_)) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::BAD_REQUEST
        };
        Self(status, error.to_string())
    }
}

/// Reads a body as JSON, whatever its content type, so that a plain `curl -d` works.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| Wrong(StatusCode::BAD_REQUEST, error.to_string()))
}

/// All rows; `?server=`, `view`, `zone`, `name` and `type` narrow them.
async fn records(
    State(appliance): Appl,
    Query(filter): Query<BTreeMap<String, String>>,
) -> Result<Json<Vec<RowView>>, Wrong> {
    let known = ["server", "view", "zone", "name", "type"];
    if let Some(unknown) = filter.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Wrong(StatusCode::BAD_REQUEST, format!("{unknown:?} is none of {known:?}")));
    }
    let mut rows = appliance.state().row_views();
    rows.retain(|row| {
        filter.iter().all(|(name, wanted)| match name.as_str() {
            "server" => row.server == *wanted,
            "view" => row.view == *wanted,
            "zone" => row.zone == *wanted,
            "type" => row.record_type == *wanted,
            _ => row.name == *wanted,
        })
    });
    Ok(Json(rows))
}

async fn add_record(State(appliance): Appl, body: Bytes) -> Result<(StatusCode, Json<RowView>), Wrong> {
    let row: NewRow = read(&body)?;
    let added = appliance.state().add_behind(row, appliance.now_ms())?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn patch_record(
    State(appliance): Appl,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<RowView>, Wrong> {
    let change: RowPatch = read(&body)?;
    Ok(Json(appliance.state().patch_behind(&id, change, appliance.now_ms())?))
}

async fn delete_record(State(appliance): Appl, Path(id): Path<String>) -> Result<StatusCode, Wrong> {
    appliance.state().delete_behind(&id, appliance.now_ms())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counts; `?log=1` adds the calls themselves.
async fn calls(
    State(appliance): Appl,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, Wrong> {
    let (calls, log) = {
        let state = appliance.state();
        let log = query.get("log").is_some_and(|value| value != "0").then(|| state.recorder.log());
        (state.recorder.calls(), log)
    };
    let failed = |error: serde_json::Error| Wrong(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let mut answer = serde_json::to_value(calls).map_err(failed)?;
    if let (Some(log), Some(object)) = (log, answer.as_object_mut()) {
        object.insert("log".to_owned(), serde_json::to_value(log).map_err(failed)?);
    }
    Ok(Json(answer))
}

async fn reset_calls(State(appliance): Appl) -> StatusCode {
    appliance.state().reset_calls();
    StatusCode::NO_CONTENT
}

/// The last requests as they were sent.
async fn requests(State(appliance): Appl) -> Response {
    let requests = appliance.state().recording.requests();
    Json(requests).into_response()
}

async fn faults(State(appliance): Appl) -> Response {
    Json(appliance.state().faults.view()).into_response()
}

/// Takes one fault, or an array of them.
async fn inject(State(appliance): Appl, body: Bytes) -> Result<(StatusCode, Json<Value>), Wrong> {
    let value: Value = read(&body)?;
    let faults = match value {
        Value::Array(faults) => faults,
        fault => vec![fault],
    };
    let faults: Vec<Fault> = faults.into_iter().map(fault).collect::<Result<_, _>>()?;
    let mut state = appliance.state();
    let ids: Vec<u64> = faults.into_iter().map(|fault| state.faults.inject(fault)).collect();
    Ok((StatusCode::CREATED, Json(json!({"ids": ids}))))
}

fn fault(value: Value) -> Result<Fault, Wrong> {
    let unknown =
        value.as_object().and_then(|object| object.keys().find(|name| !FIELDS.contains(&name.as_str())));
    if let Some(unknown) = unknown {
        return Err(Wrong(StatusCode::BAD_REQUEST, format!("{unknown:?} is no field of a fault")));
    }
    serde_json::from_value(value).map_err(|error| Wrong(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn clear_faults(State(appliance): Appl) -> StatusCode {
    appliance.state().faults.clear();
    StatusCode::NO_CONTENT
}
