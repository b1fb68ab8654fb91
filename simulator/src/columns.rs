//! The columns of the lists: what each object shows of itself. All values are text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::Ipv6Addr;

use crate::quirk::{QuirkName, Quirks};
use crate::store::{Effective, RECORD_TYPES, Row, Server, Store, View, Zone};

/// The part of the world that a row of a list shows: itself and what contains it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    pub(crate) display: Display<'a>,
    pub(crate) server: Option<&'a Server>,
    pub(crate) view: Option<&'a View>,
    pub(crate) zone: Option<&'a Zone>,
    pub(crate) row: Option<&'a Row>,
    /// The id by which the row is shown: its own or that of a copy.
    pub(crate) row_id: u64,
    /// What is settled: columns below are not known yet. A whole zone can be left out before its rows are looked at.
    pub(crate) settled: Level,
}

/// How values are shown.
#[derive(Clone, Copy)]
pub(crate) struct Display<'a> {
    pub(crate) version: &'a str,
    pub(crate) no_view: &'static str,
    pub(crate) value_separator: &'static str,
    pub(crate) name_sources: bool,
    /// Whether inherited class parameters are shown.
    pub(crate) with_parents: bool,
    /// Class parameters of rows exist since version 8.0.
    pub(crate) row_parameters: bool,
}

impl<'a> Display<'a> {
    pub(crate) fn new(quirks: &Quirks, version: &'a str, no_parents: bool, row_parameters: bool) -> Self {
        Self {
            version,
            no_view: if quirks.is(QuirkName::NoView, "#") {
                "#"
            } else {
                ""
            },
            value_separator: if quirks.is(QuirkName::RrAllValue, "comma") {
                ", "
            } else {
                " "
            },
            name_sources: quirks.is(QuirkName::InheritedSource, "named"),
            with_parents: !(no_parents && quirks.is(QuirkName::NoParentParameters, "honoured")),
            row_parameters,
        }
    }
}

/// Whose property a column is. A row knows the columns of what contains it, not the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Server,
    View,
    Zone,
    Row,
}

/// How a column's values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Text,
    /// Without regard to case.
    Name,
    /// By value when both sides are numbers.
    Number,
}

