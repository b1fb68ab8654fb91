//! Whether a write may add, edit, or both.

use crate::answer::Refusal;
use crate::request::{Dialect, Operation, ServiceRequest};

/// What a write may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    NewEdit,
    NewOnly,
    EditOnly,
    /// v2 has no flag. What its documentation says of an add that names a row that is there: it edits it. Whether that
    /// holds for a row that is equal in all is not known.
    V2Add,
}

impl Flag {
    pub(super) fn read(request: &ServiceRequest) -> Result<Self, Refusal> {
        Ok(match (request.answer_dialect(), request.text("add_flag").unwrap_or("new_edit")) {
            (Dialect::V2, _) if request.operation == Some(Operation::Edit) => Self::EditOnly,
            (Dialect::V2, _) => Self::V2Add,
            (Dialect::Rest, "new_edit") => Self::NewEdit,
            (Dialect::Rest, "new_only") => Self::NewOnly,
            (Dialect::Rest, "edit_only") => Self::EditOnly,
            (Dialect::Rest, _) => {
                return Err(Refusal {
                    parameters: Some("add_flag".to_owned()),
                    ..Refusal::invalid("Invalid parameter")
                });
            }
        })
    }
}
