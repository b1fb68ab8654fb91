//! Answers while they come in. Whatever an appliance sends, they take a bounded amount of memory, each and all together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// No list of this client comes near; more is a mistake that must not fill the memory.
const LONGEST: usize = 64 * 1024 * 1024;
/// What all answers of one appliance may take together, as far as they are longer than usual.
const LONGEST_TOGETHER: usize = 96 * 1024 * 1024;
/// A page of a thousand rows is about 3 MiB. Answers up to here are read also when others take too much.
const USUAL: usize = 8 * 1024 * 1024;

/// All answers of one appliance that are being read.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    bytes: AtomicUsize,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Body<'a> {
    all: &'a Bodies,
    bytes: Vec<u8>,
}

/// An answer that is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooLong {
    /// By itself.
    #[error("the answer is longer than 64 MiB")]
    Alone,
    /// Together with the others.
    #[error("the answers that are being read are longer than 96 MiB together")]
    Together,
}

impl Bodies {
    /// An answer begins.
    pub(super) const fn begin(&self) -> Body<'_> {
        Body { all: self, bytes: Vec::new() }
    }
}

impl Body<'_> {
    /// Takes what has come.
    ///
    /// # Errors
    /// [`TooLong`] when this would be more than is read.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        let length = self.bytes.len() + chunk.len();
        let together = self.all.bytes.load(Ordering::Relaxed) + chunk.len();
        if length > LONGEST {
            return Err(TooLong::Alone);
        }
        if length > USUAL && together > LONGEST_TOGETHER {
            return Err(TooLong::Together);
        }
        self.all.bytes.fetch_add(chunk.len(), Ordering::Relaxed);
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The whole answer.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.all.bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.all.bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static MIB: [u8; 1024 * 1024] = [0; 1024 * 1024];

    fn read(body: &mut Body<'_>, mib: usize) -> Result<(), TooLong> {
        (0..mib).try_for_each(|_| body.push(&MIB))
    }

    #[test]
    fn one_answer_ends_at_its_limit() {
        let all = Bodies::default();
        let mut body = all.begin();
        assert_eq!(read(&mut body, 64), Ok(()));
        assert_eq!(body.push(&[0]), Err(TooLong::Alone));
    }

    #[test]
    fn long_answers_end_at_the_limit_of_all_and_usual_ones_do_not() {
        let all = Bodies::default();
        let (mut first, mut second, mut usual) = (all.begin(), all.begin(), all.begin());
        assert_eq!(read(&mut first, 60), Ok(()));
        assert_eq!(read(&mut second, 40), Err(TooLong::Together));
        assert_eq!(second.bytes.len(), 36 * MIB.len());
        assert_eq!(read(&mut usual, 8), Ok(()));
        assert_eq!(read(&mut usual, 1), Err(TooLong::Together));
        assert_eq!(usual.end().len(), 8 * MIB.len());
        // What was given up or is read counts no more.
        drop(first);
        assert_eq!(read(&mut second, 24), Ok(()));
        drop(second);
        assert_eq!(all.bytes.into_inner(), 0);
    }
}
