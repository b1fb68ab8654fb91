//! The largest object of each type is accepted: rules are within what the API server lets them cost at run time.

use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use solidserver_operator::api::DnsRecord;
use solidserver_operator::record::{RecordData, RecordType};

use crate::control_plane::shared;

/// Values of a DnsRecord, and characters of all together.
const MOST_VALUES: usize = 64;
const VALUES_TOGETHER: usize = 60_000;
const LONGEST_VALUE: usize = 2048;

/// A name of `length` octets that ends in example.com.
fn long_name(length: usize) -> String {
    let mut name = String::from("example.com");
    while length - name.len() > 64 {
        name = format!("{}.{name}", "a".repeat(63));
    }
    let rest = length - name.len() - 1;
    format!("{}.{name}", "a".repeat(rest))
}

/// A value of the type with `length` characters, or as long as the type allows.
fn long_value(record_type: RecordType, length: usize, host: &str) -> String {
    let octets = |before: usize| "ab".repeat((length - before) / 2);
    match record_type {
        RecordType::A => "255.255.255.255".to_owned(),
        RecordType::Aaaa => "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff".to_owned(),
        RecordType::Cname | RecordType::Dname | RecordType::Ns | RecordType::Ptr => host.to_owned(),
        RecordType::Mx => format!("65535 {host}"),
        RecordType::Srv => format!("65535 65535 65535 {host}"),
        RecordType::Txt => "x".repeat(length),
        RecordType::Caa => format!("255 issue \"{}\"", "x".repeat(length - 12)),
        RecordType::Naptr => {
            let text = "x".repeat(255.min((length - host.len() - 20) / 2));
            format!("65535 65535 \"S\" \"{text}\" \"{text}\" {host}")
        }
        RecordType::Tlsa => format!("255 255 255 {}", octets(12)),
        RecordType::Sshfp => format!("255 255 {}", octets(8)),
        RecordType::Ds => format!("65535 255 255 {}", octets(14)),
        RecordType::Https | RecordType::Svcb => {
            let start = format!("65535 {host} alpn=");
            format!("{start}{}", vec!["h".repeat(254); 8].join(",")).chars().take(length).collect()
        }
        RecordType::Uri => format!("65535 65535 \"https:{}\"", "x".repeat(length - 20)),
    }
}

/// A DnsRecord with everything at its limit, and the values that it has.
fn largest(record_type: RecordType) -> (DnsRecord, Vec<String>) {
    let host = format!("{}.", long_name(253));
    let count = if record_type.is_singleton() { 1 } else { MOST_VALUES };
    let values: Vec<String> = vec![long_value(record_type, VALUES_TOGETHER / MOST_VALUES, &host); count];
    let parameters: serde_json::Map<String, Value> =
        (0..64).map(|number| (format!("{number:0>64}"), Value::from("x".repeat(1024)))).collect();
    let has_ptr = matches!(record_type, RecordType::A | RecordType::Aaaa);
    let mut object = json!({
        "apiVersion": "solidserver.dev/v1alpha1",
        "kind": "DnsRecord",
        "metadata": {"name": "n".repeat(120)},
        "spec": {
            "fqdn": host,
            "type": record_type.as_str(),
            "values": values,
            "ttl": 2_147_483_647,
            "solidServerRef": {"name": "s".repeat(253)},
            "dnsServer": "s".repeat(255),
            "view": "v".repeat(255),
            "zone": host,
            "className": "c".repeat(128),
            "classParameters": parameters,
            "adoptionPolicy": "IfIdentical",
            "rrsetPolicy": "Exclusive",
            "driftPolicy": "Repair",
            "deletionPolicy": "Delete",
            "suspend": true,
        },
    });
    if has_ptr {
        object["spec"]["ptr"] = "Managed".into();
    }
    (serde_json::from_value(object).unwrap(), values)
}

