//! Execute (IO): the steps of one decision, in order, each change one call.

use futures::future::join_all;

use crate::plan::{Change, Steps, WrittenRow};
use crate::record::{Name, Place, RrsetKey};
use crate::solidserver::{Client, Error};
use crate::telemetry::Metrics;

/// How the steps went.
#[derive(Debug, Default)]
pub(super) struct Executed {
    /// Rows added, edited and deleted with the appliance's confirmation.
    pub added: usize,
    pub edited: usize,
    pub deleted: usize,
    /// Names whose rows are other ones now, or may be.
    pub touched: Vec<Name>,
    /// Rows that were written, or may have been.
    pub written: Vec<WrittenRow>,
    /// The first error; the steps after it were not begun.
    pub error: Option<Error>,
}

impl Executed {
    /// Whether any write was confirmed.
    pub(super) const fn wrote(&self) -> bool {
        self.added + self.edited + self.deleted > 0
    }
}

/// Makes the changes. A step is begun only when every change of the one before was confirmed.
pub(super) async fn execute(
    client: &Client,
    place: &Place,
    steps: Steps,
    metrics: &Metrics,
    solid_server: &str,
) -> Executed {
    let mut executed = Executed::default();
    for step in steps.into_steps() {
        let answers = join_all(step.iter().map(|change| make(client, place, change))).await;
        for (change, answer) in step.iter().zip(answers) {
            let (kind, name, counter) = match change {
                Change::Add(row) => ("add", &row.name, &mut executed.added),
                Change::Edit { row, .. } => ("edit", &row.name, &mut executed.edited),
                Change::Delete { row } => ("delete", &row.name, &mut executed.deleted),
            };
            executed.touched.push(name.clone());
            if matches!(answer, Ok(()) | Err(Error::Ambiguous { .. })) {
                executed.written.extend(written_row(change));
            }
            let outcome = match &answer {
                Ok(()) => "ok",
                Err(error) => error.label(),
            };
            metrics.rows_changed(solid_server, kind, outcome);
            match answer {
                Ok(()) => *counter += 1,
                // What the appliance says about the record goes before what happened on the way to it.
                Err(error) => match &executed.error {
                    Some(Error::Rejected { .. }) => {}
                    _ => executed.error = Some(error),
                },
            }
        }
        if executed.error.is_some() {
            break;
        }
    }
    executed
}

/// What the appliance holds once a change is made, if it is a row.
fn written_row(change: &Change) -> Option<WrittenRow> {
    let (name, ttl, data) = match change {
        Change::Add(row) => (&row.name, row.ttl, &row.data),
        Change::Edit { row, edit } => (&row.name, edit.ttl, &edit.data),
        Change::Delete { .. } => return None,
    };
    let key = RrsetKey { name: name.clone(), record_type: data.record_type() };
    Some(WrittenRow { key, ttl, data: data.clone() })
}

async fn make(client: &Client, place: &Place, change: &Change) -> Result<(), Error> {
    match change {
        Change::Add(row) => client.add(place, row).await.map(drop),
        Change::Edit { row, edit } => client.edit(place, &row.id, edit).await.map(drop),
        Change::Delete { row } => client.delete(place, &row.id).await,
    }
}
