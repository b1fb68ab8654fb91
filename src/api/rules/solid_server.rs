//! Rules of SolidServer.

use schemars::Schema;

use super::dns_record::short_enough;
use super::patterns::{IPV4, NAME, U16};
use super::{add, rule};

/// Rules that look at several fields of a SolidServer's spec.
pub(in crate::api) fn solid_server_spec(schema: &mut Schema) {
    add(
        schema,
        &rule(
            "(has(self.defaults) && has(self.defaults.dnsServer)) || self.zones.all(zone, has(zone.dnsServers))",
            "zones need dnsServers in each entry when defaults.dnsServer is not set, for example dnsServers: [ns.example.com]",
        )
        .field_path(".zones"),
    );
    add(
        schema,
        &rule(
            "!has(self.nameServers) || (has(self.publication) && self.publication == 'Dns')",
            "nameServers belongs to publication: Dns, and only there; write for example publication: Dns",
        )
        .field_path(".nameServers"),
    );
}

/// The name servers to ask.
pub(in crate::api) fn name_servers(schema: &mut Schema) {
    let ipv6 = "[0-9A-Fa-f]*:[0-9A-Fa-f:]*(:[0-9.]{7,15})?";
    let address = format!(r"{IPV4}(:{U16})?|{ipv6}|\[{ipv6}\](:{U16})?");
    add(
        schema,
        &rule(
            &format!("self.all(server, server.matches(r'^({address})$'))"),
            "nameServers are IP addresses, each with or without a port, for example [\"192.0.2.53\", \"192.0.2.54:5353\"]",
        ),
    );
}

/// The base URL.
pub(in crate::api) fn endpoint(schema: &mut Schema) {
    let host = r"([0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?|\[[0-9A-Fa-f:.]{2,45}\])";
    let path = r"(/[0-9A-Za-z._~!$&()*+,;=:@%/-]*)?";
    add(
        schema,
        &rule(
            &format!("self.matches(r'^https://{host}(:{U16})?{path}$')"),
            "endpoint is an https:// URL without user, query and fragment, for example \"https://ddi.example.com\"",
        ),
    );
}

/// The certificate authorities.
pub(in crate::api) fn ca_bundle(schema: &mut Schema) {
    add(
        schema,
        &rule(
            r"self.matches(r'^[0-9A-Za-z+/\s]+={0,2}\s*$')",
            "caBundle is PEM encoded in base64; write the output of: base64 -w0 ca.crt, for example LS0tLS1CRUdJTi...",
        ),
    );
}

/// Where certificate authorities come from.
pub(in crate::api) fn tls(schema: &mut Schema) {
    add(
        schema,
        &rule(
            "!has(self.caBundle) || !has(self.caBundleSecretRef)",
            "caBundle and caBundleSecretRef exclude each other; keep one, for example caBundleSecretRef: {name: solidserver-ca}",
        )
        .field_path(".caBundleSecretRef"),
    );
}

/// The name of a grant.
pub(in crate::api) fn grant_name(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &format!(
                "self == '*' || (self.matches(r'^{NAME}$') && !self.startsWith('*') && {})",
                short_enough("self")
            ),
            "name is a domain, which stands for itself and all names below it, for example \"shop.example.com\"; \"*\" alone \
             stands for every name",
        ),
    );
}

/// Which namespaces are admitted.
pub(in crate::api) fn allowed_namespaces(schema: &mut Schema) {
    add(
        schema,
        &rule(
            "(self.from == 'Selector') == has(self.selector)",
            "selector belongs to from: Selector, and only there, for example {from: Selector, selector: {matchLabels: {team: shop}}}",
        )
        .field_path(".selector"),
    );
}

/// Bounds of the time to live.
pub(in crate::api) fn ttl_limits(schema: &mut Schema) {
    add(
        schema,
        &rule(
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "ttl.min is larger than ttl.max; write for example {min: 30, max: 86400}",
        )
        .field_path(".min"),
    );
}

/// The deadline of one call.
pub(in crate::api) fn request_timeout(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &duration_between("100ms", "60s"),
            "requestTimeout is a duration from 100ms to 60s, for example \"4s\"",
        ),
    );
}

/// The time between resyncs.
pub(in crate::api) fn resync_interval(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &duration_between("1s", "24h"),
            "resyncInterval is a duration from 1s to 24h, for example \"10m\"",
        ),
    );
}

/// The window of the deletion guard.
pub(in crate::api) fn guard_window(schema: &mut Schema) {
    add(
        schema,
        &rule(&duration_between("1s", "24h"), "window is a duration from 1s to 24h, for example \"10m\""),
    );
}

/// A duration of whole hours, minutes, seconds and milliseconds, within bounds.
fn duration_between(shortest: &str, longest: &str) -> String {
    format!(
        "self.matches(r'^([0-9]{{1,8}}(h|m|s|ms))+$') && duration(self) >= duration('{shortest}') && \
         duration(self) <= duration('{longest}')"
    )
}
