//! The columns of rows.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    Column, Context, EMPTY, Level, ZERO, flag, hex, named, number, parameters, properties, sources, text,
    unicode,
};
use crate::store::{Effective, RECORD_TYPES, Row};

pub(super) const ROW_OWN: &[Column] = &[
    number("rr_id", Level::Row, |context| context.row_id.to_string().into()),
    named("rr_full_name", Level::Row, |context| row(context, |row| row.name.as_str().into())),
    named("rr_full_name_utf", Level::Row, |context| row(context, |row| unicode(&row.name))),
    named("rr_glue", Level::Row, |context| glue(context).into()),
    text("rr_type", Level::Row, |context| row(context, |row| row.record_type.as_str().into())),
    number("ttl", Level::Row, |context| row(context, |row| row.ttl.to_string().into())),
    text("rr_all_value", Level::Row, |context| {
        row(context, |row| row.values.join(context.display.value_separator).into())
    }),
    text("value1", Level::Row, |context| value(context, 0)),
    text("value2", Level::Row, |context| value(context, 1)),
    text("value3", Level::Row, |context| value(context, 2)),
    text("value4", Level::Row, |context| value(context, 3)),
    text("value5", Level::Row, |context| value(context, 4)),
    text("value6", Level::Row, |context| value(context, 5)),
    text("value7", Level::Row, |context| value(context, 6)),
    text("rr_name_ip_addr", Level::Row, |context| row(context, |row| hex_of_reverse_name(&row.name).into())),
    text("rr_name_ip4_addr", Level::Row, |context| row(context, |row| hex_of_reverse_name(&row.name).into())),
    text("rr_value_ip_addr", Level::Row, |context| row(context, |row| hex_of_value(row, true).into())),
    text("rr_value_ip4_addr", Level::Row, |context| row(context, |row| hex_of_value(row, false).into())),
    text("delayed_time", Level::Row, |context| {
        row(context, |row| flag(row.pending_create || row.pending_delete))
    }),
    text("delayed_create_time", Level::Row, |context| row(context, |row| flag(row.pending_create))),
    text("delayed_delete_time", Level::Row, |context| row(context, |row| flag(row.pending_delete))),
    text("multistatus", Level::Row, |context| row(context, |row| row.multistatus.as_str().into())),
    text("rr_auth_gsstsig", Level::Row, ZERO),
    text("rr_last_update_time", Level::Row, EMPTY),
    text("rr_last_update_days", Level::Row, EMPTY),
    number("rr_name_id", Level::Row, |context| context.row_id.to_string().into()),
    number("rr_value_id", Level::Row, |context| context.row_id.to_string().into()),
    number("rr_type_id", Level::Row, |context| {
        row(context, |row| {
            let place = RECORD_TYPES.iter().position(|known| *known == row.record_type);
            place.map_or(0, |place| place + 1).to_string().into()
        })
    }),
    number("rr_glue_id", Level::Row, |context| context.row_id.to_string().into()),
    text("rr_class_name", Level::Row, |context| row(context, |row| row.class_name.as_str().into())),
    text("rr_class_parameters", Level::Row, |context| parameters(context, Level::Row, Effective::values)),
    text("rr_class_parameters_properties", Level::Row, |context| properties(context, Level::Row)),
    text("rr_class_parameters_inheritance_source", Level::Row, |context| sources(context, Level::Row)),
];

fn row<'a>(context: &Context<'a>, read: impl FnOnce(&'a Row) -> Cow<'a, str>) -> Cow<'a, str> {
    context.row.map(read).unwrap_or_default()
}

fn value<'a>(context: &Context<'a>, index: usize) -> Cow<'a, str> {
    row(context, |row| row.values.get(index).map(String::as_str).unwrap_or_default().into())
}

/// The owner name relative to its zone, `.` at the apex.
fn glue<'a>(context: &Context<'a>) -> &'a str {
    let (Some(row), Some(zone)) = (context.row, context.zone) else {
        return "";
    };
    let Some(cut) = row.name.len().checked_sub(zone.name.len()) else {
        return &row.name;
    };
    let apart = row.name.get(cut..).is_some_and(|end| end.eq_ignore_ascii_case(&zone.name));
    match (apart, row.name.get(..cut)) {
        (true, Some("")) => ".",
        (true, Some(front)) => front.strip_suffix('.').unwrap_or(front),
        _ => &row.name,
    }
}

/// The address in a name such as `1.2.0.192.in-addr.arpa`, else nothing.
fn hex_of_reverse_name(name: &str) -> String {
    let octets = name.strip_suffix(".in-addr.arpa").map(|front| front.rsplit('.').map(str::parse::<u8>));
    let octets: Option<Vec<u8>> = octets.and_then(|octets| octets.collect::<Result<_, _>>().ok());
    octets.filter(|octets| octets.len() == 4).map(|octets| hex(&octets)).unwrap_or_default()
}

fn hex_of_value(row: &Row, with_ipv6: bool) -> String {
    let value = row.values.first().map(String::as_str).unwrap_or_default();
    match row.record_type.as_str() {
        "A" => value.parse::<Ipv4Addr>().map(|address| hex(&address.octets())).unwrap_or_default(),
        "AAAA" if with_ipv6 => {
            value.parse::<Ipv6Addr>().map(|address| hex(&address.octets())).unwrap_or_default()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_in_hex() {
        assert_eq!(hex_of_reverse_name("1.2.0.192.in-addr.arpa"), "c0000201");
        assert_eq!(hex_of_reverse_name("2.0.192.in-addr.arpa"), "");
        assert_eq!(unicode("xn--mnchen-3ya.example"), "münchen.example");
    }
}
