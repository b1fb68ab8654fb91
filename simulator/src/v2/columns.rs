//! Columns: their names, and what `/rest` calls them. Columns that `/rest` does not have are empty.

use crate::columns::{self, Column, Columns, Comparison, Context, EMPTY, Level, Text, ZERO, column};

pub(crate) const SERVER: Columns = Columns(&[SERVER_COLUMNS]);
pub(crate) const VIEW: Columns = Columns(&[VIEW_COLUMNS]);
pub(crate) const ZONE: Columns = Columns(&[ZONE_COLUMNS]);
pub(crate) const ROW: Columns = Columns(&[ROW_COLUMNS]);

const OF_SERVER: &[Columns] = &[columns::SERVER];
const OF_VIEW: &[Columns] = &[columns::VIEW, columns::SERVER];
const OF_ZONE: &[Columns] = &[columns::ZONE, columns::SERVER];
const OF_ROW: &[Columns] = &[columns::ROW];

const SERVER_COLUMNS: &[Column] = &[
    empty("server_aws_delegation_set"),
    shows("server_aws_keyid", "aws_keyid", OF_SERVER),
    empty("server_aws_role_arn"),
    empty("server_aws_role_external_id"),
    empty("server_aws_role_session_name"),
    zero("server_aws_use_role"),
    empty("server_az_group"),
    empty("server_az_keyid"),
    empty("server_az_subscriptionid"),
    empty("server_az_tenantid"),
    empty("connectionprofile_name"),
    shows("server_allow_query", "dns_allow_query", OF_SERVER),
    shows("server_allow_query_cache", "dns_allow_query_cache", OF_SERVER),
    shows("server_allow_recursion", "dns_allow_recursion", OF_SERVER),
    shows("server_allow_transfer", "dns_allow_transfer", OF_SERVER),
    shows("server_also_notify", "dns_also_notify", OF_SERVER),
    shows("server_class_name", "dns_class_name", OF_SERVER),
    shows("server_class_parameters", "dns_class_parameters", OF_SERVER),
    shows("server_cloud", "dns_cloud", OF_SERVER),
    zero("server_cloud_private"),
    shows("server_comment", "dns_comment", OF_SERVER),
    zero("server_force_hybrid"),
    shows("server_forward", "dns_forward", OF_SERVER),
    shows("server_forwarders", "dns_forwarders", OF_SERVER),
    shows("server_hybrid", "dns_hybrid", OF_SERVER),
    shows("server_id", "dns_id", OF_SERVER),
    shows("server_key_name", "dns_key_name", OF_SERVER),
    shows("server_key_proto", "dns_key_proto", OF_SERVER),
    shows("server_key_value", "dns_key_value", OF_SERVER),
    shows("server_name", "dns_name", OF_SERVER),
    shows("server_notify", "dns_notify", OF_SERVER),
    shows("server_recursion", "dns_recursion", OF_SERVER),
    shows("server_role", "dns_role", OF_SERVER),
    zero("server_rpz_break_dnssec"),
    zero("server_rpz_max_policy_ttl"),
    zero("server_rpz_min_ns_dots"),
    zero("server_rpz_qname_wait_recurse"),
    zero("server_rpz_recursive_only"),
    shows("server_state", "dns_state", OF_SERVER),
    shows("server_synching", "dns_synching", OF_SERVER),
    shows("server_type", "dns_type", OF_SERVER),
    shows("server_version", "dns_version", OF_SERVER),
    empty("server_vpc_list"),
    shows("server_blast_enabled", "dnsblast_enabled", OF_SERVER),
    zero("server_guardian_push_status"),
    shows("server_blast_status", "dnsblast_status", OF_SERVER),
    shows("server_gslb_supported", "dnsgslb_supported", OF_SERVER),
    zero("server_guardian_gui_management_supported"),
    shows("server_guardian_supported", "dnsguardian_supported", OF_SERVER),
    shows("server_dnssec_validation", "dnssec_validation", OF_SERVER),
    shows("server_gss_enabled", "gss_enabled", OF_SERVER),
    shows("server_gss_keytab_id", "gss_keytab_id", OF_SERVER),
    zero("server_guardian_stats_only_supported"),
    shows("server_hostaddr", "hostaddr", OF_SERVER),
    empty("server_addr6"),
    shows("server_addr", "ip_addr", OF_SERVER),
    empty("server_ipm_login"),
    shows("server_ipm_is_package", "ipmdns_is_package", OF_SERVER),
    empty("server_ipm_protocol"),
    shows("server_ipm_type", "ipmdns_type", OF_SERVER),
    shows("server_isolated", "isolated", OF_SERVER),
    empty("server_ldap_domain"),
    empty("server_ldap_user"),
    shows("server_multistatus", "multistatus", OF_SERVER),
    shows("server_querylog_state", "querylog_state", OF_SERVER),
    empty("reverse_proxy_conf"),
    zero("server_snmp_id"),
    zero("server_stat_enabled"),
    zero("server_stat_niceness"),
    zero("server_stat_period"),
    zero("server_stat_time"),
    column("total_smart_members", Level::Server, Comparison::Number, smart_size),
    shows("smart_arch", "vdns_arch", OF_SERVER),
    column("smart_members_name", Level::Server, Comparison::Text, smart_members),
    column("smart_parent_arch", Level::Server, Comparison::Text, smart_parent_architecture),
    shows("smart_parent_id", "vdns_parent_id", OF_SERVER),
    shows("smart_parent_name", "vdns_parent_name", OF_SERVER),
    empty("smart_public_ns_list"),
    zero("server_windns_port"),
    empty("server_windns_protocol"),
    zero("server_windns_use_ssl"),
];

