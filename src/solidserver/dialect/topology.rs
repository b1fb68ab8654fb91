//! DNS servers, views and zones.

use std::sync::Arc;

use super::answer::Text;
use super::class_parameters::Shown;
use super::condition::Condition;
use super::list::{List, view_of};
use super::{Answer, Dialect, Entries, Fault};
use crate::record::{Name, Place, Zone, ZoneKind};
use crate::solidserver::reading::Server;

/// What matters of a server's columns.
#[derive(Debug)]
pub(super) struct ListedServer<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) kind: Text<'a>,
    /// The SMART that it is a member of, or 0.
    pub(super) smart: Text<'a>,
}

/// What matters of a view's columns.
#[derive(Debug)]
pub(super) struct ListedView<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) server: Text<'a>,
    pub(super) pending_delete: Text<'a>,
}

/// What matters of a zone's columns.
#[derive(Debug)]
pub(super) struct ListedZone<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) kind: Text<'a>,
    pub(super) response_policy: Text<'a>,
    pub(super) view: Text<'a>,
    pub(super) server: Text<'a>,
    pub(super) pending_delete: Text<'a>,
    /// Those in force on it, its own and inherited ones.
    pub(super) parameters: Vec<Shown>,
}

/// The class parameter by which the appliance makes PTR records from A and AAAA rows by itself. It is known where it is set (zone, view
/// or server) and not on which side of the two it is looked for, so that one on either side counts.
const FILLS_REVERSE: &str = "dnsptr";

impl Dialect {
    /// All DNS servers.
    pub(in crate::solidserver) fn servers(self) -> List {
        self.list(&self.names().servers, None)
    }

    /// The views of a server.
    pub(in crate::solidserver) fn views(self, server: &str) -> List {
        self.list(&self.names().views, Some(Condition::equals(self.names().server, server)))
    }

    /// The zones of a server, in all its views.
    pub(in crate::solidserver) fn zones(self, server: &str) -> List {
        self.list(&self.names().zones, Some(Condition::equals(self.names().server, server)))
    }

