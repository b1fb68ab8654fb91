//! Rules of DnsRecord other than those for the values of one type.

use kube::core::{Reason, Rule};
use schemars::Schema;
use serde_json::Value;

use super::patterns::{CONTROL, FOUR_NUMBERS, NAME};
use super::values::value_rules;
use super::{LONGEST_OBJECT_NAME, VALUES_TOGETHER, add, rule};

/// Rules that look at several fields of a DnsRecord's spec.
pub(in crate::api) fn dns_record_spec(schema: &mut Schema) {
    value_rules(schema);
    add(schema, &one_value());
    add(schema, &values_together());
    add(schema, &zone_ends_fqdn());
    add(schema, &ptr_of_addresses());
    add(schema, &ptr_of_one_name());
}

/// RFC 1034 3.6.2 and RFC 6672 2.4.
fn one_value() -> Rule {
    rule(
        "!(self.type in ['CNAME', 'DNAME']) || self.values.size() == 1",
        "types CNAME and DNAME have exactly one value, for example [\"www.example.com\"]; for several hosts behind one name \
         write their addresses with type A or AAAA",
    )
    .field_path(".values")
}

fn values_together() -> Rule {
    rule(
        &format!("self.values.map(v, v.size()).sum() <= {VALUES_TOGETHER}"),
        "values have more than 60000 characters together; an RRset of that size does not fit into a DNS answer, for example \
         keep it below 64 values of 900 characters",
    )
    .field_path(".values")
}

fn zone_ends_fqdn() -> Rule {
    rule(
        "!has(self.zone) || ('.' + self.fqdn.lowerAscii() + (self.fqdn.endsWith('.') ? '' : '.'))\
         .endsWith('.' + self.zone.lowerAscii() + (self.zone.endsWith('.') ? '' : '.'))",
        "zone is not the end of fqdn; for example www.shop.example.com can be in zone shop.example.com or example.com; leave \
         zone out to have it found",
    )
    .field_path(".zone")
}

fn ptr_of_addresses() -> Rule {
    rule(
        "!has(self.ptr) || self.type in ['A', 'AAAA']",
        "ptr is for addresses only, for example with type: A or type: AAAA; leave it out here",
    )
    .field_path(".ptr")
}

fn ptr_of_one_name() -> Rule {
    rule(
        "!has(self.ptr) || !self.fqdn.startsWith('*')",
        "ptr is not for wildcards: an address leads back to one name, for example www.shop.example.com",
    )
    .field_path(".ptr")
}

/// The owner name.
pub(in crate::api) fn fqdn(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &format!("self.matches(r'^{NAME}$') && {}", short_enough("self")),
            "fqdn is a name of at most 253 octets, each label 1 to 63 of letters, digits, - _ and /, with \"*\" only as the whole \
             first label, for example \"www.shop.example.com\" or \"*.shop.example.com\"",
        ),
    );
    add(
        schema,
        &rule(
            &format!(r"!self.matches(r'^{FOUR_NUMBERS}$')"),
            "fqdn is an address and must be a name, for example \"10.2.0.192.in-addr.arpa\" for a PTR record of 192.0.2.10",
        ),
    );
}

/// The zone that is to hold the record.
pub(in crate::api) fn zone(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &format!("self.matches(r'^{NAME}$') && !self.startsWith('*') && {}", short_enough("self")),
            "zone is a name of at most 253 octets, each label 1 to 63 of letters, digits, - _ and /, without \"*\", for example \
             \"shop.example.com\"",
        ),
    );
}

/// The length of a name is counted without its trailing dot.
pub(super) fn short_enough(variable: &str) -> String {
    format!("({variable}.size() <= 253 || ({variable}.size() == 254 && {variable}.endsWith('.')))")
}

/// The DNS server on the appliance.
pub(in crate::api) fn dns_server(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &plain_text("self"),
            "dnsServer is the name of a DNS server on the appliance, without control characters and spaces at its ends, for \
             example \"ns.example.com\"",
        ),
    );
}

/// The view on the DNS server.
pub(in crate::api) fn view(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &format!("self == '' || ({} && self != '#')", plain_text("self")),
            "view is the name of a view, without control characters and spaces at its ends, for example \"internal\"; write \"\" \
             for a server without views (the appliance shows that as #)",
        ),
    );
}