const VIEW_COLUMNS: &[Column] = &[
    shows("view_delayed_create_time", "delayed_create_time", OF_VIEW),
    shows("view_delayed_delete_time", "delayed_delete_time", OF_VIEW),
    shows("server_class_name", "dns_class_name", OF_VIEW),
    shows("server_class_parameters", "dns_class_parameters", OF_VIEW),
    shows("server_cloud", "dns_cloud", OF_VIEW),
    shows("server_comment", "dns_comment", OF_VIEW),
    shows("server_id", "dns_id", OF_VIEW),
    shows("server_name", "dns_name", OF_VIEW),
    shows("server_type", "dns_type", OF_VIEW),
    shows("server_version", "dns_version", OF_VIEW),
    shows("view_allow_query", "dnsview_allow_query", OF_VIEW),
    shows("view_allow_recursion", "dnsview_allow_recursion", OF_VIEW),
    shows("view_allow_transfer", "dnsview_allow_transfer", OF_VIEW),
    shows("view_class_name", "dnsview_class_name", OF_VIEW),
    shows("view_class_parameters", "dnsview_class_parameters", OF_VIEW),
    shows("view_id", "dnsview_id", OF_VIEW),
    shows("view_key_name", "dnsview_key_name", OF_VIEW),
    shows("view_match_clients", "dnsview_match_clients", OF_VIEW),
    shows("view_match_to", "dnsview_match_to", OF_VIEW),
    shows("view_name", "dnsview_name", OF_VIEW),
    shows("view_order", "dnsview_order", OF_VIEW),
    shows("view_recursion", "dnsview_recursion", OF_VIEW),
    shows("server_gss_keytab_id", "gss_keytab_id", OF_VIEW),
    shows("server_hostaddr", "hostaddr", OF_VIEW),
    empty("server_addr6"),
    shows("server_addr", "ip_addr", OF_VIEW),
    shows("view_multistatus", "multistatus", OF_VIEW),
    shows("smart_parent_id", "vdns_parent_id", OF_VIEW),
    shows("smart_parent_name", "vdns_parent_name", OF_VIEW),
];

