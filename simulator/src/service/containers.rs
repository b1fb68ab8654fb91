//! List, info and count of servers, views and zones.

use super::{Tampering, display, habits, missing_id, page, total};
use crate::answer::{Answer, Refusal};
use crate::columns::{Columns, Context, Display, Level, SERVER, VIEW, ZONE};
use crate::condition::Condition;
use crate::request::{Operation, ServiceRequest};
use crate::state::State;

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Server,
    View,
    Zone,
}

impl Kind {
    pub(super) fn of_service(service: &str) -> Option<Self> {
        match service {
            "dns_server_list" | "dns_server_info" | "dns_server_count" => Some(Self::Server),
            "dns_view_list" | "dns_view_info" | "dns_view_count" => Some(Self::View),
            "dns_zone_list" | "dns_zone_info" | "dns_zone_count" => Some(Self::Zone),
            _ => None,
        }
    }

    fn columns(self) -> Columns {
        match self {
            Self::Server => SERVER,
            Self::View => VIEW,
            Self::Zone => ZONE,
        }
    }

    fn id_parameter(self) -> &'static str {
        match self {
            Self::Server => "dns_id",
            Self::View => "dnsview_id",
            Self::Zone => "dnszone_id",
        }
    }
}

pub(super) fn read(
    state: &State,
    request: &ServiceRequest,
    kind: Kind,
    tampering: Tampering,
) -> Result<Answer, Refusal> {
    let columns = kind.columns();
    let all = all(state, kind, display(state, request));
    if request.operation == Some(Operation::Info) {
        let parameter = kind.id_parameter();
        let Some(id) = request.text(parameter) else {
            return Ok(missing_id(request, parameter));
        };
        let wanted = id.trim().parse::<u64>().ok().filter(|_| !tampering.blind);
        let found: Vec<_> =
            all.into_iter().filter(|(id, _)| Some(*id) == wanted).map(|(_, context)| context).collect();
        return Ok(page::write(&found, &page::selected(request, columns)));
    }
    let clause = request.parameters.get("WHERE").filter(|_| !tampering.ignore_where);
    let condition = Condition::read(clause.map_or("", String::as_str), columns, habits(&state.quirks))?;
    let mut found: Vec<Context<'_>> = all.into_iter().map(|(_, context)| context).collect();
    found.retain(|context| !tampering.blind && condition.holds(context) == Some(true));
    if request.operation == Some(Operation::Count) {
        return Ok(total(found.len()));
    }
    page::answer(state, request, columns, &condition, found, tampering)
}

/// All objects of a kind, by id.
fn all<'a>(state: &'a State, kind: Kind, display: Display<'a>) -> Vec<(u64, Context<'a>)> {
    let store = &state.store;
    let base = |settled| Context {
        store,
        display,
        server: None,
        view: None,
        zone: None,
        row: None,
        row_id: 0,
        settled,
    };
    match kind {
        Kind::Server => store
            .servers()
            .map(|server| (server.id, Context { server: Some(server), ..base(Level::Server) }))
            .collect(),
        Kind::View => store
            .views()
            .map(|view| {
                let server = store.server(view.server);
                (view.id, Context { server, view: Some(view), ..base(Level::View) })
            })
            .collect(),
        Kind::Zone => store
            .zones()
            .map(|zone| {
                let server = store.server(zone.server);
                let view = zone.view.and_then(|view| store.view(view));
                (zone.id, Context { server, view, zone: Some(zone), ..base(Level::Zone) })
            })
            .collect(),
    }
}
