//! The `/rest` dialect: one flat service per object and verb, `GET /rest/dns_rr_list?WHERE=...`.
//!
//! Parameters travel in the query string, as the vendor's own libraries send them.

mod answer;
mod class_parameters;
mod columns;
mod write;

use std::borrow::Cow;

use reqwest::StatusCode;

use super::answer::Text;
use super::list::get;
use super::names::{ListNames, Names};
use super::{Answer, Fault, Operation, Request};

pub(super) use columns::{counts, rows, servers, views, zones};
pub(super) use write::{add, delete, edit, written};

/// The path below the endpoint.
const ROOT: &str = "rest";

pub(super) static NAMES: Names = Names {
    root: ROOT,
    filter: "WHERE",
    order: "ORDERBY",
    limit: "limit",
    offset: "offset",
    without_inherited: "NO_PARENT_CLASS_PARAM",
    servers: ListNames { list: "dns_server_list", count: "dns_server_count", id: "dns_id" },
    views: ListNames { list: "dns_view_list", count: "dns_view_count", id: "dnsview_id" },
    zones: ListNames { list: "dns_zone_list", count: "dns_zone_count", id: "dnszone_id" },
    rows: ListNames { list: "dns_rr_list", count: "dns_rr_count", id: "rr_id" },
    server: "dns_name",
    view: "dnsview_name",
    zone: "dnszone_name",
    owner: "rr_full_name",
    record_type: "rr_type",
};

/// The appliance's own row in its list of members.
pub(super) fn version() -> Request {
    get(Operation::List, ROOT, "member_list", vec![(NAMES.filter, Cow::Borrowed("member_is_me=1"))])
}

/// The version in the answer to [`version`].
pub(super) fn version_in(answer: &Answer) -> Result<Option<String>, Fault> {
    #[derive(serde::Deserialize)]
    struct Member<'a> {
        #[serde(borrow)]
        member_version: Text<'a>,
    }
    match answer::rows::<Member<'_>>(answer) {
        Err(fault) if answer.status == StatusCode::NOT_FOUND => Err(fault),
        Err(_) => Ok(None),
        Ok(members) => {
            let version = members.first().map(|member| member.member_version.as_str().trim());
            Ok(version.filter(|version| !version.is_empty()).map(str::to_owned))
        }
    }
}