const ZONE_COLUMNS: &[Column] = &[
    empty("server_aws_delegation_set"),
    zero("server_ddns_scavenging"),
    shows("zone_delayed_create_time", "delayed_create_time", OF_ZONE),
    shows("zone_delayed_delete_time", "delayed_delete_time", OF_ZONE),
    shows("server_class_name", "dns_class_name", OF_ZONE),
    shows("server_class_parameters", "dns_class_parameters", OF_ZONE),
    shows("server_cloud", "dns_cloud", OF_ZONE),
    shows("server_comment", "dns_comment", OF_ZONE),
    zero("server_force_hybrid"),
    shows("server_id", "dns_id", OF_ZONE),
    shows("server_name", "dns_name", OF_ZONE),
    shows("server_state", "dns_state", OF_ZONE),
    shows("server_type", "dns_type", OF_ZONE),
    shows("server_version", "dns_version", OF_ZONE),
    empty("server_vpc_list"),
    shows("view_class_name", "dnsview_class_name", OF_ZONE),
    shows("view_class_parameters", "dnsview_class_parameters", OF_ZONE),
    shows("view_id", "dnsview_id", OF_ZONE),
    shows("view_name", "dnsview_name", OF_ZONE),
    shows("zone_ad_integrated", "dnszone_ad_integrated", OF_ZONE),
    shows("zone_allow_query", "dnszone_allow_query", OF_ZONE),
    shows("zone_allow_transfer", "dnszone_allow_transfer", OF_ZONE),
    shows("zone_allow_update", "dnszone_allow_update", OF_ZONE),
    shows("zone_also_notify", "dnszone_also_notify", OF_ZONE),
    shows("zone_class_name", "dnszone_class_name", OF_ZONE),
    shows("zone_class_parameters", "dnszone_class_parameters", OF_ZONE),
    shows("zone_forward", "dnszone_forward", OF_ZONE),
    shows("zone_forwarders", "dnszone_forwarders", OF_ZONE),
    shows("zone_id", "dnszone_id", OF_ZONE),
    shows("zone_is_reverse", "dnszone_is_reverse", OF_ZONE),
    shows("zone_is_rpz", "dnszone_is_rpz", OF_ZONE),
    shows("zone_masters", "dnszone_masters", OF_ZONE),
    shows("zone_name", "dnszone_name", OF_ZONE),
    shows("zone_name_utf", "dnszone_name_utf", OF_ZONE),
    shows("zone_notify", "dnszone_notify", OF_ZONE),
    shows("zone_order", "dnszone_order", OF_ZONE),
    empty("zone_response_policy"),
    shows("zone_rev_sort_zone", "dnszone_rev_sort_zone", OF_ZONE),
    zero("zone_rpz_log"),
    zero("zone_rpz_max_policy_ttl"),
    zero("zone_rpz_recursive_only"),
    shows("zone_space_id", "dnszone_site_id", OF_ZONE),
    shows("zone_space_name", "dnszone_site_name", OF_ZONE),
    shows("zone_sort_zone", "dnszone_sort_zone", OF_ZONE),
    zero("zone_synching"),
    shows("zone_type", "dnszone_type", OF_ZONE),
    zero("zone_xfer_done"),
    shows("zone_ds", "ds", OF_ZONE),
    shows("server_gss_enabled", "gss_enabled", OF_ZONE),
    shows("server_gss_keytab_id", "gss_keytab_id", OF_ZONE),
    shows("server_hostaddr", "hostaddr", OF_ZONE),
    empty("server_addr6"),
    shows("server_addr", "ip_addr", OF_ZONE),
    empty("server_ipm_protocol"),
    shows("server_ipm_type", "ipmdns_type", OF_ZONE),
    shows("zone_multistatus", "multistatus", OF_ZONE),
    shows("zone_num_keys", "num_keys", OF_ZONE),
    zero("zone_use_update_policy"),
    shows("smart_parent_id", "vdns_parent_id", OF_ZONE),
    shows("smart_parent_name", "vdns_parent_name", OF_ZONE),
];

