use kube::ResourceExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::admission::Admission;
use crate::record::RecordType;

/// A record with `ptr` that is in DNS as its status says.
fn parent(name: &str, record_type: &str, fqdn: &str, values: &[&str]) -> DnsRecord {
    let record = json!({
        "apiVersion": "solidserver.dev/v1alpha1",
        "kind": "DnsRecord",
        "metadata": {
            "name": name, "namespace": "shop", "uid": "u-1", "generation": 1,
            "labels": {"app.kubernetes.io/instance": "shop"}, "annotations": {"argocd.argoproj.io/tracking-id": "shop"},
        },
        "spec": {"fqdn": fqdn, "type": record_type, "values": values, "ptr": "Managed"},
        "status": {
            "observedGeneration": 1, "fqdn": fqdn, "type": record_type, "ttl": 60, "values": values,
            "dnsServer": "ns.example.com", "view": "", "zone": "example.com",
        },
    });
    serde_json::from_value(record).unwrap()
}

fn www() -> DnsRecord {
    parent("www", "A", "www.example.com", &["192.0.2.1", "192.0.2.2"])
}

fn these(parent: &DnsRecord) -> Vec<DnsRecord> {
    match wanted(parent, true) {
        Wanted::These(children) => children,
        other => panic!("{other:?}"),
    }
}

/// Children as the API server has them.
fn there(children: &[DnsRecord]) -> Vec<Arc<DnsRecord>> {
    children.iter().cloned().map(Arc::new).collect()
}

fn told(steps: &[Step]) -> Vec<String> {
    let word = |step: &Step| match step {
        Step::Create(_) => "create",
        Step::Change { .. } => "change",
        Step::Delete(_) => "delete",
    };
    steps.iter().map(|step| format!("{} {}", word(step), step.child().name_any())).collect()
}

#[test]
fn a_child_is_as_its_parent_says_and_where_its_parent_is() {
    let mut parent = www();
    parent.spec.values = vec!["192.0.2.1".to_owned()];
    parent.spec.ttl = Some(60);
    parent.spec.rrset_policy = Some(crate::api::RrsetPolicy::Shared);
    parent.spec.deletion_policy = Some(crate::api::DeletionPolicy::Retain);
    parent.spec.class_name = Some("web".to_owned());
    let status = parent.status.as_mut().unwrap();
    (status.view, status.values) = (Some("internal".to_owned()), vec!["192.0.2.1".to_owned()]);
    let expected = json!({
        "apiVersion": "solidserver.dev/v1alpha1",
        "kind": "DnsRecord",
        "metadata": {
            "name": "www-ptr-192-0-2-1",
            "namespace": "shop",
            "labels": {"solidserver.dev/ptr-of": "www"},
            "ownerReferences": [{
                "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "name": "www", "uid": "u-1", "controller": true,
            }],
        },
        "spec": {
            "fqdn": "1.2.0.192.in-addr.arpa", "type": "PTR", "values": ["www.example.com"], "ttl": 60,
            "dnsServer": "ns.example.com", "view": "internal", "rrsetPolicy": "Shared", "deletionPolicy": "Retain",
        },
    });
    let [child] = these(&parent).try_into().unwrap();
    assert_eq!(serde_json::to_value(&child).unwrap(), expected);
    assert_eq!(parent_of(&child).map(|owner| owner.uid.as_str()), Some("u-1"));
}

#[test]
fn only_a_controller_of_our_kind_is_a_parent() {
    let mut child = these(&www()).remove(0);
    let owner = |change: fn(&mut OwnerReference)| {
        let mut child = child.clone();
        change(&mut child.metadata.owner_references.as_mut().unwrap()[0]);
        parent_of(&child).is_some()
    };
    assert!(owner(|_| {}));
    assert!(owner(|owner| owner.api_version = "solidserver.dev/v2".to_owned()));
    assert!(!owner(|owner| owner.controller = None));
    assert!(!owner(|owner| owner.controller = Some(false)));
    assert!(!owner(|owner| owner.kind = "SolidServer".to_owned()));
    assert!(!owner(|owner| owner.api_version = "example.com/v1".to_owned()));
    child.metadata.owner_references = None;
    assert!(parent_of(&child).is_none());
}

