//! What schemars writes differently from what Kubernetes reads.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::Value;

/// Makes a schema one that Kubernetes takes at its word.
///
/// Optional fields are not nullable: the API server then drops an explicit `null`, and no rule has to think of it.
/// Unsigned formats, which Kubernetes does not know, become `int64`.
pub(super) fn for_kubernetes(schema: &mut Schema) {
    transform_subschemas(&mut for_kubernetes, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };

    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }

    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }

    let alternatives = object.get("anyOf").and_then(Value::as_array).map(Vec::as_slice);
    if let Some([Value::Object(wanted), null]) = alternatives
        && null.get("type") == Some(&Value::from("null"))
    {
        let wanted = wanted.clone();
        object.remove("anyOf");
        for (key, value) in wanted {
            // The field's own description says more than that of its type.
            object.entry(key).or_insert(value);
        }
    }

    // Lines of a doc comment are one paragraph; kubectl explain wraps them itself.
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }

    let format = object.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format.starts_with("uint")) {
        object.insert("format".into(), "int64".into());
    }
}
