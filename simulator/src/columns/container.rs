//! The columns of the appliance itself, of servers, views and zones.

use std::borrow::Cow;

use super::{
    Column, Context, EMPTY, Level, NONE, ZERO, flag, hex, named, number, parameters, properties, sources,
    text, unicode,
};
use crate::store::{Configuration, Effective, Server, Zone};

/// The only space of the address management.
pub(crate) const SPACE_ID: &str = "1";
pub(crate) const SPACE_NAME: &str = "Local";

pub(super) const MEMBER_OWN: &[Column] = &[
    number("member_id", Level::Server, |_| "1".into()),
    text("member_is_me", Level::Server, |_| "1".into()),
    named("member_name", Level::Server, |_| "sds1".into()),
    text("member_version", Level::Server, |context| context.display.version.into()),
    text("member_hostaddr", Level::Server, |_| "127.0.0.1".into()),
    text("member_role", Level::Server, |_| "master".into()),
    text("member_state", Level::Server, |_| "OK".into()),
    text("member_snmp_cpuload_percent", Level::Server, |_| "1".into()),
    text("member_snmp_memory", Level::Server, |_| "10".into()),
    text("member_snmp_hdd", Level::Server, |_| "10".into()),
];

pub(super) const OPTION_OWN: &[Column] = &[
    text("param_key", Level::View, |context| context.option.map_or("", |(key, _)| key).into()),
    text("param_value", Level::View, |context| context.option.map_or("", |(_, value)| value).into()),
];

pub(super) const SPACE_OWN: &[Column] = &[
    number("site_id", Level::Server, |_| SPACE_ID.into()),
    named("site_name", Level::Server, |_| SPACE_NAME.into()),
    text("site_description", Level::Server, EMPTY),
    text("site_is_template", Level::Server, ZERO),
    number("parent_site_id", Level::Server, ZERO),
    named("parent_site_name", Level::Server, NONE),
    text("tree_level", Level::Server, ZERO),
    text("site_class_name", Level::Server, EMPTY),
    text("site_class_parameters", Level::Server, EMPTY),
    text("row_enabled", Level::Server, |_| "1".into()),
];

pub(super) const SERVER_OWN: &[Column] = &[
    number("dns_id", Level::Server, |context| server(context, |server| server.id.to_string().into())),
    named("dns_name", Level::Server, |context| server(context, |server| server.name.as_str().into())),
    text("dns_type", Level::Server, |context| {
        server(context, |server| {
            if server.architecture.is_some() { "vdns".into() } else { of_server(context, "dns_type", "ipm") }
        })
    }),
    text("dns_cloud", Level::Server, ZERO),
    number("vdns_parent_id", Level::Server, |context| {
        server(context, |server| server.smart.unwrap_or_default().to_string().into())
    }),
    named("vdns_parent_name", Level::Server, |context| {
        let smart =
            context.server.and_then(|server| server.smart).and_then(|smart| context.store.server(smart));
        smart.map_or("#".into(), |smart| smart.name.as_str().into())
    }),
    text("dns_class_name", Level::Server, |context| class_name(server_configuration(context))),
    text("dns_version", Level::Server, |context| {
        server(context, |server| if server.architecture.is_some() { "" } else { "9.18.28" }.into())
    }),
    text("dns_comment", Level::Server, |context| of_server(context, "dns_comment", "")),
];

