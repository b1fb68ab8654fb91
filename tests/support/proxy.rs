//! A TCP proxy that can be cut: the network between a process and a server, for tests that partition it.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on, byte by byte, until it is cut; what is sent while it is cut goes nowhere and is not answered.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Listens on a free loopback port and passes on to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        let (open, state) = watch::channel(true);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass_on(stream, target, state.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, open, task }
    }

    /// Cuts all connections' traffic, as a network does: nothing is reset, nothing arrives.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets new connections through again; those from before the cut are reset.
    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn pass_on(mut client: TcpStream, target: SocketAddr, mut open: watch::Receiver<bool>) {
    if !*open.borrow_and_update() {
        // A connection attempt into a cut network hangs until it is mended, and is lost.
        let _ = open.wait_for(|open| *open).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let ended = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => true,
        cut = open.wait_for(|open| !*open) => cut.is_err(),
    };
    if !ended {
        // Held open in silence until the network is back.
        let _ = open.wait_for(|open| *open).await;
    }
}