/// A column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    pub(crate) comparison: Comparison,
    pub(crate) read: for<'a> fn(&Context<'a>) -> Cow<'a, str>,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The columns of one kind of object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns(&'static [&'static [Column]]);

/// The appliance itself.
pub(crate) const MEMBER: Columns = Columns(&[MEMBER_OWN]);
pub(crate) const SERVER: Columns = Columns(&[SERVER_OWN, SERVER_MORE]);
pub(crate) const VIEW: Columns = Columns(&[VIEW_OWN, VIEW_MORE, SERVER_OWN]);
pub(crate) const ZONE: Columns = Columns(&[ZONE_OWN, ZONE_MORE, VIEW_OWN, SERVER_OWN]);
pub(crate) const ROW: Columns = Columns(&[ROW_OWN, ZONE_OWN, VIEW_OWN, SERVER_OWN]);
/// As the appliance's own description lists them, rows of versions before 8.0 have no class parameters.
const ROW_PARAMETERS: &str = "rr_class_parameters";

impl Columns {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Column> {
        self.0.iter().copied().flatten()
    }

    /// Finds a column, without regard to case.
    pub(crate) fn find(self, name: &str) -> Option<&'static Column> {
        self.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Column {
    pub(crate) fn is_shown(&self, display: &Display<'_>) -> bool {
        display.row_parameters || !self.name.starts_with(ROW_PARAMETERS)
    }
}

type Read = for<'a> fn(&Context<'a>) -> Cow<'a, str>;

const fn column(name: &'static str, level: Level, comparison: Comparison, read: Read) -> Column {
    Column {
        name,
        level,
        comparison,
        read,
    }
}

const fn text(name: &'static str, level: Level, read: Read) -> Column {
    column(name, level, Comparison::Text, read)
}

const fn named(name: &'static str, level: Level, read: Read) -> Column {
    column(name, level, Comparison::Name, read)
}

const fn number(name: &'static str, level: Level, read: Read) -> Column {
    column(name, level, Comparison::Number, read)
}

const EMPTY: Read = |_| Cow::Borrowed("");
const NONE: Read = |_| Cow::Borrowed("#");
const ZERO: Read = |_| Cow::Borrowed("0");

const MEMBER_OWN: &[Column] = &[
    number("member_id", Level::Server, |_| "1".into()),
    text("member_is_me", Level::Server, |_| "1".into()),
    named("member_name", Level::Server, |_| "sds1".into()),
    text("member_version", Level::Server, |context| {
        context.display.version.into()
    }),
    text("member_hostaddr", Level::Server, |_| "127.0.0.1".into()),
    text("member_role", Level::Server, |_| "master".into()),
    text("member_state", Level::Server, |_| "OK".into()),
    text("member_snmp_cpuload_percent", Level::Server, |_| "1".into()),
    text("member_snmp_memory", Level::Server, |_| "10".into()),
    text("member_snmp_hdd", Level::Server, |_| "10".into()),
];

const SERVER_OWN: &[Column] = &[
    number("dns_id", Level::Server, |context| {
        server(context, |server| server.id.to_string().into())
    }),
    named("dns_name", Level::Server, |context| {
        server(context, |server| server.name.as_str().into())
    }),
    text("dns_type", Level::Server, |context| {
        server(context, |server| {
            if server.architecture.is_some() {
                "vdns"
            } else {
                "ipm"
            }
            .into()
        })
    }),
    text("dns_cloud", Level::Server, ZERO),
    number("vdns_parent_id", Level::Server, |context| {
        server(context, |server| {
            server.smart.unwrap_or_default().to_string().into()
        })
    }),
    named("vdns_parent_name", Level::Server, |context| {
        let smart = context
            .server
            .and_then(|server| server.smart)
            .and_then(|smart| context.store.server(smart));
        smart.map_or("#".into(), |smart| smart.name.as_str().into())
    }),
    text("dns_class_name", Level::Server, EMPTY),
    text("dns_version", Level::Server, |context| {
        server(context, |server| {
            if server.architecture.is_some() {
                ""
            } else {
                "9.18.28"
            }
            .into()
        })
    }),
    text("dns_comment", Level::Server, EMPTY),
];

const SERVER_MORE: &[Column] = &[
    text("dns_state", Level::Server, |_| "Y".into()),
    text("dns_synching", Level::Server, ZERO),
    text("ip_addr", Level::Server, |context| {
        server(context, |server| hex(server.address.octets().as_slice()).into())
    }),
    text("hostaddr", Level::Server, |context| {
        server(context, |server| server.address.to_string().into())
    }),
    text("vdns_arch", Level::Server, |context| {
        server(context, |server| {
            server.architecture.as_deref().unwrap_or_default().into()
        })
    }),
    text("vdns_members_name", Level::Server, |context| {
        let members = context
            .server
            .map(|server| server.members.as_slice())
            .unwrap_or_default();
        let names = members
            .iter()
            .filter_map(|member| context.store.server(*member))
            .map(|member| member.name.as_str());
        names.collect::<Vec<_>>().join(";").into()
    }),
    text("dns_role", Level::Server, EMPTY),
    text("dns_recursion", Level::Server, |_| "yes".into()),
    text("dns_forward", Level::Server, EMPTY),
    text("dns_forwarders", Level::Server, EMPTY),
    text("dns_notify", Level::Server, EMPTY),
    text("dns_also_notify", Level::Server, EMPTY),
    text("dns_allow_query", Level::Server, EMPTY),
    text("dns_allow_query_cache", Level::Server, EMPTY),
    text("dns_allow_recursion", Level::Server, EMPTY),
    text("dns_allow_transfer", Level::Server, EMPTY),
    text("dns_hybrid", Level::Server, ZERO),
    text("dns_key_name", Level::Server, EMPTY),
    text("dns_key_proto", Level::Server, EMPTY),
    text("dns_key_value", Level::Server, EMPTY),
    text("dnsblast_enabled", Level::Server, ZERO),
    text("dnsblast_status", Level::Server, EMPTY),
    text("dnsgslb_supported", Level::Server, ZERO),
    text("dnsguardian_supported", Level::Server, ZERO),
    text("dnssec_validation", Level::Server, |_| "no".into()),
    text("gss_enabled", Level::Server, ZERO),
    text("gss_keytab_id", Level::Server, ZERO),
    text("ipmdns_is_package", Level::Server, ZERO),
    text("ipmdns_type", Level::Server, EMPTY),
    text("isolated", Level::Server, ZERO),
    text("multistatus", Level::Server, EMPTY),
    text("querylog_state", Level::Server, EMPTY),
    text("aws_keyid", Level::Server, EMPTY),
    text("dns_class_parameters", Level::Server, |context| {
        parameters(context, Level::Server, Effective::values)
    }),
    text("dns_class_parameters_properties", Level::Server, |context| {
        parameters(context, Level::Server, Effective::properties)
    }),
    text(
        "dns_class_parameters_inheritance_source",
        Level::Server,
        |context| sources(context, Level::Server),
    ),
];

const VIEW_OWN: &[Column] = &[
    number("dnsview_id", Level::View, |context| {
        context.view.map_or(0, |view| view.id).to_string().into()
    }),
    named("dnsview_name", Level::View, |context| {
        context
            .view
            .map_or(context.display.no_view, |view| view.name.as_str())
            .into()
    }),
    text("dnsview_class_name", Level::View, EMPTY),
    text("dnsview_class_parameters", Level::View, |context| {
        parameters(context, Level::View, Effective::values)
    }),
    text("dnsview_class_parameters_properties", Level::View, |context| {
        parameters(context, Level::View, Effective::properties)
    }),
    text(
        "dnsview_class_parameters_inheritance_source",
        Level::View,
        |context| sources(context, Level::View),
    ),
];

const VIEW_MORE: &[Column] = &[
    number("dnsview_order", Level::View, |context| {
        context.view.map_or(0, |view| view.order).to_string().into()
    }),
    text("dnsview_recursion", Level::View, |_| "yes".into()),
    text("dnsview_allow_query", Level::View, EMPTY),
    text("dnsview_allow_recursion", Level::View, EMPTY),
    text("dnsview_allow_transfer", Level::View, EMPTY),
    text("dnsview_match_clients", Level::View, EMPTY),
    text("dnsview_match_to", Level::View, EMPTY),
    text("dnsview_key_name", Level::View, EMPTY),
    text("delayed_create_time", Level::View, ZERO),
    text("delayed_delete_time", Level::View, ZERO),
    text("multistatus", Level::View, EMPTY),
];

const ZONE_OWN: &[Column] = &[
    number("dnszone_id", Level::Zone, |context| {
        zone(context, |zone| zone.id.to_string().into())
    }),
    named("dnszone_name", Level::Zone, |context| {
        zone(context, |zone| zone.name.as_str().into())
    }),
    named("dnszone_name_utf", Level::Zone, |context| {
        zone(context, |zone| unicode(&zone.name))
    }),
    text("dnszone_type", Level::Zone, |context| {
        zone(context, |zone| zone.zone_type.as_str().into())
    }),
    named("dnszone_sort_zone", Level::Zone, |context| {
        zone(context, |zone| reversed(&zone.name).into())
    }),
    text("dnszone_is_rpz", Level::Zone, |context| {
        zone(context, |zone| flag(zone.is_rpz))
    }),
    text("dnszone_is_reverse", Level::Zone, |context| {
        zone(context, |zone| flag(zone.name.ends_with(".arpa")))
    }),
    named("dnszone_site_name", Level::Zone, NONE),
    text("dnszone_masters", Level::Zone, EMPTY),
    text("dnszone_forwarders", Level::Zone, EMPTY),
    text("dnszone_class_name", Level::Zone, EMPTY),
];

const ZONE_MORE: &[Column] = &[
    number("dnszone_site_id", Level::Zone, ZERO),
    text("dnszone_forward", Level::Zone, EMPTY),
    text("dnszone_notify", Level::Zone, EMPTY),
    text("dnszone_also_notify", Level::Zone, EMPTY),
    text("dnszone_allow_query", Level::Zone, EMPTY),
    text("dnszone_allow_transfer", Level::Zone, EMPTY),
    text("dnszone_allow_update", Level::Zone, EMPTY),
    text("dnszone_ad_integrated", Level::Zone, ZERO),
    text("dnszone_order", Level::Zone, ZERO),
    named("dnszone_rev_sort_zone", Level::Zone, |context| {
        zone(context, |zone| zone.name.as_str().into())
    }),
    text("ds", Level::Zone, EMPTY),
    text("num_keys", Level::Zone, ZERO),
    text("dns_state", Level::Zone, |_| "Y".into()),
    text("delayed_create_time", Level::Zone, ZERO),
    text("delayed_delete_time", Level::Zone, ZERO),
    text("multistatus", Level::Zone, EMPTY),
    text("dnszone_class_parameters", Level::Zone, |context| {
        parameters(context, Level::Zone, Effective::values)
    }),
    text("dnszone_class_parameters_properties", Level::Zone, |context| {
        parameters(context, Level::Zone, Effective::properties)
    }),
    text(
        "dnszone_class_parameters_inheritance_source",
        Level::Zone,
        |context| sources(context, Level::Zone),
    ),
];

const ROW_OWN: &[Column] = &[
    number("rr_id", Level::Row, |context| context.row_id.to_string().into()),
    named("rr_full_name", Level::Row, |context| {
        row(context, |row| row.name.as_str().into())
    }),
    named("rr_full_name_utf", Level::Row, |context| {
        row(context, |row| unicode(&row.name))
    }),
    named("rr_glue", Level::Row, |context| glue(context).into()),
    text("rr_type", Level::Row, |context| {
        row(context, |row| row.record_type.as_str().into())
    }),
    number("ttl", Level::Row, |context| {
        row(context, |row| row.ttl.to_string().into())
    }),
    text("rr_all_value", Level::Row, |context| {
        row(context, |row| {
            row.values.join(context.display.value_separator).into()
        })
    }),
    text("value1", Level::Row, |context| value(context, 0)),
    text("value2", Level::Row, |context| value(context, 1)),
    text("value3", Level::Row, |context| value(context, 2)),
    text("value4", Level::Row, |context| value(context, 3)),
    text("value5", Level::Row, |context| value(context, 4)),
    text("value6", Level::Row, |context| value(context, 5)),
    text("value7", Level::Row, |context| value(context, 6)),
    text("rr_name_ip_addr", Level::Row, |context| {
        row(context, |row| hex_of_reverse_name(&row.name).into())
    }),
    text("rr_name_ip4_addr", Level::Row, |context| {
        row(context, |row| hex_of_reverse_name(&row.name).into())
    }),
    text("rr_value_ip_addr", Level::Row, |context| {
        row(context, |row| hex_of_value(row, true).into())
    }),
    text("rr_value_ip4_addr", Level::Row, |context| {
        row(context, |row| hex_of_value(row, false).into())
    }),
    text("delayed_time", Level::Row, |context| {
        row(context, |row| flag(row.pending_create || row.pending_delete))
    }),
    text("delayed_create_time", Level::Row, |context| {
        row(context, |row| flag(row.pending_create))
    }),
    text("delayed_delete_time", Level::Row, |context| {
        row(context, |row| flag(row.pending_delete))
    }),
    text("multistatus", Level::Row, |context| {
        row(context, |row| row.multistatus.as_str().into())
    }),
    text("rr_auth_gsstsig", Level::Row, ZERO),
    text("rr_last_update_time", Level::Row, EMPTY),
    text("rr_last_update_days", Level::Row, EMPTY),
    number("rr_name_id", Level::Row, |context| {
        context.row_id.to_string().into()
    }),
    number("rr_value_id", Level::Row, |context| {
        context.row_id.to_string().into()
    }),
    number("rr_type_id", Level::Row, |context| {
        row(context, |row| {
            let place = RECORD_TYPES.iter().position(|known| *known == row.record_type);
            place.map_or(0, |place| place + 1).to_string().into()
        })
    }),
    number("rr_glue_id", Level::Row, |context| {
        context.row_id.to_string().into()
    }),
    text("rr_class_name", Level::Row, |context| {
        row(context, |row| row.class_name.as_str().into())
    }),
    text("rr_class_parameters", Level::Row, |context| {
        parameters(context, Level::Row, Effective::values)
    }),
    text("rr_class_parameters_properties", Level::Row, |context| {
        parameters(context, Level::Row, Effective::properties)
    }),
    text("rr_class_parameters_inheritance_source", Level::Row, |context| {
        sources(context, Level::Row)
    }),
];

fn server<'a>(context: &Context<'a>, read: impl FnOnce(&'a Server) -> Cow<'a, str>) -> Cow<'a, str> {
    context.server.map(read).unwrap_or_default()
}

