//! What an appliance offers: its version, and the views and zones of the DNS servers that are in use.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use tracing::warn;

use super::Task;
use crate::api::SolidServerSpec;
use crate::controller::catalogue::{Catalogue, ServerCatalogue};
use crate::reconcile;
use crate::solidserver::{Client, Error};

impl Task {
    /// Lists what the appliance offers.
    pub(super) async fn survey(
        &mut self,
        client: &Client,
        spec: &SolidServerSpec,
    ) -> Result<Catalogue, Error> {
        let (version, catalogue) = survey(client, &self.name, spec, &self.servers).await;
        if let Some(version) = version {
            self.dirty |= self.status.version != version;
            self.status.version = version;
        }
        catalogue
    }
}

/// Lists the servers that the spec speaks of, and those that DnsRecords name (`named`). The version is there as soon as it is known, also
/// when the rest fails: `None` when it could not be asked for, `Some(None)` when the account may not ask.
///
/// # Errors
/// [`Error`] that concerns the appliance as a whole.
pub(in crate::controller) async fn survey(
    client: &Client,
    solid_server: &str,
    spec: &SolidServerSpec,
    named: &BTreeSet<Arc<str>>,
) -> (Option<Option<String>>, Result<Catalogue, Error>) {
    // By itself, before all lists: a password that is wrong fails once in a try. Whoever it is checked with may lock the account after a few.
    match client.version().await {
        Ok(version) => (Some(version), list(client, solid_server, spec, named).await),
        Err(error) => (None, Err(error)),
    }
}

async fn list(
    client: &Client,
    solid_server: &str,
    spec: &SolidServerSpec,
    named: &BTreeSet<Arc<str>>,
) -> Result<Catalogue, Error> {
    let in_use = servers_in_use(spec, named);
    // All at one time: what is asked of a server that is not there is answered with nothing, and a latency is saved for each list.
    let offers =
        in_use.iter().map(async |server| futures::try_join!(client.views(server), client.zones(server)));
    let (servers, offers) = futures::join!(client.servers(), join_all(offers));
    let mut catalogue = Catalogue {
        servers: servers?.into_iter().filter(|server| !server.is_member).map(|server| server.name).collect(),
        ..Catalogue::default()
    };
    let spoken_of = servers_in_use(spec, &BTreeSet::new());
    for (server, offer) in in_use.into_iter().zip(offers) {
        if !catalogue.servers.contains(&server) {
            continue;
        }
        match offer {
            Ok((views, zones)) => {
                catalogue.listed.insert(server, ServerCatalogue::new(views, zones));
            }
            // A server that only a DnsRecord names must not stop the others.
            Err(error) if !spoken_of.contains(&server) && !reconcile::is_trouble(&error) => {
                warn!(solid_server, %server, "cannot list its zones: {error}");
                catalogue.unreadable.insert(server, reconcile::words(&error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(catalogue)
}

/// The DNS servers whose views and zones are listed: those of the spec, and those that records name.
fn servers_in_use(spec: &SolidServerSpec, named: &BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
    let granted =
        spec.zones.iter().filter_map(|grant| grant.dns_servers.as_ref()).flatten().map(String::as_str);
    spec.default_dns_server().into_iter().chain(granted).map(Arc::from).chain(named.iter().cloned()).collect()
}
