//! What holds for any text that is read as a record's value or as a name.

use super::{Name, RecordData, RecordType};

/// Reads a text as a value of each type: it is refused, or it has a canonical form that is read as the same value.
pub(crate) fn value(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for record_type in RecordType::ALL {
        let Ok(value) = RecordData::parse(record_type, &text) else { continue };
        assert_eq!(value.record_type(), record_type);
        let canonical = value.to_string();
        let again = RecordData::parse(record_type, &canonical);
        assert_eq!(again.as_ref(), Ok(&value), "{record_type} {text:?} becomes {canonical:?}");
        assert_eq!(again.map(|again| again.to_string()), Ok(canonical));
    }
}

/// Reads a text as a name: it is refused, or it has a canonical form that is read as the same name and is fit for DNS.
pub(crate) fn name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(name) = Name::parse(&text) else { return };
    let canonical = name.as_str();
    assert_eq!(Name::parse(canonical).as_ref(), Ok(&name), "{text:?} becomes {canonical:?}");
    assert_eq!(Name::parse(&format!("{canonical}.")).as_ref(), Ok(&name), "{text:?} becomes {canonical:?}");
    assert!(
        canonical.len() <= 253 && canonical.split('.').all(|label| (1..64).contains(&label.len())),
        "{canonical:?}"
    );
    assert!(
        canonical.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\"\\%&=#?;()".contains(&byte)),
        "{canonical:?}"
    );
    assert_eq!(canonical.to_ascii_lowercase(), canonical);
}