pub(super) const SERVER_MORE: &[Column] = &[
    text("dns_state", Level::Server, |_| "Y".into()),
    text("dns_synching", Level::Server, ZERO),
    text("ip_addr", Level::Server, |context| {
        server(context, |server| hex(server.address.octets().as_slice()).into())
    }),
    text("hostaddr", Level::Server, |context| server(context, |server| server.address.to_string().into())),
    text("vdns_arch", Level::Server, |context| {
        server(context, |server| server.architecture.as_deref().unwrap_or_default().into())
    }),
    text("vdns_members_name", Level::Server, |context| {
        let members = context.server.map(|server| server.members.as_slice()).unwrap_or_default();
        let names = members
            .iter()
            .filter_map(|member| context.store.server(*member))
            .map(|member| member.name.as_str());
        names.collect::<Vec<_>>().join(";").into()
    }),
    text("dns_role", Level::Server, |context| of_server(context, "dns_role", "")),
    text("dns_recursion", Level::Server, |context| of_server(context, "dns_recursion", "yes")),
    text("dns_forward", Level::Server, |context| of_server(context, "dns_forward", "")),
    text("dns_forwarders", Level::Server, |context| of_server(context, "dns_forwarders", "")),
    text("dns_notify", Level::Server, |context| of_server(context, "dns_notify", "")),
    text("dns_also_notify", Level::Server, |context| of_server(context, "dns_also_notify", "")),
    text("dns_allow_query", Level::Server, |context| of_server(context, "dns_allow_query", "")),
    text("dns_allow_query_cache", Level::Server, |context| of_server(context, "dns_allow_query_cache", "")),
    text("dns_allow_recursion", Level::Server, |context| of_server(context, "dns_allow_recursion", "")),
    text("dns_allow_transfer", Level::Server, |context| of_server(context, "dns_allow_transfer", "")),
    text("dns_hybrid", Level::Server, |context| of_server(context, "dns_hybrid", "0")),
    text("dns_key_name", Level::Server, |context| of_server(context, "dns_key_name", "")),
    text("dns_key_proto", Level::Server, |context| of_server(context, "dns_key_proto", "")),
    text("dns_key_value", Level::Server, |context| of_server(context, "dns_key_value", "")),
    text("dnsblast_enabled", Level::Server, ZERO),
    text("dnsblast_status", Level::Server, EMPTY),
    text("dnsgslb_supported", Level::Server, ZERO),
    text("dnsguardian_supported", Level::Server, ZERO),
    text("dnssec_validation", Level::Server, |context| of_server(context, "dnssec_validation", "no")),
    text("gss_enabled", Level::Server, |context| of_server(context, "gss_enabled", "0")),
    text("gss_keytab_id", Level::Server, |context| of_server(context, "gss_keytab_id", "0")),
    text("ipmdns_is_package", Level::Server, ZERO),
    text("ipmdns_type", Level::Server, |context| of_server(context, "ipmdns_type", "")),
    text("isolated", Level::Server, |context| of_server(context, "isolated", "0")),
    text("multistatus", Level::Server, EMPTY),
    text("querylog_state", Level::Server, |context| of_server(context, "querylog_state", "")),
    text("aws_keyid", Level::Server, EMPTY),
    text("dns_class_parameters", Level::Server, |context| {
        parameters(context, Level::Server, Effective::values)
    }),
    text("dns_class_parameters_properties", Level::Server, |context| properties(context, Level::Server)),
    text("dns_class_parameters_inheritance_source", Level::Server, |context| sources(context, Level::Server)),
];

pub(super) const VIEW_OWN: &[Column] = &[
    number("dnsview_id", Level::View, |context| context.view.map_or(0, |view| view.id).to_string().into()),
    named("dnsview_name", Level::View, |context| {
        context.view.map_or(context.display.no_view, |view| view.name.as_str()).into()
    }),
    text("dnsview_class_name", Level::View, |context| class_name(view_configuration(context))),
    text("dnsview_class_parameters", Level::View, |context| {
        parameters(context, Level::View, Effective::values)
    }),
    text("dnsview_class_parameters_properties", Level::View, |context| properties(context, Level::View)),
    text("dnsview_class_parameters_inheritance_source", Level::View, |context| sources(context, Level::View)),
];

pub(super) const VIEW_MORE: &[Column] = &[
    number("dnsview_order", Level::View, |context| {
        context.view.map_or(0, |view| view.order).to_string().into()
    }),
    text("dnsview_recursion", Level::View, |context| of_view(context, "dnsview_recursion", "yes")),
    text("dnsview_allow_query", Level::View, |context| of_view(context, "dnsview_allow_query", "")),
    text("dnsview_allow_recursion", Level::View, |context| of_view(context, "dnsview_allow_recursion", "")),
    text("dnsview_allow_transfer", Level::View, |context| of_view(context, "dnsview_allow_transfer", "")),
    text("dnsview_match_clients", Level::View, |context| of_view(context, "dnsview_match_clients", "")),
    text("dnsview_match_to", Level::View, |context| of_view(context, "dnsview_match_to", "")),
    text("dnsview_key_name", Level::View, |context| of_view(context, "dnsview_key_name", "")),
    text("delayed_create_time", Level::View, |context| {
        flag(context.view.is_some_and(|view| view.pending_create))
    }),
    text("delayed_delete_time", Level::View, |context| {
        flag(context.view.is_some_and(|view| view.pending_delete))
    }),
    text("multistatus", Level::View, EMPTY),
];

pub(super) const ZONE_OWN: &[Column] = &[
    number("dnszone_id", Level::Zone, |context| zone(context, |zone| zone.id.to_string().into())),
    named("dnszone_name", Level::Zone, |context| zone(context, |zone| zone.name.as_str().into())),
    named("dnszone_name_utf", Level::Zone, |context| zone(context, |zone| unicode(&zone.name))),
    text("dnszone_type", Level::Zone, |context| zone(context, |zone| zone.zone_type.as_str().into())),
    named("dnszone_sort_zone", Level::Zone, |context| zone(context, |zone| reversed(&zone.name).into())),
    text("dnszone_is_rpz", Level::Zone, |context| zone(context, |zone| flag(zone.is_rpz))),
    text("dnszone_is_reverse", Level::Zone, |context| {
        zone(context, |zone| flag(zone.name.ends_with(".arpa")))
    }),
    named("dnszone_site_name", Level::Zone, |context| {
        if of_zone(context, "dnszone_site_id", "0") == SPACE_ID { SPACE_NAME } else { "#" }.into()
    }),
    text("dnszone_masters", Level::Zone, |context| of_zone(context, "dnszone_masters", "")),
    text("dnszone_forwarders", Level::Zone, |context| of_zone(context, "dnszone_forwarders", "")),
    text("dnszone_class_name", Level::Zone, |context| class_name(zone_configuration(context))),
];

