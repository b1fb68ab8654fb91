//! What the Leases are called.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The Lease for what belongs to no SolidServer: DnsRecords whose SolidServer does not exist. No SolidServer's is called so.
pub const UNSERVED: &str = "operator.solidserver.dev";

/// What stands before the name of the SolidServer.
const PREFIX: &str = "solidserver-";
/// The longest name of a Kubernetes object.
const LONGEST: usize = 253;
/// Hexadecimal digits of the digest that stands in for the rest of a name that is too long.
const DIGITS: usize = 16;

/// The name of a SolidServer's Lease: `solidserver-` and its name. Where that is too long, its end is replaced by a digest of the whole.
#[must_use]
pub fn lease_name(solid_server: &str) -> String {
    let whole = format!("{PREFIX}{solid_server}");
    if whole.len() <= LONGEST {
        return whole;
    }
    // Names of SolidServers are ASCII; anything else would not be taken as the name of a Lease anyway.
    let begin = whole.get(..LONGEST - DIGITS - 1).unwrap_or(PREFIX);
    let mut name = begin.trim_end_matches(['.', '-']).to_owned();
    name.push('-');
    for byte in Sha256::digest(solid_server.as_bytes()).iter().take(DIGITS / 2) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Whether this is the name of a SolidServer's Lease.
pub(super) fn is_of_solid_server(name: &str) -> bool {
    name.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_ends_in_a_digest_and_stays_a_name() {
        assert_eq!(lease_name("default"), "solidserver-default");
        assert!(is_of_solid_server("solidserver-default") && !is_of_solid_server(UNSERVED));
        let fits = "a".repeat(LONGEST - PREFIX.len());
        assert_eq!(lease_name(&fits), format!("{PREFIX}{fits}"));
        let dots = format!("{}.{}", "a".repeat(223), "b".repeat(29));
        let other = format!("{}.{}c", "a".repeat(223), "b".repeat(28));
        let (one, two) = (lease_name(&dots), lease_name(&other));
        assert_ne!(one, two);
        for name in [one, two] {
            assert!(
                name.len() <= LONGEST && !name.contains(".-") && name.starts_with("solidserver-aaa"),
                "{name}"
            );
        }
    }
}
