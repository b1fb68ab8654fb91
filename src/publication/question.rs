//! One question to one name server (IO): over UDP, and over TCP where the answer does not fit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use domain::base::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::answer::{Answer, Useless, question, read};
use crate::record::RrsetKey;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Datagrams get lost.
const TRIES: usize = 2;

/// The longest answer over UDP that is taken.
const LONGEST_DATAGRAM: usize = 4096;

/// Asks for an RRset; why nothing was learnt is told in words that follow the server's name.
pub(super) async fn ask(server: SocketAddr, key: &RrsetKey) -> Result<Answer, String> {
    let question = question(key, rand::random()).ok_or("cannot be asked for such a name")?;
    let mut trouble = "does not answer".to_owned();
    for _ in 0..TRIES {
        let answer = match timeout(PATIENCE, over_udp(server, &question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                trouble = format!("cannot be reached: {error}");
                continue;
            }
            Err(_) => continue,
        };
        let answer = match read(&answer, key) {
            Err(Useless::Truncated) => match timeout(PATIENCE, over_tcp(server, &question)).await {
                Ok(Ok(answer)) => read(&answer, key),
                Ok(Err(error)) => return Err(format!("cannot be reached over TCP: {error}")),
                Err(_) => return Err("does not answer over TCP".to_owned()),
            },
            answer => answer,
        };
        return answer.map_err(|useless| useless.to_string());
    }
    Err(trouble)
}

/// From a port of its own, so that an answer is as hard to forge as it can be.
async fn over_udp(server: SocketAddr, question: &Message<Vec<u8>>) -> io::Result<Vec<u8>> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(question.as_slice()).await?;
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Some(answer) = buffer.get(..length).filter(|answer| is_answer(answer, question)) {
            return Ok(answer.to_vec());
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let octets = question.as_slice();
    let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), octets].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    match is_answer(&answer, question) {
        true => Ok(answer),
        false => Err(io::Error::other("it answers another question")),
    }
}

fn is_answer(octets: &[u8], question: &Message<Vec<u8>>) -> bool {
    Message::from_octets(octets).is_ok_and(|message| message.is_answer(question))
}
