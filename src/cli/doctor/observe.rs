//! Looks at one appliance, step by step, each with a deadline (IO). What it means is another's business; what is asked here is only
//! whether the next step has anything to stand on.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::DoctorError;
use super::observation::{Observations, Offer, Route, Trouble, Unusable};
use super::progress::{CountCalls, Reporter};
use super::scope;
use crate::api::admission::Admission;
use crate::api::{Reason, SolidServer, SolidServerSpec};
use crate::cli::target::{Surroundings, TargetError};
use crate::record::Place;
use crate::solidserver::{Client, Error};

/// For the resolver of the system, whose own patience can be longer.
const NAME_PATIENCE: Duration = Duration::from_secs(5);
/// For a connection to one address; all are tried at a time.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// For the API server to give Secrets.
pub(super) const CLUSTER_PATIENCE: Duration = Duration::from_secs(20);
/// For the calls of one step, at least. A call has the deadline of spec.limits and may be made twice.
const STEP_PATIENCE: Duration = Duration::from_secs(30);
/// For all zones together.
const ZONES_PATIENCE: Duration = Duration::from_secs(60);

/// Addresses of one host that are connected to.
const MOST_ADDRESSES: usize = 8;
/// Zones that are read. One is enough to show that records can be read at all; the others show rights on each.
const MOST_ZONES: usize = 50;
/// Calls at a time. It is no hurry, and the appliance is shared.
const AT_A_TIME: usize = 4;

/// Looks at the appliance of a SolidServer.
///
/// # Errors
/// [`DoctorError`] when it cannot be found out how it is to be called.
pub(super) async fn observe(
    surroundings: &Surroundings,
    solid_server: &SolidServer,
    name: &str,
    reporter: &Reporter,
) -> Result<Observations, DoctorError> {
    let mut seen = Observations::default();
    let at = |step: &str| reporter.at(format!("SolidServer {name}: {step}"));
    at("reading its Secrets");
    let counts = Arc::new(CountCalls::default());
    let client = match client(surroundings, solid_server, name, &counts).await? {
        Ok(client) => client,
        Err(unusable) => {
            seen.route = Err(unusable);
            return Ok(seen);
        }
    };
    let spec = &solid_server.spec;
    let (host, route) = match route(spec, &client) {
        Some(found) => found,
        None => {
            seen.route =
                Err(Unusable::Spec("spec.endpoint, or the proxy before it, names no host".to_owned()));
            return Ok(seen);
        }
    };
    let port = route.port;
    seen.route = Ok(route);

    at("resolving the name");
    let addresses = addresses(&host).await;
    let found = addresses.clone().unwrap_or_default();
    seen.addresses = Some(addresses);
    if found.is_empty() {
        return Ok(seen);
    }
    at("connecting");
    let connections =
        join_all(found.iter().take(MOST_ADDRESSES).map(|address| connect((*address, port).into()))).await;
    let connected = connections.iter().any(|(_, cause)| cause.is_none());
    seen.connections = Some(connections);
    if connected {
        Box::pin(ask(&client, spec, &mut seen, &at)).await;
    }
    seen.counts = counts.seen();
    Ok(seen)
}

/// The operator's client, or why there can be none.
async fn client(
    surroundings: &Surroundings,
    solid_server: &SolidServer,
    name: &str,
    counts: &Arc<CountCalls>,
) -> Result<Result<Client, Unusable>, DoctorError> {
    let mut written = surroundings.manifests.solid_servers.iter().rev();
    if let Some((document, _)) = written.find(|(_, written)| written.metadata.name.as_deref() == Some(name))
        && let Some(violation) =
            Admission::of::<SolidServer>()?.judge(&document.value, None).into_iter().next()
    {
        let field = if violation.field.is_empty() { String::new() } else { format!("{}: ", violation.field) };
        return Ok(Err(Unusable::Manifest(format!("{field}{}", violation.message))));
    }
    if let Err(error) = solid_server.spec.grants() {
        return Ok(Err(Unusable::Spec(error.to_string())));
    }
    let connecting = surroundings.connect(solid_server, Some(Arc::clone(counts) as _));
    let connected = timeout(CLUSTER_PATIENCE, connecting).await.unwrap_or_else(|_| {
        Err(TargetError::Kubernetes { what: "Secrets".to_owned(), cause: "no answer in time".to_owned() })
    });
    match connected {
        Ok(client) => Ok(Ok(client)),
        // Reasons of a Secret, or of what is in it.
        Err(TargetError::Refused { refusal, .. })
            if matches!(refusal.reason, Reason::Waiting | Reason::Unauthorized | Reason::TlsFailed) =>
        {
            Ok(Err(Unusable::Secret(refusal.message)))
        }
        Err(TargetError::Refused { refusal, .. }) => Ok(Err(Unusable::Spec(refusal.message))),
        Err(error) => Err(error.into()),
    }
}