fn zone<'a>(context: &Context<'a>, read: impl FnOnce(&'a Zone) -> Cow<'a, str>) -> Cow<'a, str> {
    context.zone.map(read).unwrap_or_default()
}

fn row<'a>(context: &Context<'a>, read: impl FnOnce(&'a Row) -> Cow<'a, str>) -> Cow<'a, str> {
    context.row.map(read).unwrap_or_default()
}

fn value<'a>(context: &Context<'a>, index: usize) -> Cow<'a, str> {
    row(context, |row| {
        row.values
            .get(index)
            .map(String::as_str)
            .unwrap_or_default()
            .into()
    })
}

fn flag(on: bool) -> Cow<'static, str> {
    if on { "1" } else { "0" }.into()
}

/// The owner name relative to its zone, `.` at the apex.
fn glue<'a>(context: &Context<'a>) -> &'a str {
    let (Some(row), Some(zone)) = (context.row, context.zone) else {
        return "";
    };
    let Some(cut) = row.name.len().checked_sub(zone.name.len()) else {
        return &row.name;
    };
    let apart = row
        .name
        .get(cut..)
        .is_some_and(|end| end.eq_ignore_ascii_case(&zone.name));
    match (apart, row.name.get(..cut)) {
        (true, Some("")) => ".",
        (true, Some(front)) => front.strip_suffix('.').unwrap_or(front),
        _ => &row.name,
    }
}

