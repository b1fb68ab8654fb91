//! CEL and the record model judge values alike, except where docs/reference/cel-limits.md says so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use kube::api::PostParams;
use kube::core::cel::KubeCelExt as _;
use kube::core::cel::cel::extractors::This;
use kube::core::cel::cel::{Context, Program, Value, to_value};
use kube::{Api, CustomResourceExt as _};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use regex::Regex;
use serde_json::json;
use solidserver_operator::api::DnsRecord;
use solidserver_operator::record::{RecordData, RecordType};

use crate::control_plane::shared;

#[path = "../../support/values.rs"]
mod values;

/// How many values of each type are judged by both.
const VALUES: usize = 1000;

/// How many values of each type the API server judges too.
const VALUES_FOR_THE_API_SERVER: usize = 60;

type Examples = &'static [(RecordType, &'static str)];

/// What docs/reference/cel-limits.md lists: the heading there, and values on which the two disagree.
const LIMITS: [(Limit, &str, Examples); 6] = [
    (
        Limit::Internationalised,
        "Internationalised names",
        &[
            (RecordType::Cname, "xn--ls8h.example\u{2024}com"),
            (RecordType::Ns, "\u{3002}.example.com"),
            (RecordType::Mx, "10 äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü.example"),
        ],
    ),
    (
        Limit::Parameters,
        "Service parameters",
        &[
            (RecordType::Https, "1 . alpn=h2 alpn=h3"),
            (RecordType::Svcb, "1 . mandatory=port"),
            (RecordType::Svcb, "1 . port=\"65536\""),
            (RecordType::Https, "1 . ipv4hint=192.0.2.256"),
            (RecordType::Https, "1 . key65535=x"),
        ],
    ),
    (Limit::MappedAddress, "IPv4-mapped addresses", &[(RecordType::Aaaa, "::ffff:192.0.2.10")]),
    (
        Limit::FourNumbers,
        "Names of four numbers",
        &[(RecordType::Mx, "10 192.0.2.256"), (RecordType::Ptr, "1.2.3.400.")],
    ),
    (
        Limit::Escapes,
        "Escapes",
        &[
            (RecordType::Caa, r#"0 i\115sue "ca.example.net""#),
            (RecordType::Naptr, r#"1 1 "\S" "" "" ."#),
            (RecordType::Uri, r#"1 1 "https://example\.com""#),
        ],
    ),
    (Limit::LongLabels, "Labels that become shorter", &[(RecordType::Ns, LONG_LABEL)]),
];

/// 64 letters that IDNA makes 32 of: each "a" is followed by a soft hyphen, which it leaves out.
const LONG_LABEL: &str = "a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}\
                          a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}\
                          a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}a\u{ad}.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    Internationalised,
    Parameters,
    MappedAddress,
    FourNumbers,
    Escapes,
    LongLabels,
}

/// Which entry of the list explains that CEL accepts the value or not, and the record model does the other.
fn limit(record_type: RecordType, value: &str, cel_accepts: bool) -> Option<Limit> {
    let service = matches!(record_type, RecordType::Https | RecordType::Svcb);
    let fields: Vec<&str> = value.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
    if cel_accepts {
        if !value.is_ascii() && record_type != RecordType::Txt {
            return Some(Limit::Internationalised);
        }
        return (service && fields.len() > 2).then_some(Limit::Parameters);
    }
    let four_numbers = |field: &&str| {
        let numbers: Vec<&str> = field.trim_end_matches('.').split('.').collect();
        numbers.len() == 4
            && numbers.iter().all(|one| one.len() <= 3 && one.bytes().all(|octet| octet.is_ascii_digit()))
    };
    match record_type {
        RecordType::Aaaa if value.to_lowercase().contains(":ffff:") => Some(Limit::MappedAddress),
        RecordType::Caa | RecordType::Naptr | RecordType::Uri if value.contains('\\') => Some(Limit::Escapes),
        _ if fields.iter().any(four_numbers) => Some(Limit::FourNumbers),
        _ if !value.is_ascii() && value.chars().count() > 63 => Some(Limit::LongLabels),
        _ => None,
    }
}

/// The rules for values, taken from the definition that is installed in clusters.
struct ValueRules {
    rules: Vec<Program>,
    context: Context<'static>,
}

impl ValueRules {
    fn of_dns_record() -> Self {
        let definition = serde_json::to_value(DnsRecord::crd()).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let rules = schema["properties"]["spec"]["x-kubernetes-validations"].as_array().unwrap();
        let rules: Vec<Program> = rules
            .iter()
            .filter(|rule| rule["fieldPath"] == ".values")
            .map(|rule| Program::compile(rule["rule"].as_str().unwrap()).unwrap())
            .collect();
        assert!(rules.len() > 10, "the rules for values have moved: {} are left", rules.len());
        let mut context = Context::default().with_all();
        // The function that it replaces compiles the pattern anew on each call.
        let patterns = Mutex::new(HashMap::<Arc<String>, Regex>::new());
        context.add_function("matches", move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            let mut patterns = patterns.lock().unwrap();
            let regex = patterns.entry(pattern).or_insert_with_key(|pattern| Regex::new(pattern).unwrap());
            regex.is_match(&text)
        });
        Self { rules, context }
    }

    fn accept(&self, record_type: RecordType, value: &str) -> bool {
        let spec = json!({"fqdn": "www.example.com", "type": record_type.as_str(), "values": [value]});
        let mut context = self.context.new_inner_scope();
        context.add_variable_from_value("self", to_value(spec).unwrap());
        self.rules.iter().all(|rule| match rule.execute(&context) {
            Ok(Value::Bool(holds)) => holds,
            // The API server refuses an object when a rule fails.
            Ok(other) => panic!("no verdict but {other:?}"),
            Err(_) => false,
        })
    }
}

#[test]
fn cel_and_the_record_model_judge_values_alike() {
    let rules = ValueRules::of_dns_record();
    let mut runner = TestRunner::deterministic();
    let mut explained: BTreeMap<Limit, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for record_type in RecordType::ALL {
        let strategies = [values::valid_value(record_type), values::mutated_value(record_type)];
        let (mut accepted, mut refused) = (0, 0);
        for round in 0..VALUES {
            let strategy = &strategies[round % strategies.len()];
            // The schema itself refuses an empty value.
            let value = loop {
                let value = strategy.new_tree(&mut runner).unwrap().current();
                if !value.is_empty() {
                    break value;
                }
            };
            let cel_accepts = rules.accept(record_type, &value);
            let model = RecordData::parse(record_type, &value);
            *if cel_accepts { &mut accepted } else { &mut refused } += 1;
            if model.is_ok() == cel_accepts {
                continue;
            }
            match limit(record_type, &value, cel_accepts) {
                Some(limit) => *explained.entry(limit).or_default() += 1,
                None => {
                    unexplained.push(format!("{record_type} {value:?}: CEL {cel_accepts}, model {model:?}"))
                }
            }
        }
        assert_eq!(accepted + refused, VALUES);
        assert!(
            accepted >= VALUES / 3 && refused >= 1,
            "{record_type}: {accepted} accepted, {refused} refused"
        );
    }
    println!("explained by the list: {explained:?}");
    assert!(unexplained.is_empty(), "{} values: {unexplained:#?}", unexplained.len());
}

/// The rules are evaluated above by another implementation of CEL and of regular expressions than the API server's.
#[tokio::test]
async fn the_api_server_judges_values_as_the_evaluation_here_does() {
    let control_plane = shared().await.unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), "default");
    let rules = ValueRules::of_dns_record();
    let mut runner = TestRunner::deterministic();
    let mut listed: Vec<(RecordType, String)> = Vec::new();
    for (_, _, examples) in LIMITS {
        listed.extend(examples.iter().map(|(record_type, value)| (*record_type, (*value).to_owned())));
    }
    let generated = RecordType::ALL.into_iter().flat_map(|record_type| {
        let strategies = [values::valid_value(record_type), values::mutated_value(record_type)];
        let values: Vec<String> = (0..VALUES_FOR_THE_API_SERVER)
            .map(|round| strategies[round % strategies.len()].new_tree(&mut runner).unwrap().current())
            .collect();
        values.into_iter().filter(|value| !value.is_empty()).map(move |value| (record_type, value))
    });
    let values: Vec<(RecordType, String)> = generated.chain(listed).collect();
    let judged = futures::stream::iter(values).map(|(record_type, value)| {
        let records = records.clone();
        async move {
            let spec = json!({"fqdn": "www.example.com", "type": record_type.as_str(), "values": [value]});
            let object = DnsRecord::new("judged", serde_json::from_value(spec).unwrap());
            let parameters = PostParams { dry_run: true, ..PostParams::default() };
            let accepted = match records.create(&parameters, &object).await {
                Ok(_) => true,
                Err(kube::Error::Api(status)) if status.code == 422 => false,
                Err(error) => panic!("{record_type} {value:?}: {error}"),
            };
            (record_type, value, accepted)
        }
    });
    let judged: Vec<_> = judged.buffer_unordered(16).collect().await;
    assert!(judged.len() > RecordType::ALL.len() * VALUES_FOR_THE_API_SERVER * 9 / 10, "{}", judged.len());
    let differ: Vec<_> = judged
        .iter()
        .filter(|(record_type, value, accepted)| rules.accept(*record_type, value) != *accepted)
        .collect();
    assert!(
        differ.is_empty(),
        "accepted by the API server or not, and the other way round here: {differ:#?}"
    );
}

#[test]
fn the_list_of_limits_holds() {
    let rules = ValueRules::of_dns_record();
    for (listed, _, examples) in LIMITS {
        for (record_type, value) in examples {
            let cel_accepts = rules.accept(*record_type, value);
            let model = RecordData::parse(*record_type, value);
            assert_ne!(
                model.is_ok(),
                cel_accepts,
                "{listed:?} is no limit any more: {record_type} {value:?}, {model:?}"
            );
            assert_eq!(limit(*record_type, value, cel_accepts), Some(listed), "{record_type} {value:?}");
        }
    }
}

#[test]
fn the_list_of_limits_is_written_down() {
    let text = include_str!("../../../docs/reference/cel-limits.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let listed: Vec<&str> = LIMITS.iter().map(|(_, heading, _)| *heading).collect();
    assert_eq!(headings, listed);
}
