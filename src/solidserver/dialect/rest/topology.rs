//! DNS servers, views and zones.

use std::sync::Arc;

use super::Rest;
use super::answer::{self, Text};
use super::list::{List, view_of};
use crate::record::{Name, Place, Zone, ZoneKind};
use crate::solidserver::dialect::condition::Condition;
use crate::solidserver::dialect::{Answer, Entries, Fault};
use crate::solidserver::reading::Server;

impl Rest {
    /// All DNS servers.
    pub(in crate::solidserver) fn servers(self) -> List {
        List {
            service: "dns_server_list",
            count_service: "dns_server_count",
            id_column: "dns_id",
            filter: None,
            without_inherited: false,
        }
    }

    /// The views of a server.
    pub(in crate::solidserver) fn views(self, server: &str) -> List {
        List {
            service: "dns_view_list",
            count_service: "dns_view_count",
            id_column: "dnsview_id",
            filter: Some(Condition::equals("dns_name", server)),
            without_inherited: false,
        }
    }

    /// The zones of a server, in all its views.
    pub(in crate::solidserver) fn zones(self, server: &str) -> List {
        List {
            service: "dns_zone_list",
            count_service: "dns_zone_count",
            id_column: "dnszone_id",
            filter: Some(Condition::equals("dns_name", server)),
            without_inherited: false,
        }
    }

    /// The servers in a page of [`Rest::servers`], with their ids.
    pub(in crate::solidserver) fn servers_in(self, answer: &Answer) -> Result<Entries<Server>, Fault> {
        #[derive(serde::Deserialize)]
        struct Columns<'a> {
            #[serde(borrow)]
            dns_id: Text<'a>,
            #[serde(borrow)]
            dns_name: Text<'a>,
            #[serde(borrow)]
            dns_type: Text<'a>,
            #[serde(borrow)]
            vdns_parent_id: Text<'a>,
        }
        let servers: Vec<Columns<'_>> = answer::rows(answer)?;
        let server = |columns: Columns<'_>| {
            let server = Server {
                name: columns.dns_name.as_str().into(),
                is_smart: columns.dns_type.as_str().eq_ignore_ascii_case("vdns"),
                is_member: columns.vdns_parent_id.is_true(),
            };
            (columns.dns_id.as_str().to_owned(), Some(server))
        };
        Ok(servers.into_iter().map(server).collect())
    }

    /// The views in a page of [`Rest::views`], with their ids; `None` for one that is about to go.
    pub(in crate::solidserver) fn views_in(
        self,
        answer: &Answer,
        server: &str,
    ) -> Result<Entries<Arc<str>>, Fault> {
        #[derive(serde::Deserialize)]
        struct Columns<'a> {
            #[serde(borrow)]
            dnsview_id: Text<'a>,
            #[serde(borrow)]
            dnsview_name: Text<'a>,
            #[serde(borrow)]
            dns_name: Text<'a>,
            #[serde(borrow, default)]
            delayed_delete_time: Text<'a>,
        }
        let views: Vec<Columns<'_>> = answer::rows(answer)?;
        let view = |columns: Columns<'_>| {
            check_server(&columns.dns_name, server)?;
            let name =
                view_of(columns.dnsview_name.as_str()).filter(|_| !columns.delayed_delete_time.is_true());
            Ok((columns.dnsview_id.as_str().to_owned(), name.map(Arc::from)))
        };
        views.into_iter().map(view).collect()
    }

    /// The zones in a page of [`Rest::zones`], with their ids; `None` for one that is about to go, and for one whose name
    /// no record can lie under, such as the root.
    pub(in crate::solidserver) fn zones_in(
        self,
        answer: &Answer,
        server: &Arc<str>,
    ) -> Result<Entries<Zone>, Fault> {
        #[derive(serde::Deserialize)]
        struct Columns<'a> {
            #[serde(borrow)]
            dnszone_id: Text<'a>,
            #[serde(borrow)]
            dnszone_name: Text<'a>,
            #[serde(borrow)]
            dnszone_type: Text<'a>,
            #[serde(borrow, default)]
            dnszone_is_rpz: Text<'a>,
            #[serde(borrow)]
            dnsview_name: Text<'a>,
            #[serde(borrow)]
            dns_name: Text<'a>,
            #[serde(borrow, default)]
            delayed_delete_time: Text<'a>,
        }
        let zones: Vec<Columns<'_>> = answer::rows(answer)?;
        let zone = |columns: Columns<'_>| {
            check_server(&columns.dns_name, server)?;
            let name = Name::parse(columns.dnszone_name.as_str()).ok();
            let kind = match columns.dnszone_type.as_str() {
                _ if columns.dnszone_is_rpz.is_true() => ZoneKind::ResponsePolicy,
                kind if kind.eq_ignore_ascii_case("master") => ZoneKind::Master,
                kind => ZoneKind::Other(kind.to_ascii_lowercase()),
            };
            let view = view_of(columns.dnsview_name.as_str()).map(Arc::from);
            let zone = name
                .filter(|_| !columns.delayed_delete_time.is_true())
                .map(|name| Zone { place: Place { server: Arc::clone(server), view, zone: name }, kind });
            Ok((columns.dnszone_id.as_str().to_owned(), zone))
        };
        zones.into_iter().map(zone).collect()
    }
}

