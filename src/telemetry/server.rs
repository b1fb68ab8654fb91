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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    struct Running {
        address: SocketAddr,
        metrics: Metrics,
        health: Health,
        stop: CancellationToken,
        task: JoinHandle<Result<(), ServerError>>,
    }

    async fn running() -> Running {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (metrics, health, stop) = (Metrics::new(), Health::default(), CancellationToken::new());
        let address = server.local_address().unwrap();
        let task = tokio::spawn(server.run(metrics.clone(), health.clone(), stop.clone()));
        Running { address, metrics, health, stop, task }
    }

    /// Status line and headers, then the body.
    async fn answer(address: SocketAddr, path: &str) -> (String, String) {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn ready_only_while_the_flag_says_so_and_alive_all_along() {
        let server = running().await;
        let mut seen = Vec::new();
        for ready in [false, true, false] {
            server.health.set_ready(ready);
            for path in ["/readyz", "/healthz"] {
                let (head, _) = answer(server.address, path).await;
                seen.push(head.split(' ').nth(1).unwrap().to_owned());
            }
        }
        assert_eq!(seen, ["503", "200", "200", "200", "503", "200"]);
        server.stop.cancel();
        server.task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn metrics_come_in_the_format_that_they_claim() {
        let server = running().await;
        server.metrics.queue_depth(4);
        let (head, body) = answer(server.address, "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains(&format!("content-type: {OPEN_METRICS}")), "{head}");
        assert!(body.contains("solidserver_operator_queue_depth 4\n"), "{body}");
        assert!(body.contains("solidserver_operator_build_info{version="), "{body}");
        assert!(answer(server.address, "/").await.0.starts_with("HTTP/1.1 404"));
        server.stop.cancel();
        server.task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_does_not_hold_up_the_end() {
        let server = running().await;
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        silent.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
        answer(server.address, "/healthz").await;
        server.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE * 4, server.task).await;
        ended.expect("the server ends").unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error_that_names_it() {
        let server = running().await;
        let error = Server::bind(server.address).await.unwrap_err();
        assert!(error.to_string().contains(&server.address.to_string()), "{error}");
        server.stop.cancel();
        server.task.await.unwrap().unwrap();
    }
}
