//! ORDERBY.

use super::{Tampering, habits};
use crate::answer::Refusal;
use crate::columns::{Column, Columns, Comparison, Context};
use crate::quirk::QuirkName;
use crate::request::ServiceRequest;
use crate::state::State;

/// The order of a result.
#[derive(Debug)]
pub(super) enum Order {
    /// As the rows lie: by id.
    Natural,
    By(Vec<Term>),
    /// Some order without meaning, but always the same.
    Meaningless,
}

#[derive(Debug)]
pub(super) struct Term {
    column: &'static Column,
    descending: bool,
    as_number: bool,
}

/// A value to sort by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Rising(SortValue),
    Falling(std::cmp::Reverse<SortValue>),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Number(u64),
    Text(String),
}

impl Order {
    pub(super) fn read(
        state: &State,
        request: &ServiceRequest,
        columns: Columns,
        tampering: Tampering,
    ) -> Result<Self, Refusal> {
        let Some(text) = request.text("ORDERBY").filter(|text| !text.trim().is_empty()) else {
            return Ok(Self::Natural);
        };
        let ids_as_text = habits(&state.quirks).ids_as_text;
        let terms: Vec<Term> = text
            .split(',')
            .map(|part| term(part, request, columns, ids_as_text))
            .collect::<Result<_, _>>()?;
        let by_id = terms.iter().any(|term| term.column.name == "rr_id");
        if tampering.ignore_orderby || (by_id && state.quirks.is(QuirkName::OrderbyId, "ignored")) {
            return Ok(Self::Meaningless);
        }
        Ok(match terms.as_slice() {
            [only] if only.column.name == "rr_id" && only.as_number && !only.descending => Self::Natural,
            _ => Self::By(terms),
        })
    }

    /// The columns that the order names, as far as it is followed.
    pub(super) fn columns(&self) -> Vec<&'static Column> {
        match self {
            Self::By(terms) => terms.iter().map(|term| term.column).collect(),
            Self::Natural | Self::Meaningless => Vec::new(),
        }
    }

    pub(super) fn is_natural(&self) -> bool {
        matches!(self, Self::Natural)
    }

    pub(super) fn sort(&self, rows: &mut [Context<'_>]) {
        match self {
            Self::Natural => {}
            Self::By(terms) => {
                rows.sort_by_cached_key(|row| terms.iter().map(|term| term.key(row)).collect::<Vec<_>>())
            }
            Self::Meaningless => {
                rows.sort_by_key(|row| row.row_id.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17))
            }
        }
    }
}

impl Term {
    fn key(&self, row: &Context<'_>) -> SortKey {
        let text = (self.column.read)(row);
        let value = match text.parse() {
            Ok(number) if self.as_number => SortValue::Number(number),
            _ => SortValue::Text(text.into_owned()),
        };
        if self.descending { SortKey::Falling(std::cmp::Reverse(value)) } else { SortKey::Rising(value) }
    }
}

/// `column`, or its place among the selected ones, with `asc` or `desc`.
fn term(part: &str, request: &ServiceRequest, columns: Columns, ids_as_text: bool) -> Result<Term, Refusal> {
    let wrong = || Refusal {
        parameters: Some("ORDERBY".to_owned()),
        ..Refusal::new(5, format!("Invalid ORDERBY: {:?}", part.trim()))
    };
    let mut words = part.split_whitespace();
    let name = words.next().ok_or_else(wrong)?;
    let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(wrong()),
    };
    let column = match name.parse::<usize>() {
        Ok(place) => {
            let selected = super::page::selected(request, columns);
            place.checked_sub(1).and_then(|index| selected.get(index).copied())
        }
        Err(_) => columns.find(name),
    };
    let column = column.filter(|_| words.next().is_none()).ok_or_else(wrong)?;
    let as_number = column.comparison == Comparison::Number && !(ids_as_text && column.name == "rr_id");
    Ok(Term { column, descending, as_number })
}