const ROW_COLUMNS: &[Column] = &[
    shows("rr_delayed_create_time", "delayed_create_time", OF_ROW),
    shows("rr_delayed_delete_time", "delayed_delete_time", OF_ROW),
    shows("rr_delayed_time", "delayed_time", OF_ROW),
    shows("server_class_name", "dns_class_name", OF_ROW),
    shows("server_cloud", "dns_cloud", OF_ROW),
    shows("server_comment", "dns_comment", OF_ROW),
    shows("server_id", "dns_id", OF_ROW),
    shows("server_name", "dns_name", OF_ROW),
    shows("server_type", "dns_type", OF_ROW),
    shows("server_version", "dns_version", OF_ROW),
    shows("view_class_name", "dnsview_class_name", OF_ROW),
    shows("view_class_parameters", "dnsview_class_parameters", OF_ROW),
    shows("view_id", "dnsview_id", OF_ROW),
    shows("view_name", "dnsview_name", OF_ROW),
    shows("zone_class_name", "dnszone_class_name", OF_ROW),
    shows("zone_forwarders", "dnszone_forwarders", OF_ROW),
    shows("zone_id", "dnszone_id", OF_ROW),
    shows("zone_is_reverse", "dnszone_is_reverse", OF_ROW),
    shows("zone_is_rpz", "dnszone_is_rpz", OF_ROW),
    shows("zone_masters", "dnszone_masters", OF_ROW),
    shows("zone_name", "dnszone_name", OF_ROW),
    shows("zone_name_utf", "dnszone_name_utf", OF_ROW),
    shows("zone_space_name", "dnszone_site_name", OF_ROW),
    shows("zone_sort_zone", "dnszone_sort_zone", OF_ROW),
    shows("zone_type", "dnszone_type", OF_ROW),
    shows("rr_multistatus", "multistatus", OF_ROW),
    shows("rr_all_value", "rr_all_value", OF_ROW),
    shows("rr_auth_gsstsig", "rr_auth_gsstsig", OF_ROW),
    shows("rr_class_name", "rr_class_name", OF_ROW),
    shows("rr_class_parameters", "rr_class_parameters", OF_ROW),
    shows("rr_full_name", "rr_full_name", OF_ROW),
    shows("rr_full_name_utf", "rr_full_name_utf", OF_ROW),
    shows("rr_glue", "rr_glue", OF_ROW),
    shows("rr_glue_id", "rr_glue_id", OF_ROW),
    shows("rr_id", "rr_id", OF_ROW),
    shows("rr_last_update_days", "rr_last_update_days", OF_ROW),
    shows("rr_last_update_time", "rr_last_update_time", OF_ROW),
    shows("rr_name_id", "rr_name_id", OF_ROW),
    shows("rr_name_ip4_addr", "rr_name_ip4_addr", OF_ROW),
    shows("rr_name_address_addr", "rr_name_ip_addr", OF_ROW),
    shows("rr_type", "rr_type", OF_ROW),
    shows("rr_type_id", "rr_type_id", OF_ROW),
    shows("rr_value_id", "rr_value_id", OF_ROW),
    shows("rr_value_ip4_addr", "rr_value_ip4_addr", OF_ROW),
    shows("rr_value_address_addr", "rr_value_ip_addr", OF_ROW),
    shows("rr_ttl", "ttl", OF_ROW),
    shows("rr_value1", "value1", OF_ROW),
    shows("rr_value2", "value2", OF_ROW),
    shows("rr_value3", "value3", OF_ROW),
    shows("rr_value4", "value4", OF_ROW),
    shows("rr_value5", "value5", OF_ROW),
    shows("rr_value6", "value6", OF_ROW),
    shows("rr_value7", "value7", OF_ROW),
    shows("smart_parent_id", "vdns_parent_id", OF_ROW),
    shows("smart_parent_name", "vdns_parent_name", OF_ROW),
];
/// A column that shows what a column of `/rest` shows. That there is one is checked when the program is built.
const fn shows(name: &'static str, rest: &str, sources: &[Columns]) -> Column {
    let found = find(rest, sources);
    assert!(found.is_some(), "there is no such column in /rest");
    match found {
        Some(source) => column(name, source.level, source.comparison, source.read),
        None => empty(name),
    }
}

const fn find(rest: &str, sources: &[Columns]) -> Option<Column> {
    let mut source = 0;
    while source < sources.len() {
        let lists = sources[source].0;
        let mut list = 0;
        while list < lists.len() {
            let mut place = 0;
            while place < lists[list].len() {
                if equal(lists[list][place].name.as_bytes(), rest.as_bytes()) {
                    return Some(lists[list][place]);
                }
                place += 1;
            }
            list += 1;
        }
        source += 1;
    }
    None
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut place = 0;
    while place < left.len() {
        if left[place] != right[place] {
            return false;
        }
        place += 1;
    }
    true
}

const fn empty(name: &'static str) -> Column {
    column(name, Level::Server, Comparison::Text, EMPTY)
}

const fn zero(name: &'static str) -> Column {
    column(name, Level::Server, Comparison::Text, ZERO)
}

/// Unlike `/rest`, which separates the names by semicolons.
fn smart_members<'a>(context: &Context<'a>) -> Text<'a> {
    let members = context.server.map(|server| server.members.as_slice()).unwrap_or_default();
    let found = members.iter().filter_map(|member| context.store.server(*member));
    found.map(|member| member.name.as_str()).collect::<Vec<_>>().join(",").into()
}

fn smart_size<'a>(context: &Context<'a>) -> Text<'a> {
    context.server.map_or(0, |server| server.members.len()).to_string().into()
}

fn smart_parent_architecture<'a>(context: &Context<'a>) -> Text<'a> {
    let smart = context.server.and_then(|server| server.smart).and_then(|smart| context.store.server(smart));
    smart.and_then(|smart| smart.architecture.as_deref()).unwrap_or_default().into()
}
