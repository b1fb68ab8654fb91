//! A running simulator, for tests and for the program.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::admin;
use crate::appliance::Appliance;
use crate::calls::{CallEntry, Calls};
use crate::config::{Config, RateLimit, Token};
use crate::dns::DnsServer;
use crate::error::Error;
use crate::fault::{Fault, FaultView};
use crate::record::{Container, NewRow, RowPatch, RowView};
use crate::recording::RecordedRequest;
use crate::seed::{SeedServer, SeedView, SeedZone};
use crate::server::{self, Listener};
use crate::state::State;
use crate::tls::{NewCertificate, Served};

/// A running appliance. Everything can be changed while it serves; dropping it ends it.
pub struct Simulator {
    appliance: Arc<Appliance>,
    https: Option<Listener>,
    admin: Option<Listener>,
    dns: Option<DnsServer>,
    https_address: SocketAddr,
    admin_address: SocketAddr,
    path_prefix: String,
    tls: Served,
}

impl Simulator {
    /// Starts to serve, on the present tokio runtime.
    ///
    /// # Errors
    /// When the seed contradicts itself, a certificate cannot be made or read, or an address is taken.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let tls = Served::new(&config)?;
        let path_prefix = config.path_prefix();
        let appliance = Arc::new(Appliance::new(State::new(&config)?, path_prefix.clone()));
        let admin = server::serve_admin(admin::router(Arc::clone(&appliance)), config.admin_listen)?;
        let https = server::serve_appliance(Arc::clone(&appliance), config.listen, tls.config())?;
        let dns = match config.dns_listen {
            Some(listen) => Some(DnsServer::start(Arc::clone(&appliance), listen).await?),
            None => None,
        };
        // Lets the listeners begin before anybody calls.
        tokio::task::yield_now().await;
        Ok(Self {
            appliance,
            https_address: https.address,
            admin_address: admin.address,
            https: Some(https),
            admin: Some(admin),
            dns,
            path_prefix,
            tls,
        })
    }

    /// The appliance's base URL, such as `https://127.0.0.1:40123`, with the path prefix.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let (address, prefix) = (self.https_address, &self.path_prefix);
        if address.ip().is_unspecified() {
            format!("https://localhost:{}{prefix}", address.port())
        } else {
            format!("https://{address}{prefix}")
        }
    }

    /// The address it serves HTTPS on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.https_address
    }

    /// The authority that signed the certificate that is served now, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.tls.ca()
    }

    /// Serves another certificate, of a new authority, to connections that begin from now on.
    ///
    /// # Errors
    /// [`Error::Tls`] when it cannot be made.
    pub fn renew_certificate(&self, wanted: &NewCertificate) -> Result<(), Error> {
        self.tls.renew(wanted)
    }

    /// Demands a certificate of this authority (PEM) from clients that connect from now on; of none when absent.
    ///
    /// # Errors
    /// [`Error::Tls`] when it is no authority.
    pub fn demand_client_certificate(&self, ca_pem: Option<&str>) -> Result<(), Error> {
        self.tls.demand(ca_pem)
    }

    /// The address of the admin interface (plain HTTP).
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin_address
    }

    /// The address that DNS questions are answered at, by UDP and TCP, where that was asked for.
    #[must_use]
    pub fn dns_address(&self) -> Option<SocketAddr> {
        self.dns.as_ref().map(|dns| dns.address)
    }

    /// All rows, by id, SOA and NS rows included.
    #[must_use]
    pub fn rows(&self) -> Vec<RowView> {
        self.appliance.state().row_views()
    }

    /// The rows of an owner name, by id.
    #[must_use]
    pub fn rows_at(&self, name: &str) -> Vec<RowView> {
        let mut rows = self.rows();
        rows.retain(|row| row.name.eq_ignore_ascii_case(name));
        rows
    }

    /// Adds a row behind the client's back.
    ///
    /// # Errors
    /// [`Error::Seed`] when there is no zone for it, or more than one.
    pub fn add_row(&self, row: NewRow) -> Result<RowView, Error> {
        self.appliance.state().add_behind(row, self.appliance.now_ms())
    }

    /// Changes a row behind the client's back. Its id stays.
    ///
    /// # Errors
    /// [`Error::UnknownRow`].
    pub fn patch_row(&self, id: &str, patch: RowPatch) -> Result<RowView, Error> {
        self.appliance.state().patch_behind(id, patch, self.appliance.now_ms())
    }

    /// Deletes a row behind the client's back.
    ///
    /// # Errors
    /// [`Error::UnknownRow`].
    pub fn delete_row(&self, id: &str) -> Result<(), Error> {
        self.appliance.state().delete_behind(id, self.appliance.now_ms())
    }

    /// Copies the rows of a zone, with their class parameters, into another one; SOA and apex NS rows stay behind. Says
    /// how many.
    ///
    /// # Errors
    /// [`Error::Seed`] when one of them is not there.
    pub fn copy_rows(&self, from: &Container, to: &Container) -> Result<usize, Error> {
        self.appliance.state().copy_rows(from, to, self.appliance.now_ms())
    }

    /// Adds a server with all that is in it.
    ///
    /// # Errors
    /// [`Error::Seed`] when its name is taken, or it contradicts itself.
    pub fn add_server(&self, server: &SeedServer) -> Result<(), Error> {
        self.appliance.state().add_server_behind(server, self.appliance.now_ms())
    }

    /// Adds a view to a server.
    ///
    /// # Errors
    /// [`Error::Seed`] when the server is not there, or has such a view or zones outside of views.
    pub fn add_view(&self, server: &str, view: &SeedView) -> Result<(), Error> {
        self.appliance.state().add_view_behind(server, view, self.appliance.now_ms())
    }

    /// Adds a zone to a server; `view` is empty for a server without views.
    ///
    /// # Errors
    /// [`Error::Seed`] when server or view is not there, or the zone is there already.
    pub fn add_zone(&self, server: &str, view: &str, zone: &SeedZone) -> Result<(), Error> {
        self.appliance.state().add_zone_behind(server, view, zone, self.appliance.now_ms())
    }

    /// Removes a zone with its rows.
    ///
    /// # Errors
    /// [`Error::Seed`] when it is not there.
    pub fn remove_zone(&self, server: &str, view: &str, name: &str) -> Result<(), Error> {
        self.appliance.state().store.remove_zone(server, view, name)
    }

    /// Sets class parameters of a server, view or zone, which everything below inherits; an absent value removes one.
    ///
    /// # Errors
    /// [`Error::Seed`] when it is not there.
    pub fn set_class_parameters<const N: usize>(
        &self,
        container: &Container,
        parameters: [(&str, Option<&str>); N],
    ) -> Result<(), Error> {
        let parameters: BTreeMap<_, _> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        self.appliance.state().set_parameters(container, parameters)
    }

    /// Gives all rows new ids.
    pub fn renumber_ids(&self) {
        let mut state = self.appliance.state();
        let order = state.cause(0).id_order;
        state.store.renumber_all(order);
    }

    /// Counts of calls since the start or the last reset.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.appliance.state().recorder.calls()
    }

    /// The last calls, oldest first.
    #[must_use]
    pub fn call_log(&self) -> Vec<CallEntry> {
        self.appliance.state().recorder.log()
    }

    /// The last requests as they were sent, oldest first: 20,000 of them, or 32 MiB.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.appliance.state().recording.requests()
    }

    /// Forgets the calls and requests so far.
    pub fn reset_calls(&self) {
        self.appliance.state().reset_calls();
    }

    /// Puts a fault in force; gives its number.
    pub fn inject(&self, fault: Fault) -> u64 {
        self.appliance.state().faults.inject(fault)
    }

    /// The faults in force, and how often each was met.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultView> {
        self.appliance.state().faults.view()
    }

    /// Takes all faults away. Calls that hang already go on hanging.
    pub fn clear_faults(&self) {
        self.appliance.state().faults.clear();
    }

    /// Changes the account; a token stays valid. Calls with the old one get 401 from now on.
    pub fn set_credentials(&self, user: impl Into<String>, password: impl Into<String>) {
        self.appliance.state().authentication.set_account(user.into(), password.into());
    }

    /// Changes the API token; `None` takes it away. Calls with the old one get 401 from now on.
    pub fn set_token(&self, token: Option<Token>) {
        self.appliance.state().authentication.set_token(token);
    }

    /// Puts the appliance's clock ahead, in whole seconds: signed calls that are more than 300 s off get 412.
    pub fn set_clock_ahead(&self, ahead: Duration) {
        self.appliance.state().authentication.clock_ahead_seconds = ahead.as_secs();
    }

    /// Chooses the answer to an open question.
    ///
    /// # Errors
    /// [`Error::UnknownQuirk`] and [`Error::UnknownAnswer`].
    pub fn set_quirk(&self, name: &str, answer: &str) -> Result<(), Error> {
        self.appliance.state().quirks.set(name, answer)
    }

    /// Changes how long every answer takes.
    pub fn set_latency(&self, latency: Duration) {
        self.appliance.state().latency = latency;
    }

    /// Changes the rate limit, and starts a new window.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.appliance.state().set_rate_limit(limit);
    }

    /// Changes the most rows that a list gives.
    pub fn set_page_cap(&self, cap: Option<usize>) {
        self.appliance.state().page_cap = cap;
    }

    /// Changes how long changes stay pending.
    pub fn set_publish_delay(&self, delay: Duration) {
        self.appliance.state().set_publish_delay(delay);
    }

    /// Changes the version that `member_list` reports.
    pub fn set_version(&self, version: impl Into<String>) {
        self.appliance.state().version = version.into();
    }

    /// Ends all connections and the listening. When it returns, the ports are free.
    pub async fn shutdown(mut self) {
        for listener in [self.https.take(), self.admin.take()].into_iter().flatten() {
            listener.shutdown().await;
        }
        if let Some(dns) = self.dns.take() {
            dns.shutdown().await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for listener in [&self.https, &self.admin].into_iter().flatten() {
            listener.stop();
        }
        if let Some(dns) = &self.dns {
            dns.stop();
        }
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("https", &self.https_address)
            .field("admin", &self.admin_address)
            .finish_non_exhaustive()
    }
}