#[test]
fn there_are_children_of_what_is_in_dns_and_of_nothing_else() {
    let changed = |change: fn(&mut DnsRecord)| {
        let mut parent = www();
        change(&mut parent);
        parent
    };
    assert_eq!(wanted(&www(), false), Wanted::AsTheyAre, "not ready");
    let going = changed(|parent| {
        let now = jiff::Timestamp::UNIX_EPOCH;
        parent.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
        parent.spec.suspend = true;
    });
    assert_eq!(wanted(&going, true), Wanted::AsTheyAre, "being deleted");
    for ready in [true, false] {
        assert_eq!(wanted(&changed(|parent| parent.spec.suspend = true), ready), Wanted::Suspended);
    }
    assert_eq!(wanted(&changed(|parent| parent.status = None), true), Wanted::AsTheyAre, "no status");
    let nowhere = changed(|parent| parent.status.as_mut().unwrap().zone = None);
    assert_eq!(wanted(&nowhere, true), Wanted::AsTheyAre, "no place");
    assert_eq!(wanted(&changed(|parent| parent.spec.ptr = None), true), Wanted::These(vec![]));
    // What others hold under rrsetPolicy Shared is theirs.
    let shared = changed(|parent| parent.status.as_mut().unwrap().values = vec!["192.0.2.2".to_owned()]);
    let names: Vec<String> = these(&shared).iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["www-ptr-192-0-2-2"]);
    // The definition refuses these two, but an object may be older than the rule.
    assert_eq!(these(&parent("wild", "A", "*.example.com", &["192.0.2.1"])), []);
    assert_eq!(these(&parent("text", "TXT", "txt.example.com", &["192.0.2.1"])), []);
}

#[test]
fn children_are_put_right_and_what_is_right_is_left_alone() {
    let wanted = |parent: &DnsRecord| wanted(parent, true);
    let all = these(&www());
    assert_eq!(told(&steps(wanted(&www()), &[])), ["create www-ptr-192-0-2-1", "create www-ptr-192-0-2-2"]);
    assert_eq!(steps(wanted(&www()), &there(&all)), []);
    assert_eq!(steps(Wanted::AsTheyAre, &there(&all)), []);
    // An address goes and another one comes: first what is new.
    let mut moved = www();
    moved.status.as_mut().unwrap().values = vec!["192.0.2.2".to_owned(), "192.0.2.3".to_owned()];
    let done = steps(wanted(&moved), &there(&all));
    assert_eq!(told(&done), ["create www-ptr-192-0-2-3", "delete www-ptr-192-0-2-1"]);
    // Without ptr all go.
    let done = steps(Wanted::These(vec![]), &there(&all));
    assert_eq!(told(&done), ["delete www-ptr-192-0-2-1", "delete www-ptr-192-0-2-2"]);
    // Somebody's edit, and another name of the parent, are changes of the spec.
    let mut edited = all.clone();
    edited[0].spec.values = vec!["evil.example.com".to_owned()];
    edited[1].spec.record_type = RecordTypeName::Txt;
    let done = steps(wanted(&www()), &there(&edited));
    assert_eq!(told(&done), ["change www-ptr-192-0-2-1", "change www-ptr-192-0-2-2"]);
    for (step, child) in done.iter().zip(&all) {
        assert!(matches!(step, Step::Change { spec, .. } if **spec == child.spec));
    }
    // A zone that somebody added says what is so, and cannot be taken off again.
    let mut zoned = all.clone();
    zoned[0].spec.zone = Some("2.0.192.in-addr.arpa".to_owned());
    assert_eq!(steps(wanted(&www()), &there(&zoned)), []);
    // What cannot be changed is made anew, once the old one is gone.
    let mut elsewhere = www();
    elsewhere.status.as_mut().unwrap().dns_server = Some("other.example.com".to_owned());
    let mut old = all;
    assert_eq!(told(&steps(wanted(&elsewhere), &there(&old[..1])))[1..], ["delete www-ptr-192-0-2-1"]);
    let now = jiff::Timestamp::UNIX_EPOCH;
    for child in &mut old {
        child.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    }
    assert_eq!(steps(wanted(&elsewhere), &there(&old)), []);
    assert_eq!(steps(Wanted::These(vec![]), &there(&old)), []);
}

