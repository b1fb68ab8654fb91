//! The `/api/v2.0` dialect: `GET /api/v2.0/dns/rr/list?where=...`, every answer in an envelope.
//!
//! Reads and deletes take parameters in the query string, adds and edits a JSON object. Ids and TTLs are integers there,
//! and texts in answers. Class parameters are lists in both directions. (The vendor's OpenAPI description of SOLIDserver
//! 8.4 is the source of all names.)

mod columns;
mod envelope;
mod write;

use super::names::{ListNames, Names};

pub(super) use columns::{counts, rows, servers, views, zones};
pub(super) use write::{add, delete, edit, written};

/// The path below the endpoint.
pub(super) const ROOT: &str = "api/v2.0";

pub(super) static NAMES: Names = Names {
    root: ROOT,
    filter: "where",
    order: "orderby",
    limit: "limit",
    offset: "offset",
    without_inherited: "no_parent_class_param",
    servers: ListNames { list: "dns/server/list", count: "dns/server/count", id: "server_id" },
    views: ListNames { list: "dns/view/list", count: "dns/view/count", id: "view_id" },
    zones: ListNames { list: "dns/zone/list", count: "dns/zone/count", id: "zone_id" },
    rows: ListNames { list: "dns/rr/list", count: "dns/rr/count", id: "rr_id" },
    server: "server_name",
    view: "view_name",
    zone: "zone_name",
    owner: "rr_full_name",
    record_type: "rr_type",
};