pub(super) const ZONE_MORE: &[Column] = &[
    number("dnszone_site_id", Level::Zone, |context| of_zone(context, "dnszone_site_id", "0")),
    text("dnszone_forward", Level::Zone, |context| of_zone(context, "dnszone_forward", "")),
    text("dnszone_notify", Level::Zone, |context| of_zone(context, "dnszone_notify", "")),
    text("dnszone_also_notify", Level::Zone, |context| of_zone(context, "dnszone_also_notify", "")),
    text("dnszone_allow_query", Level::Zone, |context| of_zone(context, "dnszone_allow_query", "")),
    text("dnszone_allow_transfer", Level::Zone, |context| of_zone(context, "dnszone_allow_transfer", "")),
    text("dnszone_allow_update", Level::Zone, |context| of_zone(context, "dnszone_allow_update", "")),
    text("dnszone_ad_integrated", Level::Zone, |context| of_zone(context, "dnszone_ad_integrated", "0")),
    text("dnszone_order", Level::Zone, |context| of_zone(context, "dnszone_order", "0")),
    named("dnszone_rev_sort_zone", Level::Zone, |context| zone(context, |zone| zone.name.as_str().into())),
    text("ds", Level::Zone, EMPTY),
    text("num_keys", Level::Zone, ZERO),
    text("dns_state", Level::Zone, |_| "Y".into()),
    text("delayed_create_time", Level::Zone, |context| zone(context, |zone| flag(zone.pending_create))),
    text("delayed_delete_time", Level::Zone, |context| zone(context, |zone| flag(zone.pending_delete))),
    text("multistatus", Level::Zone, EMPTY),
    text("dnszone_class_parameters", Level::Zone, |context| {
        parameters(context, Level::Zone, Effective::values)
    }),
    text("dnszone_class_parameters_properties", Level::Zone, |context| properties(context, Level::Zone)),
    text("dnszone_class_parameters_inheritance_source", Level::Zone, |context| sources(context, Level::Zone)),
];

fn server<'a>(context: &Context<'a>, read: impl FnOnce(&'a Server) -> Cow<'a, str>) -> Cow<'a, str> {
    context.server.map(read).unwrap_or_default()
}

fn zone<'a>(context: &Context<'a>, read: impl FnOnce(&'a Zone) -> Cow<'a, str>) -> Cow<'a, str> {
    context.zone.map(read).unwrap_or_default()
}

fn server_configuration<'a>(context: &Context<'a>) -> Option<&'a Configuration> {
    context.server.map(|server| &server.configuration)
}

/// A member shows what its SMART has.
fn view_configuration<'a>(context: &Context<'a>) -> Option<&'a Configuration> {
    let view = context.view?;
    let original = view.copy_of.and_then(|id| context.store.view(id)).unwrap_or(view);
    Some(&original.configuration)
}

/// A member shows what its SMART has.
fn zone_configuration<'a>(context: &Context<'a>) -> Option<&'a Configuration> {
    let zone = context.zone?;
    let original = zone.copy_of.and_then(|id| context.store.zone(id)).unwrap_or(zone);
    Some(&original.configuration)
}

fn class_name(configuration: Option<&Configuration>) -> Cow<'_, str> {
    configuration.map(|configuration| configuration.class_name.as_str()).unwrap_or_default().into()
}

fn setting<'a>(configuration: Option<&'a Configuration>, name: &str, usual: &'static str) -> Cow<'a, str> {
    let found = configuration.and_then(|configuration| configuration.settings.get(name));
    found.map_or(usual, String::as_str).into()
}

fn of_server<'a>(context: &Context<'a>, name: &str, usual: &'static str) -> Cow<'a, str> {
    setting(server_configuration(context), name, usual)
}

fn of_view<'a>(context: &Context<'a>, name: &str, usual: &'static str) -> Cow<'a, str> {
    setting(view_configuration(context), name, usual)
}

fn of_zone<'a>(context: &Context<'a>, name: &str, usual: &'static str) -> Cow<'a, str> {
    setting(zone_configuration(context), name, usual)
}

fn reversed(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}
