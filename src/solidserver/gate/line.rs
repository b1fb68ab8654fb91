//! Whose turn it is: parties that wait for the gate take turns, whatever each of them brings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// On whose behalf a call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// What serves everybody, such as a reading. All such calls are one party.
    #[default]
    Shared,
    /// A change that somebody in this namespace waits for. A party for each namespace.
    Change(Arc<str>),
    /// A repair that nobody has asked for, of a DnsRecord in this namespace. Changes go before.
    Repair(Arc<str>),
    /// To see whether the appliance answers again. Goes with what is shared, and also while the circuit is open.
    Probe,
}

/// While changes wait, one turn of so many is a repair's: they are held up, not stopped.
const REPAIRS_ONE_IN: u32 = 8;

/// Parties that take turns, each with those of its own in the order in which they came.
#[derive(Debug)]
struct Parties<T> {
    waiting: VecDeque<(Option<Arc<str>>, VecDeque<T>)>,
}

impl<T> Parties<T> {
    fn push(&mut self, party: Option<Arc<str>>, one: T) {
        match self.waiting.iter_mut().find(|(known, _)| *known == party) {
            Some((_, line)) => line.push_back(one),
            None => self.waiting.push_back((party, VecDeque::from([one]))),
        }
    }

    fn pop(&mut self) -> Option<T> {
        let (party, mut line) = self.waiting.pop_front()?;
        let one = line.pop_front();
        if !line.is_empty() {
            self.waiting.push_back((party, line));
        }
        one
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Those who wait. Pure.
#[derive(Debug)]
struct Line<T> {
    changes: Parties<T>,
    repairs: Parties<T>,
    /// Turns in a row that repairs have waited.
    passed_over: u32,
}

impl<T> Line<T> {
    fn new() -> Self {
        let parties = || Parties { waiting: VecDeque::new() };
        Self { changes: parties(), repairs: parties(), passed_over: 0 }
    }

    fn push(&mut self, turn: &Turn, one: T) {
        match turn {
            Turn::Shared | Turn::Probe => self.changes.push(None, one),
            Turn::Change(namespace) => self.changes.push(Some(Arc::clone(namespace)), one),
            Turn::Repair(namespace) => self.repairs.push(Some(Arc::clone(namespace)), one),
        }
    }

    fn pop(&mut self) -> Option<T> {
        let repair = self.changes.is_empty() || self.passed_over + 1 >= REPAIRS_ONE_IN;
        if repair && let Some(one) = self.repairs.pop() {
            self.passed_over = 0;
            return Some(one);
        }
        self.passed_over = if self.repairs.is_empty() { 0 } else { self.passed_over + 1 };
        self.changes.pop()
    }
}

#[derive(Debug)]
struct State {
    /// Whether somebody is at its turn.
    taken: bool,
    line: Line<oneshot::Sender<()>>,
}

/// One goes through at a time.
#[derive(Debug)]
pub(super) struct Turnstile(Mutex<State>);

impl Turnstile {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { taken: false, line: Line::new() }))
    }

    /// Waits for a turn, which lasts until the answer is dropped. Whoever stops waiting has left the line.
    pub(super) async fn turn(&self, turn: &Turn) -> AtTurn<'_> {
        let mut place = {
            let mut state = self.state();
            if !state.taken {
                state.taken = true;
                return AtTurn(self);
            }
            let (called, calling) = oneshot::channel();
            state.line.push(turn, called);
            Place { turnstile: self, calling: Some(calling) }
        };
        if let Some(calling) = &mut place.calling {
            // The sender is dropped only together with the turnstile, which is borrowed here.
            let _ = calling.await;
        }
        place.calling = None;
        AtTurn(self)
    }

    fn pass_on(&self) {
        let mut state = self.state();
        while let Some(next) = state.line.pop() {
            if next.send(()).is_ok() {
                return;
            }
        }
        state.taken = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state leaves it whole, so that a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line.
struct Place<'a> {
    turnstile: &'a Turnstile,
    /// Taken out when the turn has come and was taken.
    calling: Option<oneshot::Receiver<()>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(mut calling) = self.calling.take() else { return };
        calling.close();
        if calling.try_recv().is_ok() {
            // Called, but gone before that was heard.
            self.turnstile.pass_on();
        }
    }
}

/// A turn, until dropped.
#[derive(Debug)]
pub(super) struct AtTurn<'a>(&'a Turnstile);

impl Drop for AtTurn<'_> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(namespace: &str) -> Turn {
        Turn::Change(namespace.into())
    }

    fn all(line: &mut Line<String>) -> Vec<String> {
        std::iter::from_fn(|| line.pop()).collect()
    }

    #[test]
    fn parties_take_turns_however_many_each_of_them_is() {
        let mut line = Line::new();
        for number in 0..1000 {
            line.push(&change("many"), format!("many {number}"));
        }
        for number in 0..3 {
            line.push(&change("few"), format!("few {number}"));
        }
        line.push(&Turn::Shared, "reading".to_owned());
        let order = all(&mut line);
        assert_eq!(
            order[..8],
            ["many 0", "few 0", "reading", "many 1", "few 1", "many 2", "few 2", "many 3"].map(str::to_owned)
        );
        assert_eq!(order.len(), 1004);
    }

    #[test]
    fn changes_go_before_repairs_which_are_not_stopped() {
        let mut line = Line::new();
        for number in 0..16 {
            line.push(&Turn::Repair("shop".into()), format!("repair {number}"));
        }
        for number in 0..15 {
            line.push(&change("shop"), format!("change {number}"));
        }
        let order = all(&mut line);
        let repairs: Vec<usize> =
            (0..order.len()).filter(|place| order[*place].starts_with("repair")).collect();
        assert_eq!(repairs[..3], [7, 15, 17], "{order:?}");
        assert_eq!(order.len(), 31);
    }

    #[tokio::test]
    async fn a_turn_is_passed_on_by_those_who_did_not_wait_for_it() {
        let turnstile = Turnstile::new();
        let shared = Turn::Shared;
        let first = turnstile.turn(&shared).await;
        let mut gone_early = Box::pin(turnstile.turn(&shared));
        let mut gone_late = Box::pin(turnstile.turn(&shared));
        let mut stays = Box::pin(turnstile.turn(&shared));
        assert!(futures::poll!(&mut gone_early).is_pending());
        assert!(futures::poll!(&mut gone_late).is_pending());
        assert!(futures::poll!(&mut stays).is_pending());
        drop(gone_early);
        drop(first);
        // Called by now, and not asked since.
        drop(gone_late);
        let turn = tokio::time::timeout(std::time::Duration::from_secs(5), stays).await.unwrap();
        drop(turn);
        assert!(!turnstile.state().taken);
    }
}