fn unicode(name: &str) -> Cow<'_, str> {
    if !name.contains("xn--") {
        return name.into();
    }
    let (text, outcome) = idna::domain_to_unicode(name);
    if outcome.is_ok() { text.into() } else { name.into() }
}

fn reversed(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The address in a name such as `1.2.0.192.in-addr.arpa`, else nothing.
fn hex_of_reverse_name(name: &str) -> String {
    let octets = name
        .strip_suffix(".in-addr.arpa")
        .map(|front| front.rsplit('.').map(str::parse::<u8>));
    let octets: Option<Vec<u8>> = octets.and_then(|octets| octets.collect::<Result<_, _>>().ok());
    octets
        .filter(|octets| octets.len() == 4)
        .map(|octets| hex(&octets))
        .unwrap_or_default()
}

fn hex_of_value(row: &Row, with_ipv6: bool) -> String {
    let value = row.values.first().map(String::as_str).unwrap_or_default();
    match row.record_type.as_str() {
        "A" => value
            .parse::<std::net::Ipv4Addr>()
            .map(|address| hex(&address.octets()))
            .unwrap_or_default(),
        "AAAA" if with_ipv6 => value
            .parse::<Ipv6Addr>()
            .map(|address| hex(&address.octets()))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn effective<'a>(context: &Context<'a>, level: Level) -> Option<Effective<'a>> {
    match level {
        Level::Server => context.server.map(|server| {
            // A member shows what its SMART has.
            context.store.server_parameters(server.smart.unwrap_or(server.id))
        }),
        Level::View => context
            .view
            .map(|view| context.store.view_parameters(view.copy_of.unwrap_or(view.id))),
        Level::Zone => {
            let zone = context.zone?;
            let original = zone.copy_of.and_then(|id| context.store.zone(id)).unwrap_or(zone);
            Some(context.store.zone_parameters(original))
        }
        Level::Row => context
            .row
            .map(|row| context.store.row_parameters(row, context.row_id)),
    }
}

fn parameters<'a>(
    context: &Context<'a>,
    level: Level,
    show: fn(&Effective<'a>, bool) -> String,
) -> Cow<'a, str> {
    effective(context, level)
        .map(|effective| show(&effective, context.display.with_parents))
        .unwrap_or_default()
        .into()
}