    /// The servers in a page of [`Dialect::servers`], with their ids.
    pub(in crate::solidserver) fn servers_in(self, answer: &Answer) -> Result<Entries<Server>, Fault> {
        let server = |listed: ListedServer<'_>| {
            let server = Server {
                name: listed.name.as_str().into(),
                is_smart: listed.kind.as_str().eq_ignore_ascii_case("vdns"),
                is_member: listed.smart.is_true(),
            };
            (listed.id.as_str().into(), Some(server))
        };
        Ok(self.listed_servers(answer)?.into_iter().map(server).collect())
    }

    /// The views in a page of [`Dialect::views`], with their ids; `None` for one that is about to go.
    pub(in crate::solidserver) fn views_in(
        self,
        answer: &Answer,
        server: &str,
    ) -> Result<Entries<Arc<str>>, Fault> {
        let view = |listed: ListedView<'_>| {
            check_server(&listed.server, server)?;
            let name = view_of(listed.name.as_str()).filter(|_| !listed.pending_delete.is_true());
            Ok((listed.id.as_str().into(), name.map(Arc::from)))
        };
        self.listed_views(answer)?.into_iter().map(view).collect()
    }

    /// The zones in a page of [`Dialect::zones`], with their ids; `None` for one that is about to go, and for one whose
    /// name no record can lie under, such as the root.
    pub(in crate::solidserver) fn zones_in(
        self,
        answer: &Answer,
        server: &Arc<str>,
    ) -> Result<Entries<Zone>, Fault> {
        let zone = |listed: ListedZone<'_>| {
            check_server(&listed.server, server)?;
            let name = Name::parse(listed.name.as_str()).ok();
            let kind = match listed.kind.as_str() {
                _ if listed.response_policy.is_true() => ZoneKind::ResponsePolicy,
                kind if kind.eq_ignore_ascii_case("master") => ZoneKind::Master,
                kind => ZoneKind::Other(kind.to_ascii_lowercase()),
            };
            let view = view_of(listed.view.as_str()).map(Arc::from);
            let fills_reverse = listed
                .parameters
                .iter()
                .any(|parameter| parameter.key == FILLS_REVERSE && parameter.value.trim() == "1");
            let zone = name.filter(|_| !listed.pending_delete.is_true()).map(|name| Zone {
                place: Place { server: Arc::clone(server), view, zone: name },
                kind,
                fills_reverse,
            });
            Ok((listed.id.as_str().into(), zone))
        };
        self.listed_zones(answer)?.into_iter().map(zone).collect()
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
    use super::super::Request;
    use super::super::list::Position;
    use super::super::samples::{DIALECTS, answer, object, page, query};
    use super::*;

    #[test]
    fn lists_are_asked_for_in_order_of_ids() {
        let path = |request: &Request| request.path().collect::<Vec<_>>().join("/");
        for (list, paths, expected) in [
            (
                Dialect::Rest.servers(),
                ["rest/dns_server_list", "rest/dns_server_count"],
                vec![("ORDERBY", "dns_id"), ("limit", "9")],
            ),
            (
                Dialect::V2.servers(),
                ["api/v2.0/dns/server/list", "api/v2.0/dns/server/count"],
                vec![("orderby", "server_id"), ("limit", "9")],
            ),
            (
                Dialect::Rest.views("it's"),
                ["rest/dns_view_list", "rest/dns_view_count"],
                vec![("WHERE", "dns_name='it''s'"), ("ORDERBY", "dnsview_id"), ("limit", "9")],
            ),
            (
                Dialect::V2.views("it's"),
                ["api/v2.0/dns/view/list", "api/v2.0/dns/view/count"],
                vec![("where", "server_name='it''s'"), ("orderby", "view_id"), ("limit", "9")],
            ),
            (
                Dialect::Rest.zones("it's"),
                ["rest/dns_zone_list", "rest/dns_zone_count"],
                vec![("WHERE", "dns_name='it''s'"), ("ORDERBY", "dnszone_id"), ("limit", "9")],
            ),
            (
                Dialect::V2.zones("it's"),
                ["api/v2.0/dns/zone/list", "api/v2.0/dns/zone/count"],
                vec![("where", "server_name='it''s'"), ("orderby", "zone_id"), ("limit", "9")],
            ),
        ] {
            let (first, count) = (list.page(Position::Start, 9), list.count());
            assert_eq!([path(&first), path(&count)], paths);
            assert_eq!(query(&first), expected);
            // The filter, if any, and nothing else.
            assert_eq!(query(&count), expected[..expected.len() - 2]);
        }
    }

    #[test]
    fn servers_tell_smart_member_and_stand_alone_apart() {
        for dialect in DIALECTS {
            let server = |id: &str, name: &str, kind: &str, parent: &str| {
                let columns =
                    [("dns_id", id), ("dns_name", name), ("dns_type", kind), ("vdns_parent_id", parent)];
                object(dialect, "server", &columns)
            };
            let mut rows = [
                server("3", "smart.test", "vdns", "0"),
                server("4", "member.test", "ipm", "3"),
                server("5", "alone.test", "ipm", "0"),
            ];
            // Numbers where texts are documented.
            rows[2] = rows[2].replace("\"5\"", "5").replace("\"0\"", "0");
            let servers = dialect.servers_in(&page(dialect, &rows)).unwrap();
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
    }

    #[test]
    fn zones_keep_their_kind_and_those_about_to_go_are_left_out() {
        for dialect in DIALECTS {
            let zone = |id: &str, name: &str, kind: &str, rpz: &str, view: &str, going: &str| {
                let columns = [
                    ("dnszone_id", id),
                    ("dnszone_name", name),
                    ("dnszone_type", kind),
                    ("dnszone_is_rpz", rpz),
                    ("dnsview_name", view),
                    ("dns_name", "NS.test"),
                    ("delayed_delete_time", going),
                ];
                object(dialect, "zone", &columns)
            };
            let rows = [
                zone("1", "Example.com.", "Master", "0", "#", "0"),
                zone("2", "slave.test", "slave", "0", "internal", "0"),
                zone("3", "rpz.test", "master", "1", "#", "0"),
                zone("4", "gone.test", "master", "0", "#", "1"),
                zone("5", ".", "hint", "0", "", "0"),
            ];
            let page = page(dialect, &rows);
            let zones = dialect.zones_in(&page, &"ns.test".into()).unwrap();
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
            assert!(matches!(dialect.zones_in(&page, &"other.test".into()), Err(Fault::Unreadable(_))));
        }
    }

    #[test]
    fn a_zone_says_whether_the_appliance_makes_ptr_records_by_itself() {
        for dialect in DIALECTS {
            let cases = [
                ("dnsptr=1", true),
                ("owner=net&dnsptr=1", true),
                ("dnsptr=0", false),
                ("dnsptr=", false),
                ("mydnsptr=1&dnsptrs=1", false),
                ("", false),
            ];
            let rows: Vec<String> = cases
                .iter()
                .map(|(parameters, _)| {
                    let columns = [
                        ("dnszone_id", "1"),
                        ("dnszone_name", "example.com"),
                        ("dnszone_type", "master"),
                        ("dnsview_name", "#"),
                        ("dns_name", "ns.test"),
                        ("dnszone_class_parameters", *parameters),
                    ];
                    object(dialect, "zone", &columns)
                })
                .collect();
            let zones = dialect.zones_in(&page(dialect, &rows), &"ns.test".into()).unwrap();
            let seen: Vec<bool> =
                zones.iter().map(|(_, zone)| zone.as_ref().unwrap().fills_reverse).collect();
            assert_eq!(seen, cases.map(|(_, fills)| fills));
            // An appliance that shows none, or nothing where they stand, is one that does not.
            let bare = object(
                dialect,
                "zone",
                &[
                    ("dnszone_id", "1"),
                    ("dnszone_name", "example.com"),
                    ("dnszone_type", "master"),
                    ("dnsview_name", "#"),
                    ("dns_name", "ns.test"),
                ],
            )
            .replace("\"zone_class_parameters\":[]", "\"zone_class_parameters\":null");
            let zones = dialect.zones_in(&page(dialect, &[bare]), &"ns.test".into()).unwrap();
            assert!(!zones[0].1.as_ref().unwrap().fills_reverse);
        }
    }

    #[test]
    fn a_server_without_views_lists_none() {
        for dialect in DIALECTS {
            assert_eq!(dialect.views_in(&answer(204, ""), "ns.test").unwrap(), []);
            assert_eq!(dialect.views_in(&page(dialect, &[]), "ns.test").unwrap(), []);
            let rows: [&[_]; 3] = [
                &[("dnsview_id", "0"), ("dnsview_name", "#"), ("dns_name", "ns.test")],
                &[
                    ("dnsview_id", "7"),
                    ("dnsview_name", "Internal"),
                    ("dns_name", "ns.test"),
                    ("delayed_delete_time", "0"),
                ],
                &[
                    ("dnsview_id", "8"),
                    ("dnsview_name", "old"),
                    ("dns_name", "ns.test"),
                    ("delayed_delete_time", "1"),
                ],
            ];
            let rows = rows.map(|columns| object(dialect, "view", columns));
            let views = dialect.views_in(&page(dialect, &rows), "ns.test").unwrap();
            assert_eq!(
                views,
                [("0".into(), None), ("7".into(), Some("Internal".into())), ("8".into(), None)]
            );
        }
    }
}
