//! `dns_rr_add`: adds and edits rows. The flag `add_flag`, not the HTTP method, says which.

use super::flag::Flag;
use super::{Outcome, class_parameters, target};
use crate::answer::{Answer, Refusal};
use crate::quirk::{QuirkName, Quirks};
use crate::request::{Dialect, Object, ServiceRequest};
use crate::state::State;
use crate::store::{ClassParameters, NewRecord, RECORD_TYPES, Row, RowKey, Store, Zone, normalize_values};

const USUAL_TTL: u32 = 3600;
/// RFC 2181 section 8.
const HIGHEST_TTL: u32 = 2_147_483_647;

/// Types that may stand beside a CNAME (RFC 4034, RFC 2535).
const BESIDE_CNAME: [&str; 5] = ["RRSIG", "NSEC", "NSEC3", "KEY", "SIG"];

pub(super) fn write(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Outcome, Refusal> {
    let flag = Flag::read(request)?;
    if let (Some(id), true) = (request.text("rr_id"), flag != Flag::NewOnly) {
        let (key, _) = find(&state.store, id)?;
        return edit(state, request, key, now_ms, true);
    }
    let wanted = Wanted::read(state, request)?;
    let edit_one = |state: &mut State, key| edit(state, request, key, now_ms, false);
    if flag == Flag::EditOnly {
        let key = wanted.zones.iter().find_map(|(zone, name)| wanted.known(state, *zone, name));
        return edit_one(state, key.ok_or_else(Refusal::no_such_row)?);
    }
    let same = wanted.zones.iter().find_map(|(zone, name)| wanted.known(state, *zone, name));
    if let Some(key) = same {
        let flag = if flag == Flag::V2Add && wanted.equals(state, key) { Flag::NewOnly } else { flag };
        match (flag, state.quirks.get(QuirkName::DuplicateAdd)) {
            (Flag::NewEdit | Flag::V2Add, _) | (_, "edit") => return edit_one(state, key),
            (_, "accept-second") => {}
            _ => return Err(Refusal::duplicate()),
        }
    }
    wanted.add(state, request, now_ms)
}

/// The row of an id, as long as it can be written by it.
pub(super) fn find(store: &Store, id: &str) -> Result<(RowKey, u64), Refusal> {
    let id: u64 = id.trim().parse().map_err(|_| Refusal::no_such_row())?;
    let (key, shown_in) = store.by_id(id).ok_or_else(Refusal::no_such_row)?;
    let row = store.row(key).ok_or_else(Refusal::no_such_row)?;
    if row.zone != shown_in {
        return Err(Refusal::new(20107, "This RR is a copy on a member of a SMART architecture"));
    }
    let zone = store.zone(row.zone).ok_or_else(Refusal::no_such_row)?;
    target::check_writable(zone)?;
    if row.record_type == "SOA" {
        return Err(Refusal::new(20108, "The SOA cannot be changed as an RR"));
    }
    Ok((key, row.zone))
}

/// A row that is wanted, in each zone that it goes to.
struct Wanted {
    /// Zones with the owner name in each.
    zones: Vec<(u64, String)>,
    record_type: String,
    values: Vec<String>,
    ttl: Option<u32>,
    /// Another value makes another row.
    by_value: bool,
}

impl Wanted {
    fn read(state: &State, request: &ServiceRequest) -> Result<Self, Refusal> {
        let server = target::server(&state.store, request)?;
        let sent = target::values(request);
        let is_v2 = request.dialect == Some(Dialect::V2);
        let mut missing = Vec::new();
        if request.text("rr_name").is_none() && request.text("rr_glue").is_none() {
            missing.push("rr_name");
        }
        if request.text("rr_type").is_none() {
            missing.push("rr_type");
        }
        if sent.first().is_none_or(|value| value.is_none_or(str::is_empty)) {
            missing.push(if is_v2 { "rr_value1" } else { "value1" });
        }
        if server.is_none() {
            missing.push(target::server_parameters(request));
        }
        let (Some(server), true) = (server, missing.is_empty()) else {
            return Err(Refusal::missing(&missing.join("/")));
        };
        let record_type = record_type(request.text("rr_type").unwrap_or_default())?;
        let values = sent.map(|value| value.unwrap_or_default().to_owned()).to_vec();
        let values = check_values(&record_type, values, &state.quirks)?;
        let mut zones = Vec::new();
        for zone in target::zones(&state.store, server, request)? {
            target::check_writable(zone)?;
            zones.push((zone.id, target::owner_name(request, zone, &state.quirks)?));
        }
        let by_value =
            request.text("check_value").unwrap_or_else(|| state.quirks.get(QuirkName::CheckValueDefault));
        Ok(Self {
            zones,
            record_type,
            values,
            ttl: ttl(request, &state.quirks)?,
            by_value: by_value != "no" && by_value != "0",
        })
    }

    /// Whether a row has the very values that are wanted.
    fn equals(&self, state: &State, key: RowKey) -> bool {
        state.store.row(key).is_some_and(|row| row.values == self.values)
    }

    /// The row that this one is the same as.
    fn known(&self, state: &State, zone: u64, name: &str) -> Option<RowKey> {
        state.store.keys_at(zone, name).find(|key| {
            state.store.row(*key).is_some_and(|row| {
                !row.pending_delete
                    && row.record_type == self.record_type
                    && (!self.by_value || row.values == self.values)
            })
        })
    }

    fn add(self, state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Outcome, Refusal> {
        let mut multistatus = String::new();
        for (zone, name) in &self.zones {
            if let Some(note) = conflict(state, *zone, name, &self.record_type, None)? {
                multistatus = note;
            }
        }
        let cause = state.cause(now_ms);
        let ttl = self.ttl.unwrap_or_else(|| raised(USUAL_TTL, &state.quirks));
        let mut written = Vec::new();
        for (zone, name) in self.zones {
            let mut parameters = ClassParameters::new();
            apply(&mut parameters, request, state, false);
            let record = NewRecord {
                zone,
                name,
                record_type: self.record_type.clone(),
                ttl,
                values: self.values.clone(),
                class_name: request.text("rr_class_name").unwrap_or_default().to_owned(),
                parameters,
                multistatus: multistatus.clone(),
            };
            written.push(state.store.add_row(record, cause));
        }
        confirm(state, request, written)
    }
}

/// Edits a row. What is not sent stays.
fn edit(
    state: &mut State,
    request: &ServiceRequest,
    key: RowKey,
    now_ms: u64,
    by_id: bool,
) -> Result<Outcome, Refusal> {
    let row = state.store.row(key).filter(|row| !row.pending_delete).ok_or_else(Refusal::no_such_row)?;
    let zone = state.store.zone(row.zone).ok_or_else(Refusal::no_such_row)?;
    let change = Change::read(state, request, row, zone, by_id)?;
    let (zone, record_type) = (zone.id, row.record_type.clone());
    change.check_duplicate(state, zone, &record_type, key)?;
    let note = match &change.name {
        Some(name) => conflict(state, zone, name, &record_type, Some(key))?,
        None => None,
    };
    let mut parameters = row.parameters.clone();
    apply(&mut parameters, request, state, true);
    let class_name = request.parameters.get("rr_class_name").cloned();
    let new_id = state.quirks.is(QuirkName::IdOnEdit, "no");
    let cause = state.cause(now_ms);
    state.store.change_row(key, cause, new_id, |row| {
        row.ttl = change.ttl.unwrap_or(row.ttl);
        row.parameters = parameters;
        if let Some(values) = change.values {
            row.values = values;
        }
        if let Some(name) = change.name {
            row.name = name;
        }
        if let Some(class_name) = class_name {
            row.class_name = class_name;
        }
        if let Some(note) = note {
            row.multistatus = note;
        }
    });
    confirm(state, request, vec![key])
}

/// What an edit changes.
struct Change {
    name: Option<String>,
    ttl: Option<u32>,
    values: Option<Vec<String>>,
}

impl Change {
    fn read(
        state: &State,
        request: &ServiceRequest,
        row: &Row,
        zone: &Zone,
        by_id: bool,
    ) -> Result<Self, Refusal> {
        let sent = target::values(request);
        let mut values = None;
        if sent.iter().any(Option::is_some) {
            let old = row.values.iter().map(String::as_str).chain(std::iter::repeat(""));
            let merged = sent.iter().zip(old).map(|(new, old)| new.unwrap_or(old).to_owned()).collect();
            values = Some(check_values(&row.record_type, merged, &state.quirks)?);
        }
        if request.text("rr_type").is_some_and(|text| !text.eq_ignore_ascii_case(&row.record_type)) {
            return Err(Refusal {
                parameters: Some("rr_type".to_owned()),
                ..Refusal::invalid("The type of an RR cannot be changed")
            });
        }
        let renames =
            by_id && state.quirks.is(QuirkName::NameInEdit, "renames") && request.text("rr_name").is_some();
        let name = if renames { Some(target::owner_name(request, zone, &state.quirks)?) } else { None };
        Ok(Self { name, ttl: ttl(request, &state.quirks)?, values })
    }

    /// An edit must not make two rows equal.
    fn check_duplicate(
        &self,
        state: &State,
        zone: u64,
        record_type: &str,
        key: RowKey,
    ) -> Result<(), Refusal> {
        let Some(row) = state.store.row(key) else {
            return Ok(());
        };
        if state.quirks.is(QuirkName::DuplicateEdit, "accept")
            || (self.values.is_none() && self.name.is_none())
        {
            return Ok(());
        }
        let name = self.name.as_ref().unwrap_or(&row.name);
        let values = self.values.as_ref().unwrap_or(&row.values);
        let twin = state.store.keys_at(zone, name).filter(|other| *other != key).any(|other| {
            state.store.row(other).is_some_and(|other| {
                !other.pending_delete && other.record_type == record_type && other.values == *values
            })
        });
        if twin { Err(Refusal::duplicate()) } else { Ok(()) }
    }
}

fn confirm(state: &State, request: &ServiceRequest, written: Vec<RowKey>) -> Result<Outcome, Refusal> {
    let first = written.first().and_then(|key| state.store.row(*key)).ok_or_else(Refusal::no_such_row)?;
    Ok(Outcome { answer: Answer::written(request, Object::Row, first.id, &state.quirks), written })
}

fn record_type(text: &str) -> Result<String, Refusal> {
    let record_type = text.to_ascii_uppercase();
    if record_type == "SOA" {
        return Err(Refusal::new(20108, "The SOA cannot be changed as an RR"));
    }
    if RECORD_TYPES.contains(&record_type.as_str()) {
        return Ok(record_type);
    }
    Err(Refusal { parameters: Some("rr_type".to_owned()), ..Refusal::invalid("Invalid RR type") })
}

fn check_values(record_type: &str, values: Vec<String>, quirks: &Quirks) -> Result<Vec<String>, Refusal> {
    normalize_values(record_type, values, quirks).map_err(|problem| Refusal {
        parameters: Some("value1".to_owned()),
        ..Refusal::invalid(format!("Invalid RR value: {problem}"))
    })
}

fn ttl(request: &ServiceRequest, quirks: &Quirks) -> Result<Option<u32>, Refusal> {
    let Some(text) = request.text("rr_ttl") else {
        return Ok(None);
    };
    let ttl = text.trim().parse::<u32>().ok().filter(|ttl| *ttl <= HIGHEST_TTL);
    match ttl {
        Some(ttl) => Ok(Some(raised(ttl, quirks))),
        None => Err(Refusal { parameters: Some("rr_ttl".to_owned()), ..Refusal::invalid("Invalid TTL") }),
    }
}

fn raised(ttl: u32, quirks: &Quirks) -> u32 {
    let floor = quirks.number(QuirkName::TtlFloor).and_then(|floor| u32::try_from(floor).ok());
    ttl.max(floor.unwrap_or_default())
}

/// A CNAME stands alone at its name (RFC 1034 3.6.2). Where that is not enforced, the answer is a note for multistatus.
fn conflict(
    state: &State,
    zone: u64,
    name: &str,
    record_type: &str,
    except: Option<RowKey>,
) -> Result<Option<String>, Refusal> {
    if BESIDE_CNAME.contains(&record_type) {
        return Ok(None);
    }
    let others = state.store.keys_at(zone, name).filter(|key| Some(*key) != except);
    let clash = others.filter_map(|key| state.store.row(key)).any(|other| {
        let other_type = other.record_type.as_str();
        !other.pending_delete
            && !BESIDE_CNAME.contains(&other_type)
            && (record_type == "CNAME" || other_type == "CNAME")
    });
    if !clash {
        return Ok(None);
    }
    if state.quirks.is(QuirkName::CnameConflict, "accept") {
        return Ok(Some("1@CNAME and other data at the same name@40@dns".to_owned()));
    }
    Err(Refusal::new(20109, format!("CNAME and other data at the same name: {name}")))
}

/// Class parameters of rows are passed over where the appliance has none.
fn apply(parameters: &mut ClassParameters, request: &ServiceRequest, state: &State, is_edit: bool) {
    if state.has_row_parameters() {
        class_parameters::apply(parameters, request, "rr", &state.quirks, is_edit);
    }
}