/// The appliance's class.
pub(in crate::api) fn class_name(schema: &mut Schema) {
    add(
        schema,
        &rule(
            &plain_text("self"),
            "className is the name of a class on the appliance, without control characters and spaces at its ends, for example \
             \"web/public\"",
        ),
    );
}

/// One line that neither begins nor ends in a space.
pub(super) fn plain_text(variable: &str) -> String {
    format!(r"!{variable}.matches(r'{CONTROL}|^ | $')")
}

/// The appliance's class parameters.
pub(in crate::api) fn class_parameters(schema: &mut Schema) {
    schema.insert("maxProperties".into(), 64.into());
    if let Some(Value::Object(value)) = schema.get_mut("additionalProperties") {
        value.insert("maxLength".into(), 1024.into());
    }
    add(
        schema,
        &rule(
            "self.all(key, key.matches(r'^[A-Za-z0-9_]{1,64}$'))",
            "keys of classParameters are 1 to 64 letters, digits and _, for example cost_center",
        ),
    );
    add(
        schema,
        &rule(
            "self.all(key, !key.matches(r'^(?i:k8s_)'))",
            "keys of classParameters do not begin with k8s_, under which the operator marks what it owns; choose another name, \
             for example cost_center",
        ),
    );
    add(
        schema,
        &rule(
            &format!("self.all(key, !self[key].matches(r'{CONTROL}'))"),
            "values of classParameters have no line breaks and other control characters, for example cost_center: \"42\"",
        ),
    );
}

/// `metadata.name` fits into the ownership mark.
pub(in crate::api) fn object_name() -> Rule {
    rule(
        &format!("self.metadata.name.size() <= {LONGEST_OBJECT_NAME}"),
        "metadata.name is longer than 120 characters and does not fit into the ownership mark on the appliance; choose a shorter \
         one, for example www-shop",
    )
}

/// `solidServerRef` stays; absent and "default" are the same.
pub(in crate::api) fn fixed_solid_server() -> Rule {
    fixed(
        "(has(self.spec.solidServerRef) ? self.spec.solidServerRef.name : 'default') == \
         (has(oldSelf.spec.solidServerRef) ? oldSelf.spec.solidServerRef.name : 'default')",
        "solidServerRef cannot be changed: the record would move to another appliance; delete the DnsRecord and create it anew, \
         or create another one, for example www-internal",
    )
    .field_path(".spec.solidServerRef")
}

/// `dnsServer` stays, but can be added with what the status says.
pub(in crate::api) fn fixed_dns_server() -> Rule {
    fixed(
        &fixed_field("dnsServer", "self.spec.dnsServer"),
        "dnsServer cannot be changed or removed, and only be added with the value of status.dnsServer; to move the record, delete \
         the DnsRecord and create it anew, or create another one, for example www-internal",
    )
    .field_path(".spec.dnsServer")
}

/// `view` stays, but can be added with what the status says.
pub(in crate::api) fn fixed_view() -> Rule {
    fixed(
        &fixed_field("view", "self.spec.view"),
        "view cannot be changed or removed, and only be added with the value of status.view; to move the record, delete the \
         DnsRecord and create it anew, or create another one, for example www-internal",
    )
    .field_path(".spec.view")
}

/// `zone` stays, but can be added with what the status says, in any case of letters and with a trailing dot.
pub(in crate::api) fn fixed_zone() -> Rule {
    let zone = "self.spec.zone.lowerAscii()";
    let spelt_as_status = format!("({zone}.endsWith('.') ? {zone}.substring(0, {zone}.size() - 1) : {zone})");
    fixed(
        &fixed_field("zone", &spelt_as_status),
        "zone cannot be changed or removed, and only be added with the value of status.zone; to move the record, delete the \
         DnsRecord and create it anew, or create another one, for example www-parent",
    )
    .field_path(".spec.zone")
}

/// The field is absent before and after, or the same, or new and what the status says.
fn fixed_field(field: &str, spelt_as_status: &str) -> String {
    format!(
        "has(self.spec.{field}) ? (has(oldSelf.spec.{field}) ? self.spec.{field} == oldSelf.spec.{field} : \
         has(oldSelf.status) && has(oldSelf.status.{field}) && {spelt_as_status} == oldSelf.status.{field}) : \
         !has(oldSelf.spec.{field})"
    )
}

fn fixed(text: &str, message: &str) -> Rule {
    rule(text, message).reason(Reason::FieldValueForbidden)
}
