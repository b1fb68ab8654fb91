//! Types that carry a digest: TLSA, SSHFP and DS.

use super::RecordData;
use super::error::DataProblem;
use super::presentation::Fields;

pub(super) fn tlsa(fields: &mut Fields<'_>) -> Result<RecordData, DataProblem> {
    let usage = fields.number("certificate usage")?;
    let selector = fields.number("selector")?;
    let matching_type = fields.number("matching type")?;
    let data = fields.hexadecimal("certificate association data")?;
    // RFC 6698 7.4.
    let algorithm = match matching_type {
        1 => Some(("SHA-256", 32)),
        2 => Some(("SHA-512", 64)),
        _ => None,
    };
    check_length("certificate association data", algorithm, &data)?;
    Ok(RecordData::Tlsa { usage, selector, matching_type, data })
}

pub(super) fn sshfp(fields: &mut Fields<'_>) -> Result<RecordData, DataProblem> {
    let algorithm = fields.number("algorithm")?;
    let fingerprint_type = fields.number("fingerprint type")?;
    let fingerprint = fields.hexadecimal("fingerprint")?;
    // RFC 4255 5.2, RFC 6594 4.
    let hash = match fingerprint_type {
        1 => Some(("SHA-1", 20)),
        2 => Some(("SHA-256", 32)),
        _ => None,
    };
    check_length("fingerprint", hash, &fingerprint)?;
    Ok(RecordData::Sshfp { algorithm, fingerprint_type, fingerprint })
}

pub(super) fn ds(fields: &mut Fields<'_>) -> Result<RecordData, DataProblem> {
    let key_tag = fields.number("key tag")?;
    let algorithm = fields.number("algorithm")?;
    let digest_type = fields.number("digest type")?;
    let digest = fields.hexadecimal("digest")?;
    // IANA registry of DS digest algorithms.
    let hash = match digest_type {
        1 => Some(("SHA-1", 20)),
        2 => Some(("SHA-256", 32)),
        4 => Some(("SHA-384", 48)),
        _ => None,
    };
    check_length("digest", hash, &digest)?;
    Ok(RecordData::Ds { key_tag, algorithm, digest_type, digest })
}

fn check_length(
    field: &'static str,
    algorithm: Option<(&'static str, usize)>,
    octets: &[u8],
) -> Result<(), DataProblem> {
    match algorithm {
        Some((algorithm, expected)) if octets.len() != expected => {
            Err(DataProblem::Length { field, algorithm, expected, found: octets.len() })
        }
        _ => Ok(()),
    }
}
