//! Which name servers a zone has (IO): those that its NS records name, and where they are.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::reconcile::words;
use crate::record::{Name, Place, RecordData};
use crate::solidserver::{Client, Sight};

/// The port of DNS.
const PORT: u16 = 53;

/// How long the system's resolver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Name servers of one zone that are asked; a zone has a handful.
const MOST: usize = 16;

/// A name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameServer {
    /// Its name, unless only its address is known.
    pub(super) name: Option<String>,
    /// Where it is: the first address that answers counts. Else why nobody knows.
    pub(super) addresses: Result<Vec<SocketAddr>, String>,
}

impl NameServer {
    /// One that a person has named.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { name: None, addresses: Ok(vec![address]) }
    }
}

/// Reads one of `spec.nameServers`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().map(|ip| SocketAddr::new(ip, PORT))
    });
    address.map_err(|_| {
        format!("spec.nameServers of the SolidServer: {text:?} is no IP address with or without a port; write for example \"192.0.2.53\"")
    })
}

/// The name servers that the appliance lists at the zone's apex, resolved by the system's resolver. Takes one list call.
pub(super) async fn of_zone(client: &Client, place: &Place) -> Result<Vec<NameServer>, String> {
    let apex = std::slice::from_ref(&place.zone);
    let reading = client.read_names(place, apex).await.map_err(|error| words(&error))?;
    if reading.sight == Sight::NotVisible {
        return Err(format!("{place} does not show its SOA record, so its name servers are not known"));
    }
    let mut names: Vec<Name> = reading
        .rows
        .into_iter()
        .filter(|row| row.name == place.zone && !row.pending_delete)
        .filter_map(|row| match row.data {
            Some(RecordData::Ns(name)) => Some(name),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    Ok(futures::future::join_all(names.into_iter().map(resolved)).await)
}

async fn resolved(name: Name) -> NameServer {
    // With the trailing dot no search list is tried.
    let host = format!("{name}.");
    let addresses = match timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), PORT))).await {
        Ok(Ok(addresses)) => {
            Ok(addresses.collect::<Vec<_>>()).and_then(|addresses| match addresses.is_empty() {
                true => Err("has no address".to_owned()),
                false => Ok(addresses),
            })
        }
        Ok(Err(error)) => Err(format!("cannot be resolved: {error}")),
        Err(_) => Err("cannot be resolved: the system's resolver does not answer".to_owned()),
    };
    NameServer { name: Some(name.to_string()), addresses }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_or_the_one_of_dns() {
        for (text, expected) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).as_deref(), Ok(expected));
        }
        assert!(address("ns1.example.com").unwrap_err().contains("\"ns1.example.com\" is no IP address"));
    }
}