/// Where connections go, and how calls are made.
fn route(spec: &SolidServerSpec, client: &Client) -> Option<(Host, Route)> {
    let proxy = client.proxy().map(str::to_owned);
    let url = Url::parse(proxy.as_deref().unwrap_or(&spec.endpoint)).ok()?;
    let host = url.host()?.to_owned();
    let text = match &host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let route = Route { host: text, port: url.port_or_known_default()?, proxy, signed: client.signs_calls() };
    Some((host, route))
}

async fn addresses(host: &Host) -> Result<Vec<IpAddr>, String> {
    let name = match host {
        Host::Ipv4(address) => return Ok(vec![(*address).into()]),
        Host::Ipv6(address) => return Ok(vec![(*address).into()]),
        Host::Domain(name) => name,
    };
    match timeout(NAME_PATIENCE, lookup_host((name.as_str(), 0))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|found| found.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            Ok(addresses)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", NAME_PATIENCE.as_secs())),
    }
}

async fn connect(address: SocketAddr) -> (SocketAddr, Option<String>) {
    let cause = match timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} s", CONNECT_PATIENCE.as_secs())),
    };
    (address, cause)
}

/// What only the client can ask.
async fn ask(client: &Client, spec: &SolidServerSpec, seen: &mut Observations, at: &impl Fn(&str)) {
    let call = spec.request_timeout().unwrap_or(SolidServerSpec::DEFAULT_REQUEST_TIMEOUT);
    let patience = STEP_PATIENCE.max(call.saturating_mul(3));
    at("asking for the version");
    let version = within(patience, client.version()).await;
    seen.clock_ahead = client.clock_ahead();
    let answered = version.is_ok();
    seen.version = Some(version);
    if !answered {
        return;
    }
    at("listing DNS servers");
    let servers = within(patience, client.servers()).await;
    let grants = spec.grants().unwrap_or_default();
    let usable = servers.as_ref().map(|servers| scope::usable(spec, &grants, servers)).unwrap_or_default();
    seen.servers = Some(servers);

    at("listing views and zones");
    let offers = stream::iter(usable).map(async |server| {
        let views = within(patience, client.views(&server)).await;
        let zones = within(patience, client.zones(&server)).await;
        (server, Offer { views, zones })
    });
    seen.offers = offers.buffered(AT_A_TIME).collect().await;

    let places = scope::places(&grants, &seen.offers);
    seen.unread = places.len().saturating_sub(MOST_ZONES);
    let read: Vec<Place> = places.into_iter().take(MOST_ZONES).collect();
    at(&format!("reading {} zones", read.len()));
    let late = tokio::time::Instant::now() + ZONES_PATIENCE.max(patience);
    let sights = stream::iter(read).map(async |place| {
        // At its apex only, where the SOA row shows whether the account sees into it.
        let apex = [place.zone.clone()];
        let rest = late.saturating_duration_since(tokio::time::Instant::now());
        let sight =
            within(patience.min(rest), client.read_names(&place, &apex)).await.map(|reading| reading.sight);
        (place, sight)
    });
    seen.sights = sights.buffered(AT_A_TIME).collect().await;
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    match timeout(limit, work).await {
        Ok(answer) => answer.map_err(Trouble::Error),
        Err(_) => Err(Trouble::Late(limit)),
    }
}