fn check_server(shown: &Text<'_>, asked: &str) -> Result<(), Fault> {
    if shown.as_str().eq_ignore_ascii_case(asked) {
        return Ok(());
    }
    Err(Fault::Unreadable("the appliance ignored the filter: a row of another server".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::answer::answer;
    use super::*;

    const REST: Rest = Rest { accept_warnings: false };

    #[test]
    fn servers_tell_smart_member_and_stand_alone_apart() {
        let page = answer(
            200,
            r#"[{"errno":"0","dns_id":"3","dns_name":"smart.test","dns_type":"vdns","vdns_parent_id":"0"},
                {"errno":"0","dns_id":"4","dns_name":"member.test","dns_type":"ipm","vdns_parent_id":"3"},
                {"errno":"0","dns_id":5,"dns_name":"alone.test","dns_type":"ipm","vdns_parent_id":0}]"#,
        );
        let servers = REST.servers_in(&page).unwrap();
        let seen: Vec<_> = servers
            .iter()
            .map(|(id, server)| (&**id, server.as_ref().unwrap()))
            .map(|(id, server)| (id, &*server.name, server.is_smart, server.is_member))
            .collect();
        let expected = [
            ("3", "smart.test", true, false),
            ("4", "member.test", false, true),
            ("5", "alone.test", false, false),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn zones_keep_their_kind_and_those_about_to_go_are_left_out() {
        let zone = |id: u32, name: &str, kind: &str, rpz: &str, view: &str, going: &str| {
            format!(
                r##"{{"dnszone_id":"{id}","dnszone_name":"{name}","dnszone_type":"{kind}","dnszone_is_rpz":"{rpz}",
                     "dnsview_name":"{view}","dns_name":"NS.test","delayed_delete_time":"{going}"}}"##
            )
        };
        let rows = [
            zone(1, "Example.com.", "Master", "0", "#", "0"),
            zone(2, "slave.test", "slave", "0", "internal", "0"),
            zone(3, "rpz.test", "master", "1", "#", "0"),
            zone(4, "gone.test", "master", "0", "#", "1"),
            zone(5, ".", "hint", "0", "", "0"),
        ];
        let page = answer(200, &format!("[{}]", rows.join(",")));
        let zones = REST.zones_in(&page, &"ns.test".into()).unwrap();
        let seen: Vec<_> = zones
            .iter()
            .map(|(id, zone)| {
                let zone = zone.as_ref();
                (
                    &**id,
                    zone.map(|zone| zone.place.zone.as_str().to_owned()),
                    zone.and_then(|zone| zone.place.view.clone()),
                    zone.map(|zone| zone.kind.clone()),
                )
            })
            .collect();
        let expected = [
            ("1", Some("example.com".to_owned()), None, Some(ZoneKind::Master)),
            (
                "2",
                Some("slave.test".to_owned()),
                Some("internal".into()),
                Some(ZoneKind::Other("slave".to_owned())),
            ),
            ("3", Some("rpz.test".to_owned()), None, Some(ZoneKind::ResponsePolicy)),
            ("4", None, None, None),
            ("5", None, None, None),
        ];
        assert_eq!(seen, expected);
        assert!(matches!(REST.zones_in(&page, &"other.test".into()), Err(Fault::Unreadable(_))));
    }

    #[test]
    fn a_server_without_views_lists_none() {
        assert_eq!(REST.views_in(&answer(204, ""), "ns.test").unwrap(), []);
        let page = answer(
            200,
            r##"[{"dnsview_id":"0","dnsview_name":"#","dns_name":"ns.test"},
                {"dnsview_id":"7","dnsview_name":"Internal","dns_name":"ns.test","delayed_delete_time":"0"},
                {"dnsview_id":"8","dnsview_name":"old","dns_name":"ns.test","delayed_delete_time":"1"}]"##,
        );
        let views = REST.views_in(&page, "ns.test").unwrap();
        assert_eq!(
            views,
            [("0".to_owned(), None), ("7".to_owned(), Some("Internal".into())), ("8".to_owned(), None)]
        );
    }
}
