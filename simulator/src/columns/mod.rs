//! The columns of the lists: what each object shows of itself. All values are text.

mod container;
mod row;

use std::borrow::Cow;
use std::fmt::Write as _;

use container::{
    MEMBER_OWN, OPTION_OWN, SERVER_MORE, SERVER_OWN, SPACE_OWN, VIEW_MORE, VIEW_OWN, ZONE_MORE, ZONE_OWN,
};
pub(crate) use container::{SPACE_ID, SPACE_NAME};
use row::ROW_OWN;

use crate::quirk::{QuirkName, Quirks};
use crate::store::{Effective, Row, Server, Store, View, Zone};

/// The part of the world that a row of a list shows: itself and what contains it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    pub(crate) display: Display<'a>,
    pub(crate) server: Option<&'a Server>,
    pub(crate) view: Option<&'a View>,
    pub(crate) zone: Option<&'a Zone>,
    pub(crate) row: Option<&'a Row>,
    /// Key and value of an option.
    pub(crate) option: Option<(&'a str, &'a str)>,
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
    pub(crate) show_properties: bool,
    /// Whether inherited class parameters are shown.
    pub(crate) with_parents: bool,
    /// Class parameters of rows exist since version 8.0.
    pub(crate) row_parameters: bool,
    /// Whether numbers are JSON numbers: a planted fault.
    pub(crate) numbers: bool,
}

impl<'a> Display<'a> {
    pub(crate) fn new(quirks: &Quirks, version: &'a str, no_parents: bool, row_parameters: bool) -> Self {
        Self {
            version,
            no_view: if quirks.is(QuirkName::NoView, "#") { "#" } else { "" },
            value_separator: if quirks.is(QuirkName::RrAllValue, "comma") { ", " } else { " " },
            name_sources: quirks.is(QuirkName::InheritedSource, "named"),
            show_properties: quirks.is(QuirkName::ParameterProperties, "shown"),
            with_parents: !(no_parents && quirks.is(QuirkName::NoParentParameters, "honoured")),
            row_parameters,
            numbers: quirks.is(QuirkName::ColumnType, "number"),
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
    pub(crate) read: Read,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The columns of one kind of object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns(pub(crate) &'static [&'static [Column]]);

/// The appliance itself.
pub(crate) const MEMBER: Columns = Columns(&[MEMBER_OWN]);
/// Options of servers and views.
pub(crate) const OPTION: Columns = Columns(&[OPTION_OWN, VIEW_OWN, SERVER_OWN]);
/// Spaces of the address management.
pub(crate) const SPACE: Columns = Columns(&[SPACE_OWN]);
pub(crate) const SERVER: Columns = Columns(&[SERVER_OWN, SERVER_MORE]);
pub(crate) const VIEW: Columns = Columns(&[VIEW_OWN, VIEW_MORE, SERVER_OWN]);
pub(crate) const ZONE: Columns = Columns(&[ZONE_OWN, ZONE_MORE, VIEW_OWN, SERVER_OWN]);
pub(crate) const ROW: Columns = Columns(&[ROW_OWN, ZONE_OWN, VIEW_OWN, SERVER_OWN]);
/// How the columns begin that rows have since version 8.0 only.
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

/// A column's value.
pub(crate) type Text<'a> = Cow<'a, str>;
type Read = for<'a> fn(&Context<'a>) -> Text<'a>;

pub(crate) const fn column(name: &'static str, level: Level, comparison: Comparison, read: Read) -> Column {
    Column { name, level, comparison, read }
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

pub(crate) const EMPTY: Read = |_| Cow::Borrowed("");
const NONE: Read = |_| Cow::Borrowed("#");
pub(crate) const ZERO: Read = |_| Cow::Borrowed("0");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn flag(on: bool) -> Cow<'static, str> {
    if on { "1" } else { "0" }.into()
}

fn unicode(name: &str) -> Cow<'_, str> {
    if !name.contains("xn--") {
        return name.into();
    }
    let (text, outcome) = idna::domain_to_unicode(name);
    if outcome.is_ok() { text.into() } else { name.into() }
}

/// The class parameters in force on the row itself, or on what contains it.
pub(crate) fn effective<'a>(context: &Context<'a>, level: Level) -> Option<Effective<'a>> {
    match level {
        Level::Server => context.server.map(|server| {
            // A member shows what its SMART has.
            context.store.server_parameters(server.smart.unwrap_or(server.id))
        }),
        Level::View => {
            context.view.map(|view| context.store.view_parameters(view.copy_of.unwrap_or(view.id)))
        }
        Level::Zone => {
            let zone = context.zone?;
            let original = zone.copy_of.and_then(|id| context.store.zone(id)).unwrap_or(zone);
            Some(context.store.zone_parameters(original))
        }
        Level::Row => context.row.map(|row| context.store.row_parameters(row, context.row_id)),
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

fn properties<'a>(context: &Context<'a>, level: Level) -> Cow<'a, str> {
    if context.display.show_properties {
        parameters(context, level, Effective::properties)
    } else {
        "".into()
    }
}

fn sources<'a>(context: &Context<'a>, level: Level) -> Cow<'a, str> {
    if context.display.name_sources { parameters(context, level, Effective::sources) } else { "".into() }
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
}
