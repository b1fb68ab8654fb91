//! What a person can do about an error that concerns a whole appliance (pure).

use crate::solidserver::{Error, TlsFault};

/// A sentence for the SolidServer's message, after the error's own words.
#[must_use]
pub const fn advice(error: &Error) -> &'static str {
    match error {
        Error::Unreachable { .. } => {
            "check spec.endpoint, name resolution, routes and network policies; it is tried again by itself"
        }
        Error::Proxy { .. } => {
            "check the proxy, and HTTPS_PROXY and NO_PROXY in the operator's Deployment; it is tried again by itself"
        }
        Error::Tls { fault, .. } => for_tls(*fault),
        Error::Unauthorized => {
            "correct the login in the Secret (username and password, or tokenId and tokenSecret); it is read again by itself"
        }
        Error::ClockSkew => {
            "correct the clock of the appliance or of the operator's node (NTP); it is tried again by itself"
        }
        Error::Forbidden { .. } => "give the account rights on this service",
        Error::RateLimited { .. } => "lower spec.limits, or raise the appliance's limit",
        _ => "it is tried again by itself",
    }
}

const fn for_tls(fault: TlsFault) -> &'static str {
    match fault {
        TlsFault::UnknownIssuer => {
            "put the issuing CA into spec.tls.caBundle, or into the Secret of spec.tls.caBundleSecretRef"
        }
        TlsFault::WrongName => {
            "write a name of the certificate into spec.endpoint, or give the appliance a certificate for the name there"
        }
        TlsFault::Expired => "renew the appliance's certificate",
        TlsFault::NotYetValid => {
            "correct the clock of the operator's node, or the validity of the appliance's certificate"
        }
        TlsFault::AuthorityAsServer => {
            "give the appliance a certificate that a CA has issued, or one signed by itself with basicConstraints CA:FALSE"
        }
        TlsFault::ClientCertificateMissing => {
            "put a client certificate and its key into a Secret (tls.crt, tls.key) and name it in spec.tls.clientCertSecretRef"
        }
        TlsFault::ClientCertificateRefused => {
            "put a certificate that the appliance accepts into the Secret of spec.tls.clientCertSecretRef"
        }
        TlsFault::NothingInCommon => {
            "let the appliance offer TLS 1.2 or 1.3; if it demands a client certificate, name one in spec.tls.clientCertSecretRef"
        }
        TlsFault::NotTls => "write host and port of the appliance's HTTPS service into spec.endpoint",
        TlsFault::Other => "correct the appliance's certificate or spec.tls",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::reason;
    use super::*;

    #[test]
    fn every_trouble_has_its_own_reason_and_advice() {
        let troubles = [
            Error::Unreachable { cause: String::new() },
            Error::Tls { fault: TlsFault::UnknownIssuer, cause: String::new() },
            Error::Unauthorized,
            Error::ClockSkew,
            Error::Forbidden { service: "dns_rr_list" },
            Error::RateLimited { retry_after: None },
        ];
        let reasons: BTreeSet<_> = troubles.iter().map(reason).collect();
        let advices: BTreeSet<_> = troubles.iter().map(advice).collect();
        assert_eq!((reasons.len(), advices.len()), (troubles.len(), troubles.len()));
        let faults = [
            TlsFault::UnknownIssuer,
            TlsFault::WrongName,
            TlsFault::Expired,
            TlsFault::NotYetValid,
            TlsFault::AuthorityAsServer,
            TlsFault::ClientCertificateMissing,
            TlsFault::ClientCertificateRefused,
            TlsFault::NothingInCommon,
            TlsFault::NotTls,
            TlsFault::Other,
        ];
        let advices: BTreeSet<_> = faults.into_iter().map(for_tls).collect();
        assert_eq!(advices.len(), faults.len());
    }
}
