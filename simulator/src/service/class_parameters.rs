//! Class parameters that a write carries.

use crate::quirk::{QuirkName, Quirks};
use crate::request::ServiceRequest;
use crate::store::{ClassParameter, ClassParameters, read_parameters};

/// Class parameters that are sent are set, others stay. `object` is what the names begin with: `rr`, `dnszone`.
pub(super) fn apply(
    parameters: &mut ClassParameters,
    request: &ServiceRequest,
    object: &str,
    quirks: &Quirks,
    is_edit: bool,
) {
    if let Some(text) = request.parameters.get(&format!("{object}_class_parameters")) {
        if text.is_empty() && is_edit && quirks.is(QuirkName::EmptyClassParameters, "wipe") {
            parameters.clear();
        }
        for (name, value) in read_parameters(text) {
            if value.is_empty() && quirks.is(QuirkName::EmptyParameterValue, "deleted") {
                parameters.remove(&name);
            } else {
                parameters.entry(name).or_insert_with(|| ClassParameter::new("")).value = value;
            }
        }
    }
    let properties = request.text(&format!("{object}_class_parameters_properties")).unwrap_or_default();
    for (name, properties) in read_parameters(properties) {
        let (inheritance, propagation) = properties.split_once(',').unwrap_or((&properties, ""));
        if inheritance == "inherited" {
            parameters.remove(&name);
        } else if let Some(parameter) = parameters.get_mut(&name) {
            parameter.restricted = propagation == "restrict";
        }
    }
    for (name, _) in read_parameters(request.text("class_parameters_to_delete").unwrap_or_default()) {
        parameters.remove(&name);
    }
}
