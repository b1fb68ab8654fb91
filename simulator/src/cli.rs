//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::config::{Config, RateLimit, Token};
use crate::error::Error;
use crate::quirk::Quirks;
use crate::seed::Seed;

/// A stand-in for an EfficientIP SOLIDserver appliance: its DNS REST services over HTTPS, with faults on demand.
/// Not affiliated with EfficientIP.
#[derive(Debug, Parser)]
#[command(name = "solidserver-simulator")]
pub struct Cli {
    /// Where to serve HTTPS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Where to serve the admin interface, plain HTTP; a loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8444")]
    admin_listen: SocketAddr,
    /// Where to answer DNS questions, over UDP and TCP; without it nowhere
    #[arg(long, value_name = "ADDR")]
    dns_listen: Option<SocketAddr>,
    /// Where ca.crt, tls.crt and tls.key are; they are made when absent. Without it they are made for this run
    #[arg(long, value_name = "DIR")]
    tls_dir: Option<PathBuf>,
    /// A name that the certificate is valid for, besides localhost; repeatable
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,
    /// Authority of whose certificates clients must show one
    #[arg(long, value_name = "FILE.crt")]
    client_ca: Option<PathBuf>,
    /// The path below which the services are, as behind a gateway, such as /ddi
    #[arg(long, value_name = "PATH", default_value = "")]
    path_prefix: String,
    /// Offer HTTP/1.1 only
    #[arg(long)]
    no_http2: bool,
    /// What the appliance holds at the start; without it a small example
    #[arg(long, value_name = "FILE.yaml")]
    seed: Option<PathBuf>,
    /// The account's name
    #[arg(long, value_name = "NAME", default_value = "operator")]
    user: String,
    /// The account's password
    #[arg(long, value_name = "TEXT", default_value = "secret")]
    password: String,
    /// The id of an API token, valid beside the account
    #[arg(long, value_name = "ID", requires = "token_secret")]
    token_id: Option<String>,
    /// The secret that calls with the token are signed with
    #[arg(long, value_name = "TEXT", requires = "token_id")]
    token_secret: Option<String>,
    /// How long every answer takes, such as 20ms
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    latency: Option<Duration>,
    /// How many calls are answered per window, such as 200/60s; further ones get 429
    #[arg(long, value_name = "CALLS/DURATION")]
    rate_limit: Option<RateLimit>,
    /// The most rows that a list gives, whatever is asked
    #[arg(long, value_name = "ROWS")]
    page_cap: Option<usize>,
    /// How long changes stay pending, such as 300ms
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    publish_delay: Option<Duration>,
    /// The version that it reports
    #[arg(long = "version", value_name = "VERSION", default_value = "8.4.0")]
    reported_version: String,
    /// The answer to an open question about the appliance; repeatable; see --list-quirks
    #[arg(long = "quirk", value_name = "NAME=VALUE")]
    quirks: Vec<String>,
    /// Show the open questions with their answers, and end
    #[arg(long)]
    pub list_quirks: bool,
    /// End by itself after this time, such as 1h
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub exit_after: Option<Duration>,
}

impl Cli {
    /// The settings that the command line asks for.
    ///
    /// # Errors
    /// When the seed file or a quirk is wrong.
    pub fn config(&self) -> Result<Config, Error> {
        let mut quirks = Quirks::default();
        for choice in &self.quirks {
            let (name, answer) = choice.split_once('=').unwrap_or((choice, ""));
            quirks.set(name, answer)?;
        }
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|source| Error::File { path: path.clone(), source })
        };
        let seed = match &self.seed {
            Some(path) => Seed::from_yaml(&read(path)?)?,
            None => Seed::example(),
        };
        Ok(Config {
            listen: self.listen,
            admin_listen: self.admin_listen,
            dns_listen: self.dns_listen,
            tls_dir: self.tls_dir.clone(),
            tls_names: self.tls_names.clone(),
            client_ca: self.client_ca.as_ref().map(read).transpose()?,
            path_prefix: self.path_prefix.clone(),
            http2: !self.no_http2,
            user: self.user.clone(),
            password: self.password.clone(),
            token: self
                .token_id
                .as_ref()
                .zip(self.token_secret.as_ref())
                .map(|(id, secret)| Token::new(id, secret)),
            version: self.reported_version.clone(),
            latency: self.latency.unwrap_or_default(),
            rate_limit: self.rate_limit,
            page_cap: self.page_cap,
            publish_delay: self.publish_delay.unwrap_or_default(),
            quirks,
            seed,
        })
    }
}