#[test]
fn children_of_a_suspended_parent_are_suspended_and_otherwise_stay() {
    let mut all = these(&www());
    all[0].spec.values = vec!["edited.example.com".to_owned()];
    let done = steps(Wanted::Suspended, &there(&all));
    assert_eq!(told(&done), ["change www-ptr-192-0-2-1", "change www-ptr-192-0-2-2"]);
    for (step, child) in done.iter().zip(&all) {
        let suspended = DnsRecordSpec { suspend: true, ..child.spec.clone() };
        assert!(matches!(step, Step::Change { spec, .. } if **spec == suspended));
    }
    for child in &mut all {
        child.spec.suspend = true;
    }
    assert_eq!(steps(Wanted::Suspended, &there(&all)), []);
    assert_eq!(told(&steps(wanted(&www(), true), &there(&all))).len(), 2, "they go on with their parent");
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let long = |last: &str| format!("{}{last}", "a".repeat(119));
    let of = |name: &str, value: &str| {
        let record_type = if value.contains(':') { "AAAA" } else { "A" };
        let child = these(&parent(name, record_type, "www.example.com", &[value])).remove(0);
        (child.name_any(), child.labels()[PTR_OF].clone())
    };
    let (one, label) = of(&long("b"), "2001:db8:1111:2222:3333:4444:5555:6666");
    assert_eq!(one.len(), 120);
    assert!(one.ends_with("-ptr-2001-db8-1111-2222-3333-4444-5555-6666"), "{one}");
    assert_eq!(label.len(), 63);
    let (other, other_label) = of(&long("c"), "2001:db8:1111:2222:3333:4444:5555:6666");
    assert_ne!((one, label), (other.clone(), other_label));
    assert_ne!(other, of(&long("c"), "192.0.2.1").0);
    assert_eq!(of("www", "192.0.2.1"), ("www-ptr-192-0-2-1".to_owned(), "www".to_owned()));
}

fn addresses() -> impl Strategy<Value = (RecordType, Vec<String>)> {
    let v4 = any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from_bits(bits).to_string());
    let v6 = any::<[u16; 8]>().prop_map(|mut groups| {
        // Mapped addresses are none of this type.
        groups[0] |= 0x2000;
        std::net::Ipv6Addr::from(groups).to_string()
    });
    prop_oneof![
        proptest::collection::vec(v4, 1..5).prop_map(|values| (RecordType::A, values)),
        proptest::collection::vec(v6, 1..5).prop_map(|values| (RecordType::Aaaa, values)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the parent, its children are objects that the API server takes, each of a name of its own, and with them all is right.
    #[test]
    fn children_are_valid_distinct_and_enough(
        name in "[a-z0-9]([a-z0-9.-]{0,118}[a-z0-9])?",
        (record_type, values) in addresses(),
        ttl in proptest::option::of(0_u32..1000),
    ) {
        prop_assume!(!name.contains("..") && !name.contains(".-") && !name.contains("-."));
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let mut parent = parent(&name, record_type.as_str(), "www.example.com", &values);
        parent.spec.ttl = ttl;
        let children = these(&parent);
        let distinct: std::collections::BTreeSet<String> = children.iter().map(ResourceExt::name_any).collect();
        prop_assert_eq!(distinct.len(), InDns::of(&parent).unwrap().values.len());
        let admission = Admission::of::<DnsRecord>().unwrap();
        for child in &children {
            let object = serde_json::to_value(child).unwrap();
            prop_assert_eq!(admission.judge(&object, None), vec![]);
            prop_assert!(child.labels()[PTR_OF].len() <= 63);
            prop_assert!(child.labels()[PTR_OF].ends_with(|last: char| last.is_ascii_alphanumeric()));
        }
        prop_assert_eq!(steps(wanted(&parent, true), &there(&children)), vec![]);
    }
}

/// The definition refuses `ptr` where it makes no sense.
#[test]
fn the_definition_takes_ptr_for_addresses_of_one_name_only() {
    let admission = Admission::of::<DnsRecord>().unwrap();
    let judge = |spec: Value| {
        let object = json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "metadata": {"name": "www", "namespace": "shop"}, "spec": spec,
        });
        admission.judge(&object, None).into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    let taken = [
        json!({"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.1"], "ptr": "Managed"}),
        json!({"fqdn": "www.example.com", "type": "AAAA", "values": ["2001:db8::1"], "ptr": "Managed"}),
    ];
    for spec in taken {
        assert_eq!(judge(spec), [""; 0]);
    }
    let refused = [
        json!({"fqdn": "www.example.com", "type": "TXT", "values": ["192.0.2.1"], "ptr": "Managed"}),
        json!({"fqdn": "*.example.com", "type": "A", "values": ["192.0.2.1"], "ptr": "Managed"}),
        json!({"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.1"], "ptr": "Always"}),
    ];
    for spec in refused {
        assert_eq!(judge(spec), ["spec.ptr"]);
    }
}
