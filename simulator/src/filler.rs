//! Bodies that are too long, or never end.

use std::convert::Infallible;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

/// The beginning of a list, so that nobody can tell from it that the rest makes no sense.
const BEGIN: &[u8] = b"[{\"errno\":\"0\",\"value1\":\"";
/// What follows, over and over.
const PIECE: &[u8] = &[b'x'; 64 * 1024];

/// A body: the beginning of a list, then a text without an end.
pub(crate) struct Filler {
    /// Bytes that are to come; `None` for ever.
    left: Option<usize>,
    begun: bool,
    /// Before each byte of a body that comes byte by byte.
    pause: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Filler {
    /// So many bytes, as fast as they are read.
    pub(crate) fn length(bytes: usize) -> Self {
        Self { left: Some(bytes), begun: false, pause: None, timer: None }
    }

    /// A byte at a time, for ever.
    pub(crate) fn trickle(pause: Duration) -> Self {
        Self { left: None, begun: false, pause: Some(pause), timer: None }
    }
}

impl Clone for Filler {
    /// The same from its beginning.
    fn clone(&self) -> Self {
        Self { left: self.left, begun: false, pause: self.pause, timer: None }
    }
}

impl fmt::Debug for Filler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Filler").field("left", &self.left).field("pause", &self.pause).finish()
    }
}

impl Body for Filler {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = self.pause {
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
        }
        let piece = match self.begun {
            false => BEGIN,
            true if self.pause.is_some() => &PIECE[..1],
            true => PIECE,
        };
        self.begun = true;
        let length = self.left.map_or(piece.len(), |left| left.min(piece.len()));
        if length == 0 {
            return Poll::Ready(None);
        }
        self.left = self.left.map(|left| left - length);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&piece[..length])))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_has_the_length_that_it_was_given() {
        let body = axum::body::Body::new(Filler::length(200_000));
        let bytes = axum::body::to_bytes(body, 1_000_000).await.unwrap();
        assert_eq!(bytes.len(), 200_000);
        assert!(bytes.starts_with(BEGIN));
    }
}
