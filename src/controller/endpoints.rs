//! Two SolidServers for one appliance: limits are per endpoint, so one of them must not work (pure).

use std::collections::BTreeSet;

use url::Url;

use super::catalogue::Refusal;
use crate::api::{Reason, SolidServer, SolidServerSpec};

/// Why a SolidServer must not be worked with: an older one has the same endpoint and shares a DNS server with it.
#[must_use]
pub(super) fn barred(solid_server: &SolidServer, all: &[&SolidServer]) -> Option<Refusal> {
    let endpoint = endpoint(&solid_server.spec);
    let rank = |object: &SolidServer| {
        let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, object.metadata.name.clone())
    };
    let older = all
        .iter()
        .filter(|other| rank(other) < rank(solid_server))
        .find(|other| self::endpoint(&other.spec) == endpoint && overlap(&other.spec, &solid_server.spec))?;
    let name = older.metadata.name.as_deref().unwrap_or_default();
    Some(Refusal::new(
        Reason::EndpointInUse,
        format!(
            "SolidServer {name} has the same endpoint; use that one, or name DNS servers in spec.defaults and spec.zones of both that do not overlap"
        ),
    ))
}

/// The endpoint without what does not tell two apart.
pub(super) fn endpoint(spec: &SolidServerSpec) -> String {
    let text = Url::parse(&spec.endpoint).map_or_else(|_| spec.endpoint.clone(), String::from);
    text.trim_end_matches('/').to_owned()
}

/// Whether both may write to one DNS server. One that names none may write to any.
fn overlap(one: &SolidServerSpec, other: &SolidServerSpec) -> bool {
    let (one, other) = (servers(one), servers(other));
    one.is_empty() || other.is_empty() || !one.is_disjoint(&other)
}

fn servers(spec: &SolidServerSpec) -> BTreeSet<&str> {
    let granted =
        spec.zones.iter().filter_map(|grant| grant.dns_servers.as_ref()).flatten().map(String::as_str);
    spec.default_dns_server().into_iter().chain(granted).collect()
}
