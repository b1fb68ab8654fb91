//! `/metrics`, `/healthz` and `/readyz` over plain HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Health, Metrics};

/// As the OpenMetrics specification names its text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a connection may take to end after the server was told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the HTTP server cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for metrics and health (--http-listen)")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The listener failed later.
    #[error("the server of metrics and health has failed")]
    Serve(#[source] std::io::Error),
}

/// Listens, but does not answer before [`Server::run`].
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Takes the address. Port 0 lets the system choose one.
    ///
    /// # Errors
    /// [`ServerError::Listen`] when it cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Self { listener }),
            Err(source) => Err(ServerError::Listen { address, source }),
        }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// [`ServerError::Serve`] when the system does not tell.
    pub fn local_address(&self) -> Result<SocketAddr, ServerError> {
        self.listener.local_addr().map_err(ServerError::Serve)
    }

    /// Answers until `stop` is cancelled, and then for as long as open requests need, at most two seconds.
    ///
    /// # Errors
    /// [`ServerError::Serve`] when the listener fails.
    pub async fn run(
        self,
        metrics: Metrics,
        health: Health,
        stop: CancellationToken,
    ) -> Result<(), ServerError> {
        let router = Router::new()
            .route("/metrics", get(open_metrics))
            .with_state(metrics)
            .route("/healthz", get("ok\n"))
            .route("/readyz", get(readiness).with_state(health));
        let stopping = stop.clone();
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(stopping.cancelled_owned());
        let impatience = async {
            stop.cancelled().await;
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            answer = serving => answer.map_err(ServerError::Serve),
            () = impatience => Ok(()),
        }
    }
}

async fn open_metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn readiness(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the caches are not warm yet\n")
    }
}
