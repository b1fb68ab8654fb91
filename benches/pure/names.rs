//! What a page of names is asked with: chunks of a filter, each short enough for a request line.

use std::time::Duration;

use solidserver_operator::record::{Name, Place};
use solidserver_operator::solidserver::{Client, Credentials, Dialect, Proxies, Settings, TlsSettings};

use super::zone;

/// Names to be asked for, and a client that never calls anybody.
pub(crate) struct Names {
    client: Client,
    place: Place,
    names: Vec<Name>,
}

impl Names {
    pub(crate) fn new(dialect: Dialect, names: usize) -> Self {
        let client = Client::new(Settings {
            endpoint: "https://appliance.example.com".parse().expect("a URL"),
            dialect,
            credentials: Credentials::Basic { username: "bench".into(), password: "bench".into() },
            tls: TlsSettings::default(),
            proxies: Proxies::none(),
            concurrency: 16,
            page_size: 1000,
            request_timeout: Duration::from_secs(4),
            requests_per_minute: None,
            accept_warnings: false,
            user_agent: "bench".to_owned(),
            observer: None,
        });
        let names = (0..names).map(zone::owner_name).collect();
        Self { client: client.expect("a client"), place: zone::place(), names }
    }

    /// The number of chunks.
    pub(crate) fn chunks(&self) -> usize {
        self.client.name_chunks(&self.place, &self.names)
    }

    /// Ends the program unless the chunks hold about as many names as a request line of 6 KiB does.
    pub(crate) fn check(&self) {
        let per_chunk = self.names.len() / self.chunks();
        assert!((100..250).contains(&per_chunk), "{per_chunk} names in a chunk");
    }
}
