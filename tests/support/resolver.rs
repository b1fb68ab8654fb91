//! A real resolver that asks one DNS server, and asks anew each time.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;

pub(crate) struct Resolver(TokioResolver);

impl Resolver {
    /// A resolver that knows this server only, by UDP and TCP.
    pub(crate) fn of(server: SocketAddr) -> Result<Self, NetError> {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        let server = NameServerConfig::new(server.ip(), true, connections);
        let config = ResolverConfig::from_name_servers(vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().map(Self)
    }

    /// What the server says of a name, given without trailing dot.
    pub(crate) async fn ask(&self, name: &str, record_type: RecordType) -> Result<Lookup, NetError> {
        self.0.clear_cache();
        self.0.lookup(format!("{name}."), record_type).await
    }
}
