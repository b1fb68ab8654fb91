//! The life of a DnsRecord.
