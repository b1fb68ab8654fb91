//! One rule per record type: shape and ranges of its values in presentation format.

use schemars::Schema;
use serde_json::Value;

use super::patterns::{
    CONTROL, ESCAPE, FOUR_NUMBERS, HEX_PAIR, IPV4, NAME, PLAIN_OCTET, QUOTED_OCTET, SPACE, TOO_LONG_NAME, U8,
    U16,
};
use super::{add, add_explained};
use crate::record::RecordType;

/// Types whose values have one shape, and so one rule.
const SAME_SHAPE: [&[RecordType]; 13] = [
    &[RecordType::A],
    &[RecordType::Aaaa],
    &[RecordType::Cname, RecordType::Dname, RecordType::Ns, RecordType::Ptr],
    &[RecordType::Mx],
    &[RecordType::Srv],
    &[RecordType::Txt],
    &[RecordType::Caa],
    &[RecordType::Naptr],
    &[RecordType::Tlsa],
    &[RecordType::Sshfp],
    &[RecordType::Ds],
    &[RecordType::Https, RecordType::Svcb],
    &[RecordType::Uri],
];

/// Adds the rules for the values of each type.
pub(super) fn value_rules(schema: &mut Schema) {
    for types in SAME_SHAPE {
        let [first, others @ ..] = types else { continue };
        let predicate = predicate(*first);
        let message = message(*first);
        let is_other_type = if others.is_empty() {
            format!("self.type != '{first}'")
        } else {
            let names: Vec<String> = types.iter().map(|one| format!("'{one}'")).collect();
            format!("!(self.type in [{}])", names.join(", "))
        };
        let text = format!("{is_other_type} || self.values.all(v, {predicate})");
        let rule = super::rule(&text, message).field_path(".values");
        if predicate.len() > LONGEST_PREDICATE_TWICE {
            add(schema, &rule);
            continue;
        }
        // The API server does not show a wrong element of a list; with up to 64 of them the message has to.
        let wrong = format!("self.values.filter(v, !({predicate}))[0]");
        let about = format!(" value: {message}");
        let expression = format!(r#"'"' + {wrong} + '" is no ' + self.type + {}"#, Value::from(about));
        add_explained(schema, &rule, &expression);
    }
}

/// The longest predicate that is evaluated a second time for the message. With the longer ones the definition as a whole
/// exceeds what the API server estimates that rules may cost.
const LONGEST_PREDICATE_TWICE: usize = 500;

/// A CEL expression that is true when `v` can be a value of the type.
fn predicate(record_type: RecordType) -> String {
    match record_type {
        RecordType::A => matches(IPV4),
        // The pattern keeps out what trim() would take away besides spaces.
        RecordType::Aaaa => {
            format!("{} && isIP(v.trim()) && ip(v.trim()).family() == 6", matches("[0-9A-Fa-f:.]+"))
        }
        RecordType::Cname | RecordType::Dname | RecordType::Ns | RecordType::Ptr => {
            ends_in_host(&matches(NAME))
        }
        RecordType::Mx => ends_in_host(&matches(&format!(r"{U16}{SPACE}({NAME}|\.)"))),
        RecordType::Srv => ends_in_host(&matches(&format!(r"({U16}{SPACE}){{3}}({NAME}|\.)"))),
        RecordType::Txt => format!("!v.matches(r'{CONTROL}')"),
        RecordType::Caa => matches(&format!(
            r#"{U8}{SPACE}([0-9A-Za-z]{{1,255}}|"[0-9A-Za-z]{{1,255}}"){SPACE}{}"#,
            text("*", "+")
        )),
        RecordType::Naptr => {
            let string = text("{0,255}", "{1,255}");
            ends_in_host(&matches(&format!(
                r#"({U16}{SPACE}){{2}}([0-9A-Za-z]{{1,255}}|"[0-9A-Za-z]{{0,255}}"){SPACE}{string}{SPACE}{string}{SPACE}({NAME}|\.)"#
            )))
        }
        RecordType::Tlsa => {
            matches(&format!("({U8}{SPACE}){{2}}{}", digest(&[("1", 32), ("2", 64)], OTHER_THAN_1_AND_2)))
        }
        RecordType::Sshfp => {
            matches(&format!("{U8}{SPACE}{}", digest(&[("1", 20), ("2", 32)], OTHER_THAN_1_AND_2)))
        }
        RecordType::Ds => matches(&format!(
            "{U16}{SPACE}{U8}{SPACE}{}",
            digest(&[("1", 20), ("2", 32), ("4", 48)], OTHER_THAN_1_2_AND_4)
        )),
        RecordType::Https | RecordType::Svcb => service_binding(),
        RecordType::Uri => {
            matches(&format!(r#"({U16}{SPACE}){{2}}([!#-&*-:=?-\[\]_a-z~\x27]+|"[!#-;=?-\[\]_a-z~]+")"#))
        }
    }
}

/// A number up to 255 that names no digest of known length.
const OTHER_THAN_1_AND_2: &str = "0*([03-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";

/// The same for DS, where 4 is SHA-384.
const OTHER_THAN_1_2_AND_4: &str = "0*([035-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";

/// The whole value has the pattern; spaces around it do not matter.
fn matches(pattern: &str) -> String {
    format!(r"v.matches(r'^[ \t]*({pattern})[ \t]*$')")
}

/// The value, which ends in a name, ends neither in an address nor in a name that is too long.
fn ends_in_host(shape: &str) -> String {
    format!(r"{shape} && !v.matches(r'(^|[ \t])({FOUR_NUMBERS}[ \t]*$|{TOO_LONG_NAME}[^ \t]*[ \t]*$)')")
}

/// A string of octets, between quotation marks or without.
fn text(quoted_times: &str, plain_times: &str) -> String {
    format!(r#"("({QUOTED_OCTET}|{ESCAPE}){quoted_times}"|({PLAIN_OCTET}|{ESCAPE}){plain_times})"#)
}

/// The number of a digest algorithm and a digest of its length in octets; any length for numbers of other algorithms.
fn digest(algorithms: &[(&str, usize)], others: &str) -> String {
    let known: Vec<String> = algorithms
        .iter()
        .map(|(number, octets)| format!("0*{number}{SPACE}({HEX_PAIR}){{{octets}}}"))
        .collect();
    format!("({}|{others}{SPACE}({HEX_PAIR})+)", known.join("|"))
}

/// Priority, target and parameters (RFC 9460 2.1), parameters only with a priority other than 0. Names of keys and the port
/// are judged here; the values of other keys only by shape.
fn service_binding() -> String {
    let value = r#"("([\t !#-\[\]-~]|\\[ -~])*"|([!#-&*-:<-\[\]-~\x27]|\\[ -~])*)"#;
    let parameter = format!(
        r#"(?i:((mandatory|alpn|ipv[46]hint|ech|dohpath|tls-supported-groups|key[0-9]{{1,5}})={value}|(no-default-alpn|ohttp|key[0-9]{{1,5}})(="")?|port=({U16}|"[0-9]+")))"#
    );
    let shape = matches(&format!(r"{U16}{SPACE}({NAME}|\.)({SPACE}{parameter})*"));
    let wrong = format!(
        r"^[ \t]*(0+{SPACE}[^ \t]+{SPACE}[^ \t]|[0-9]+{SPACE}({FOUR_NUMBERS}([ \t]|$)|{TOO_LONG_NAME}))"
    );
    format!("{shape} && !v.matches(r'{wrong}')")
}

/// What is wrong and what is right, with an example.
fn message(record_type: RecordType) -> &'static str {
    match record_type {
        RecordType::A => "values of type A are IPv4 addresses, for example \"192.0.2.10\"",
        RecordType::Aaaa => {
            "values of type AAAA are IPv6 addresses (not IPv4, not IPv4-mapped, no zone), for example \"2001:db8::10\""
        }
        RecordType::Cname | RecordType::Dname | RecordType::Ns | RecordType::Ptr => {
            "values of types CNAME, DNAME, NS and PTR are names of at most 253 octets, each label 1 to 63 of letters, digits, - _ \
             and /, and not addresses, for example \"host.example.com\""
        }
        RecordType::Mx => {
            "values of type MX are a preference from 0 to 65535 and a host name, not an address, for example \
             \"10 mx1.example.com\"; \"0 .\" says that there is no mail"
        }
        RecordType::Srv => {
            "values of type SRV are priority, weight and port, each from 0 to 65535, and a host name, not an address, for \
             example \"10 60 5060 sip.example.com\"; target \".\" says that there is no such service"
        }
        RecordType::Txt => {
            "values of type TXT are plain text without line breaks and other control characters, for example \"v=spf1 -all\"; \
             in YAML write one line in quotation marks, since a block (|) ends in a line break"
        }
        RecordType::Caa => {
            "values of type CAA are flags from 0 to 255, a tag of letters and digits, and a value, which needs quotation marks \
             when it has spaces or ; in it, for example '0 issue \"ca.example.net\"'"
        }
        RecordType::Naptr => {
            "values of type NAPTR are order and preference, each from 0 to 65535, flags of letters and digits, services and \
             regexp of at most 255 octets each, all three in quotation marks, and a name, not an address, or \".\", for example \
             '100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.com'"
        }
        RecordType::Tlsa => {
            "values of type TLSA are certificate usage, selector and matching type, each from 0 to 255, and pairs of hexadecimal \
             digits: 32 pairs for matching type 1 (SHA-256), 64 for 2 (SHA-512); for example \
             \"3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
        }
        RecordType::Sshfp => {
            "values of type SSHFP are algorithm and fingerprint type, each from 0 to 255, and pairs of hexadecimal digits: 20 \
             pairs for fingerprint type 1 (SHA-1), 32 for 2 (SHA-256); for example \
             \"4 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
        }
        RecordType::Ds => {
            "values of type DS are a key tag from 0 to 65535, algorithm and digest type, each from 0 to 255, and pairs of \
             hexadecimal digits: 20 pairs for digest type 1 (SHA-1), 32 for 2 (SHA-256), 48 for 4 (SHA-384); for example \
             \"12345 13 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
        }
        RecordType::Https | RecordType::Svcb => {
            "values of types HTTPS and SVCB are a priority from 0 to 65535, a host name, not an address, or \".\" for the owner \
             itself, and parameters key=value (mandatory, alpn, no-default-alpn, port, ipv4hint, ech, ipv6hint, dohpath, ohttp, \
             tls-supported-groups, or a number as in key65280), none with priority 0; for example \"1 . alpn=h2,h3\" or \
             \"1 svc.example.com port=8443\""
        }
        RecordType::Uri => {
            "values of type URI are priority and weight, each from 0 to 65535, and a URI with other characters than those of RFC \
             3986 percent-encoded, for example '10 1 \"https://www.example.com/path\"'"
        }
    }
}