fn sources<'a>(context: &Context<'a>, level: Level) -> Cow<'a, str> {
    if context.display.name_sources {
        parameters(context, level, Effective::sources)
    } else {
        "".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of a row as a captured answer of an appliance shows them.
    const DOCUMENTED: &str = "rr_all_value dnszone_sort_zone dnszone_is_rpz dnszone_type rr_full_name rr_full_name_utf \
        rr_name_ip_addr rr_name_ip4_addr rr_value_ip_addr rr_value_ip4_addr rr_glue rr_type ttl delayed_time \
        rr_class_name value1 value2 value3 value4 value5 value6 value7 dnszone_id rr_id dns_id dnszone_name_utf \
        dnszone_name dns_name dns_type dns_cloud vdns_parent_id dnsview_name dnsview_class_name dnsview_id \
        dnszone_site_name dnszone_is_reverse dnszone_masters vdns_parent_name dnszone_forwarders dns_class_name \
        dnszone_class_name dns_version dns_comment delayed_create_time delayed_delete_time multistatus rr_auth_gsstsig \
        rr_last_update_time rr_last_update_days rr_name_id rr_value_id rr_type_id rr_glue_id dnsview_class_parameters \
        dnsview_class_parameters_properties dnsview_class_parameters_inheritance_source rr_class_parameters \
        rr_class_parameters_properties rr_class_parameters_inheritance_source";

    #[test]
    fn a_row_has_exactly_the_documented_columns() {
        let mut documented: Vec<&str> = DOCUMENTED.split_whitespace().collect();
        let mut shown: Vec<&str> = ROW.iter().map(|column| column.name).collect();
        documented.sort_unstable();
        shown.sort_unstable();
        assert_eq!(shown, documented);
    }

    #[test]
    fn no_list_has_a_column_twice() {
        for columns in [SERVER, VIEW, ZONE, ROW] {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            for (index, name) in names.iter().enumerate() {
                assert!(!names[..index].contains(name), "{name}");
            }
        }
    }

    #[test]
    fn addresses_are_shown_in_hex() {
        assert_eq!(hex_of_reverse_name("1.2.0.192.in-addr.arpa"), "c0000201");
        assert_eq!(hex_of_reverse_name("2.0.192.in-addr.arpa"), "");
        assert_eq!(reversed("www.example.com"), "com.example.www");
        assert_eq!(unicode("xn--mnchen-3ya.example"), "münchen.example");
    }
}
