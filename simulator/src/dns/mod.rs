//! The appliance as a DNS server: authoritative answers, over UDP and TCP, from what is published.
//!
//! Every question is answered from the store itself, under its lock. So an answer never shows half of a change, and a
//! change made in place leaves no moment without an answer.

mod answer;
mod character_string;
mod record_data;
mod service_parameters;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Edns, Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use crate::appliance::Appliance;
use crate::error::Error;
use answer::Reply;

/// How long a TCP connection may be idle.
const IDLE: Duration = Duration::from_secs(10);
/// How many answers may wait to be sent on one TCP connection.
const WAITING_ANSWERS: usize = 64;
/// The longest answer over UDP, whatever the question allows: no datagram of this size is torn apart on its way (DNS
/// flag day 2020).
const LONGEST_DATAGRAM: u16 = 1232;
/// The shortest that a question can ask for, RFC 6891 6.2.3.
const SHORTEST_DATAGRAM: u16 = 512;
/// How often a port is tried that is to be free for both protocols.
const PORTS_TRIED: usize = 16;

/// A running DNS server.
pub(crate) struct DnsServer {
    pub(crate) address: SocketAddr,
    server: hickory_server::Server<Questions>,
}

impl DnsServer {
    /// Serves UDP and TCP on one address.
    pub(crate) async fn start(appliance: Arc<Appliance>, listen: SocketAddr) -> Result<Self, Error> {
        let (udp, tcp, address) =
            bind(listen).await.map_err(|source| Error::Listen { address: listen, source })?;
        let mut server = hickory_server::Server::new(Questions { appliance });
        server.register_socket(udp);
        server.register_listener(tcp, IDLE, WAITING_ANSWERS);
        Ok(Self { address, server })
    }

    /// Ends the listening. When it returns, the port is free.
    pub(crate) async fn shutdown(mut self) {
        if let Err(error) = self.server.shutdown_gracefully().await {
            tracing::warn!(%error, "the DNS server ended");
        }
    }

    pub(crate) fn stop(&self) {
        self.server.shutdown_token().cancel();
    }
}

/// Binds both protocols to the same port.
async fn bind(listen: SocketAddr) -> std::io::Result<(UdpSocket, TcpListener, SocketAddr)> {
    let mut tried = 1;
    loop {
        let tcp = TcpListener::bind(listen).await?;
        let address = tcp.local_addr()?;
        match UdpSocket::bind(address).await {
            Ok(udp) => return Ok((udp, tcp, address)),
            // The port that the system chose for TCP is taken for UDP.
            Err(_) if listen.port() == 0 && tried < PORTS_TRIED => tried += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Answers questions.
struct Questions {
    appliance: Arc<Appliance>,
}

impl Questions {
    fn reply(&self, request: &Request) -> Reply {
        if request.metadata.message_type != MessageType::Query {
            return Reply::failure(ResponseCode::FormErr);
        }
        if request.metadata.op_code != OpCode::Query {
            return Reply::failure(ResponseCode::NotImp);
        }
        if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
            return Reply::failure(ResponseCode::BADVERS);
        }
        let [query] = request.queries.queries() else {
            return Reply::failure(ResponseCode::FormErr);
        };
        if query.query_class() != DNSClass::IN {
            return Reply::failure(ResponseCode::Refused);
        }
        answer::answer(&self.appliance.state().store, &query.original().name, query.query_type())
    }
}

// What async_trait makes of `async fn handle_request`, written out.
impl RequestHandler for Questions {
    fn handle_request<'handler, 'request, 'answer, R, T>(
        &'handler self,
        request: &'request Request,
        mut response_handle: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'answer>>
    where
        'handler: 'answer,
        'request: 'answer,
        Self: 'answer,
        R: 'answer + ResponseHandler,
        T: 'answer + Time,
    {
        let reply = self.reply(request);
        Box::pin(async move {
            let mut metadata = Metadata::response_from_request(&request.metadata);
            metadata.authoritative = reply.authoritative;
            metadata.response_code = reply.code;
            let edns = request.edns.as_ref().map(|asked| {
                let mut edns = Edns::new();
                edns.set_max_payload(asked.max_payload().clamp(SHORTEST_DATAGRAM, LONGEST_DATAGRAM));
                edns.set_rcode_high(reply.code.high());
                edns
            });
            let mut builder = MessageResponseBuilder::from_message_request(request);
            if let Some(edns) = &edns {
                builder.edns(edns);
            }
            let response =
                builder.build(metadata, &reply.answers, &reply.authorities, [], &reply.additionals);
            match response_handle.send_response(response).await {
                Ok(sent) => sent,
                Err(error) => {
                    tracing::debug!(%error, "an answer could not be sent");
                    metadata.response_code = ResponseCode::ServFail;
                    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
                }
            }
        })
    }
}
