//! Kubernetes Events for what a person acts on, within a budget.

use std::collections::VecDeque;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tracing::debug;

use crate::api::{DnsRecord, FIELD_MANAGER};

/// Events that may wait; more are dropped, for status and metrics tell the same.
const WAITING: usize = 1000;

/// The least time between two Events: at most twenty a second.
const SPACING: Duration = Duration::from_millis(50);

/// Notes of the last Events. One that comes again for the same object counts up the Event that is there.
const REMEMBERED: usize = 200;

/// Longest note that the API server takes is 1,024 characters (bytes are counted here, to be safe).
const NOTE_LIMIT: usize = 1000;

/// Something to tell about an object.
pub struct Notice {
    about: ObjectReference,
    event: Event,
}

impl Notice {
    /// Good news, or a change.
    #[must_use]
    pub fn normal(record: &DnsRecord, reason: &str, note: String) -> Self {
        Self::new(record.object_ref(&()), EventType::Normal, reason, note)
    }

    /// Something that a person should look at.
    #[must_use]
    pub fn warning(record: &DnsRecord, reason: &str, note: String) -> Self {
        Self::new(record.object_ref(&()), EventType::Warning, reason, note)
    }

    /// About any object.
    #[must_use]
    pub fn new(about: ObjectReference, type_: EventType, reason: &str, mut note: String) -> Self {
        if note.len() > NOTE_LIMIT {
            let end = (0..=NOTE_LIMIT).rev().find(|index| note.is_char_boundary(*index)).unwrap_or(0);
            note.truncate(end);
            note.push_str(" ...");
        }
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        Self { about, event }
    }
}

/// Takes Events without ever holding anybody up.
#[derive(Clone)]
pub struct EventSink(mpsc::Sender<Notice>);

impl EventSink {
    /// Starts the task that publishes; it ends when the last sink is gone.
    #[must_use]
    pub fn start(client: kube::Client, instance: &str) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Notice>(WAITING);
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(instance.to_owned()) };
        let mut recorders = Recorders { client, reporter, recent: VecDeque::new() };
        tokio::spawn(async move {
            while let Some(notice) = receiver.recv().await {
                let recorder = recorders.of(notice.event.note.as_deref().unwrap_or_default());
                let publish = recorder.publish(&notice.event, &notice.about);
                match tokio::time::timeout(Duration::from_secs(10), publish).await {
                    Ok(Ok(())) => {}
                    // A terminating namespace takes no Events; nothing depends on them.
                    Ok(Err(error)) => debug!("an Event was not taken: {error}"),
                    Err(_) => debug!("an Event was not taken in time"),
                }
                tokio::time::sleep(SPACING).await;
            }
        });
        Self(sender)
    }

    /// Hands an Event over; when too many wait it is dropped.
    pub fn send(&self, notice: Notice) {
        if self.0.try_send(notice).is_err() {
            debug!("an Event was dropped: too many are waiting");
        }
    }
}

/// A recorder for each note. kube's takes all Events of one object and reason for the same one and goes on showing the words of the first:
/// a second drift would be told as the first.
struct Recorders {
    client: kube::Client,
    reporter: Reporter,
    /// The ones used last come last.
    recent: VecDeque<(String, Recorder)>,
}

impl Recorders {
    fn of(&mut self, note: &str) -> Recorder {
        let known = self.recent.iter().position(|(of, _)| of == note);
        let recorder = known.and_then(|place| self.recent.remove(place)).map_or_else(
            || Recorder::new(self.client.clone(), self.reporter.clone()),
            |(_, recorder)| recorder,
        );
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((note.to_owned(), recorder.clone()));
        recorder
    }
}
