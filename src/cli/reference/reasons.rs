//! The reasons as a table: what each means, and who has to do something.

use std::fmt::Write as _;

use super::{assert_page, cell};
use crate::api::{PublicationReason, Reason, Standing};

/// Who has to do something. A reason that is added is not told of before somebody has said it here.
fn who_acts(reason: Reason) -> &'static str {
    use Reason::*;
    match reason {
        InSync | Occluded | Pending | Writing | Retrying => "nobody",
        Waiting => "nobody, or who makes what the message names",
        Unreachable | RateLimited => "who runs the appliance and the way to it, if it lasts",
        Unauthorized | Forbidden | NotVisible | HiddenByRights => {
            "who keeps the account on the appliance, or the Secret"
        }
        ClockSkew => "who keeps the clocks of appliance and nodes",
        TlsFailed => "who keeps the certificates, or `spec.tls`",
        Suspended => "who suspended it",
        DeletionHeld => "who manages the SolidServer: approve or abandon",
        DefaultsChanged | Drifted => "who owns the record: decide",
        InvalidValue => "who wrote the object",
        Rejected | NotStoredAsSent => "who owns the record, with the appliance's words",
        Conflict | ForeignValues | Contested => "who owns the record, and the other one",
        NotDelegated => "who manages the SolidServer, or who owns the record",
        SolidServerNotFound | ServerNotFound | ViewRequired | ViewNotFound | ZoneNotWritable
        | NameInChildZone | ApexNotServed => "who owns the record, or who manages the SolidServer",
        ZoneNotFound => "who makes zones on the appliance, or who owns the record",
        EndpointInUse | WrongAppliance => "who manages the SolidServer",
        ClusterNameInUse => "who runs the operator",
    }
}

fn condition(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "`Ready`",
        Standing::InProgress => "`Reconciling`",
        Standing::Stalled => "`Stalled`",
    }
}

#[test]
fn the_page_of_reasons_is_what_the_types_say() {
    let mut text = "| reason | true condition | meaning | who acts |\n|---|---|---|---|\n".to_owned();
    for reason in Reason::ALL {
        let (name, anchor) = (reason.as_str(), reason.as_str().to_lowercase());
        let (condition, who) = (condition(reason.standing()), who_acts(*reason));
        let meaning = cell(reason.meaning());
        writeln!(text, "| [`{name}`](../troubleshooting.md#{anchor}) | {condition} | {meaning} | {who} |")
            .unwrap();
    }
    writeln!(text, "\n## Reasons of `Published`\n\n| reason | status |\n|---|---|").unwrap();
    for reason in [PublicationReason::Published, PublicationReason::Publishing, PublicationReason::CannotAsk]
    {
        let (name, status) = (reason.as_str(), reason.status());
        writeln!(text, "| [`{name}`](../guides/publication.md#the-condition) | `{status}` |").unwrap();
    }
    assert_page("reasons.md", "src/api/conditions.rs", &text);
}
