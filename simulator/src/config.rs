//! What a simulator is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::quirk::Quirks;
use crate::seed::Seed;

/// Settings of a [`Simulator`](crate::Simulator).
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the appliance listens for HTTPS. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where the admin interface listens for plain HTTP. Must be a loopback address.
    pub admin_listen: SocketAddr,
    /// Where DNS questions are answered, over UDP and TCP, from what is published. `None` answers none.
    pub dns_listen: Option<SocketAddr>,
    /// Where certificates are kept. `None` makes new ones that live as long as the simulator does.
    pub tls_dir: Option<PathBuf>,
    /// Names that the certificate is valid for, besides localhost, 127.0.0.1 and ::1.
    pub tls_names: Vec<String>,
    /// Authority (PEM) of whose certificates clients must show one.
    pub client_ca: Option<String>,
    /// The path below which the services are, as behind a gateway; such as `/ddi`.
    pub path_prefix: String,
    /// Offers HTTP/2 beside HTTP/1.1.
    pub http2: bool,
    /// The account's name.
    pub user: String,
    /// The account's password.
    pub password: String,
    /// An API token, valid beside the account.
    pub token: Option<Token>,
    /// The version that `member_list` reports.
    pub version: String,
    /// How long every answer takes.
    pub latency: Duration,
    /// How many calls are answered per window.
    pub rate_limit: Option<RateLimit>,
    /// The most rows that a list gives, whatever the client asks.
    pub page_cap: Option<usize>,
    /// How long a change stays pending before it is pushed to the DNS server.
    pub publish_delay: Duration,
    /// Answers to the open questions about the appliance.
    pub quirks: Quirks,
    /// What the appliance holds at the start.
    pub seed: Seed,
}

impl Default for Config {
    /// Free loopback ports, no DNS, account `operator` with password `secret`, and the [example](Seed::example).
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dns_listen: None,
            tls_dir: None,
            tls_names: Vec::new(),
            client_ca: None,
            path_prefix: String::new(),
            http2: true,
            user: "operator".to_owned(),
            password: "secret".to_owned(),
            token: None,
            version: "8.4.0".to_owned(),
            latency: Duration::ZERO,
            rate_limit: None,
            page_cap: None,
            publish_delay: Duration::ZERO,
            quirks: Quirks::default(),
            seed: Seed::example(),
        }
    }
}

impl Config {
    /// The path prefix with a slash at its beginning and none at its end; empty when there is none.
    pub(crate) fn path_prefix(&self) -> String {
        match self.path_prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("/{prefix}"),
        }
    }
}

/// An API token: calls with it are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id, sent with each call.
    pub id: String,
    /// What signs; never sent.
    pub secret: String,
}

impl Token {
    /// A token with this id and secret.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }
}

/// A number of calls per window of time. The window starts with the first call and ends as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many calls are answered; further ones get 429.
    pub calls: u32,
    /// How long the window is.
    pub window: Duration,
}

impl FromStr for RateLimit {
    type Err = String;

    /// Reads `200/60s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not of the form 200/60s");
        let (calls, window) = text.split_once('/').ok_or_else(wrong)?;
        let limit = Self {
            calls: calls.trim().parse().map_err(|_| wrong())?,
            window: humantime::parse_duration(window.trim()).map_err(|_| wrong())?,
        };
        if limit.window.is_zero() { Err(wrong()) } else { Ok(limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_calls_per_window() {
        assert_eq!("200/60s".parse(), Ok(RateLimit { calls: 200, window: Duration::from_secs(60) }));
        assert_eq!("5 / 250ms".parse(), Ok(RateLimit { calls: 5, window: Duration::from_millis(250) }));
        for wrong in ["200", "/60s", "200/", "x/60s", "1/0s"] {
            assert!(wrong.parse::<RateLimit>().is_err(), "{wrong}");
        }
    }
}