#[tokio::test]
async fn the_largest_object_of_each_type_is_accepted() {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace("largest").await.unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), &namespace);
    let mut full = Vec::new();
    for record_type in RecordType::ALL {
        let (mut object, values) = largest(record_type);
        for value in &values {
            RecordData::parse(record_type, value).unwrap_or_else(|error| panic!("{record_type}: {error}"));
        }
        object.metadata.name = Some(format!("{:0>120}", record_type.as_str().to_lowercase()));
        let created = records.create(&PostParams::default(), &object).await;
        let created = created.unwrap_or_else(|error| panic!("{record_type}: {error}"));
        assert_eq!(created.spec, object.spec);
        // An update is judged by more rules: those that compare it with what was there.
        let mut changed = created.clone();
        changed.spec.ttl = Some(1);
        let name = object.metadata.name.as_deref().unwrap();
        let replaced = records.replace(name, &PostParams::default(), &changed).await;
        assert!(replaced.is_ok(), "{record_type}: {replaced:?}");
        if values.iter().map(String::len).sum::<usize>() > VALUES_TOGETHER - 2 * MOST_VALUES {
            full.push(record_type);
        }
    }
    // The others are bounded by their type: a name has 253 octets, a NAPTR string 255.
    let unbounded = [
        RecordType::Txt,
        RecordType::Caa,
        RecordType::Tlsa,
        RecordType::Sshfp,
        RecordType::Ds,
        RecordType::Https,
        RecordType::Svcb,
        RecordType::Uri,
    ];
    assert_eq!(full.iter().filter(|one| unbounded.contains(*one)).count(), unbounded.len(), "{full:?}");
}

/// What cannot be true of a type, but costs a rule as much as can be: values full of spaces or of what begins rightly.
#[tokio::test]
async fn the_longest_values_are_judged_within_the_budget() {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace("longest").await.unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), &namespace);
    let count = VALUES_TOGETHER / LONGEST_VALUE;
    for record_type in RecordType::ALL {
        let right = solidserver_operator::record::example(record_type);
        let filling = if record_type == RecordType::Txt { "x" } else { " " };
        let value = format!("{}{right}", filling.repeat(LONGEST_VALUE - right.len()));
        let values = if record_type.is_singleton() { vec![value] } else { vec![value; count] };
        let spec = json!({"fqdn": "www.example.com", "type": record_type.as_str(), "values": values});
        let object =
            DnsRecord::new(&record_type.as_str().to_lowercase(), serde_json::from_value(spec).unwrap());
        let created = records.create(&PostParams { dry_run: true, ..PostParams::default() }, &object).await;
        assert!(created.is_ok(), "{record_type}: {created:?}");
    }
}

#[tokio::test]
async fn one_more_than_the_largest_is_refused() {
    let control_plane = shared().await.unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), "default");
    let attempt = async |values: Vec<String>| {
        let spec = json!({"fqdn": "www.example.com", "type": "TXT", "values": values});
        let object = DnsRecord::new("large", serde_json::from_value(spec).unwrap());
        let created = records.create(&PostParams { dry_run: true, ..PostParams::default() }, &object).await;
        created.map(drop).map_err(|error| error.to_string())
    };
    let exactly = |together: usize| {
        let mut values = vec!["x".repeat(together / MOST_VALUES); MOST_VALUES];
        values[0].push_str(&"x".repeat(together % MOST_VALUES));
        values
    };
    assert_eq!(attempt(exactly(VALUES_TOGETHER)).await, Ok(()));
    let refused = [
        (exactly(VALUES_TOGETHER + 1), "values have more than 60000 characters together"),
        (vec!["x".to_owned(); MOST_VALUES + 1], "must have at most 64 items"),
        (vec!["x".repeat(LONGEST_VALUE + 1)], "may not be more than 2048 bytes"),
    ];
    for (values, says) in refused {
        let error = attempt(values).await.unwrap_err();
        assert!(error.contains(says), "{says:?} is not in {error}");
    }
}
