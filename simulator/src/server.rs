//! The listeners: HTTPS for the services, plain HTTP for the admin interface.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum_server::Handle;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use http::{Request, Response};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::appliance::{Appliance, Reset};
use crate::error::Error;

/// The longest header list over HTTP/2: a query can be long.
const LONGEST_HEADERS: u32 = 256 * 1024;
/// How many calls one HTTP/2 connection may carry at a time.
const MOST_STREAMS: u32 = 1024;

/// A running listener.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Ends all connections and the listening.
    pub(crate) async fn shutdown(self) {
        self.handle.shutdown();
        // The task ends by itself; that it was ended from elsewhere is as good.
        let _ = self.task.await;
    }

    pub(crate) fn stop(&self) {
        self.handle.shutdown();
    }
}

fn bind(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves the appliance's services.
pub(crate) fn serve_appliance(
    appliance: Arc<Appliance>,
    listen: SocketAddr,
    tls: RustlsConfig,
) -> Result<Listener, Error> {
    let (listener, address) = bind(listen)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)
        .map_err(|source| Error::Listen { address, source })?
        .acceptor(RustlsAcceptor::new(tls).acceptor(Counting { appliance: Arc::clone(&appliance) }))
        .handle(handle.clone());
    server.http_builder().http2().max_header_list_size(LONGEST_HEADERS).max_concurrent_streams(MOST_STREAMS);
    let task = tokio::spawn(async move {
        if let Err(error) = server.serve(MakeCalls { appliance }).await {
            tracing::error!(%error, "the appliance's listener ended");
        }
    });
    Ok(Listener { address, handle, task })
}

/// Serves the admin interface.
pub(crate) fn serve_admin(router: axum::Router, listen: SocketAddr) -> Result<Listener, Error> {
    if !listen.ip().is_loopback() {
        return Err(Error::AdminNotLoopback(listen));
    }
    let (listener, address) = bind(listen)?;
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener)
        .map_err(|source| Error::Listen { address, source })?
        .acceptor(NoDelayAcceptor::new())
        .handle(handle.clone());
    let task = tokio::spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            tracing::error!(%error, "the admin listener ended");
        }
    });
    Ok(Listener { address, handle, task })
}

/// Counts connections and makes them answer without delay.
#[derive(Clone)]
struct Counting {
    appliance: Arc<Appliance>,
}

impl<S> Accept<TcpStream, S> for Counting {
    type Stream = TcpStream;
    type Service = S;
    type Future = Ready<std::io::Result<(TcpStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        self.appliance.state().recorder.connected();
        ready(stream.set_nodelay(true).map(|()| (stream, service)))
    }
}

/// Makes the service of each connection.
#[derive(Clone)]
struct MakeCalls {
    appliance: Arc<Appliance>,
}

impl Service<SocketAddr> for MakeCalls {
    type Response = Calls;
    type Error = Infallible;
    type Future = Ready<Result<Calls, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _client: SocketAddr) -> Self::Future {
        ready(Ok(Calls { appliance: Arc::clone(&self.appliance) }))
    }
}

/// Answers the calls of a connection. Its error ends the connection without an answer, which a router of axum's
/// cannot do.
#[derive(Clone)]
struct Calls {
    appliance: Arc<Appliance>,
}

impl<B> Service<Request<B>> for Calls
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Reset;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Reset>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Reset>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(Arc::clone(&self.appliance).handle(request.map(Body::new)))
    }
}
