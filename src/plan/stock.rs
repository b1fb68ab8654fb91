//! What a zone holds that nobody looks after by manifests: which of its RRsets a DnsRecord can describe as they are, and why it cannot
//! describe the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Name, RecordData, RecordType, Row, RowType, Rrset, RrsetKey};

use super::ownership::OWNER_PARAMETER;

/// The RRsets of a zone, each in one of two lists, both by name and type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Those that a DnsRecord can describe.
    pub described: Vec<Described>,
    /// Those that it cannot, or should not.
    pub left_out: Vec<LeftOut>,
}

/// An RRset that a DnsRecord can describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The RRset. Where its rows have several TTLs it has the lowest: that is what an answer is taken to have (RFC 2181 5.2).
    pub rrset: Rrset,
    /// How many rows it has.
    pub rows: usize,
    /// The TTLs of its rows.
    pub ttls: BTreeSet<u32>,
    /// Values that more than one row has.
    pub duplicates: BTreeSet<RecordData>,
}

/// An RRset that is left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Owner name.
    pub name: Name,
    /// Type.
    pub row_type: RowType,
    /// How many rows it has.
    pub rows: usize,
    /// Why.
    pub why: WhyLeftOut,
}

/// Why an RRset is left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// SOA and the NS of the apex: the appliance keeps them with the zone.
    OfTheZone,
    /// No DnsRecord has this type.
    UnsupportedType,
    /// Rows of it carry ownership marks, or external-dns looks after it; whose they are.
    Marked(BTreeSet<String>),
    /// The appliance has not yet pushed a change of it to the DNS server: rows that are to come or to change, and rows that are to go.
    Delayed {
        /// Created or changed.
        coming: usize,
        /// Deleted.
        going: usize,
    },
    /// These values make no sense for its type.
    NotUnderstood(Vec<String>),
}

/// Takes stock of the rows of a zone.
#[must_use]
pub fn take_stock(rows: &[Row], zone: &Name) -> Stock {
    let mut by_rrset: BTreeMap<(&Name, &RowType), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_rrset.entry((&row.name, &row.row_type)).or_default().push(row);
    }
    let registered = registered(rows);
    let mut stock = Stock::default();
    for ((name, row_type), mut rows) in by_rrset {
        // Nothing may depend on the order that the appliance lists rows in.
        rows.sort_by(|left, right| (&left.data, &left.values).cmp(&(&right.data, &right.values)));
        match describe(name, row_type, &rows, zone, &registered) {
            Ok(described) => stock.described.push(described),
            Err(why) => {
                let (name, row_type) = (name.clone(), row_type.clone());
                stock.left_out.push(LeftOut { name, row_type, rows: rows.len(), why });
            }
        }
    }
    stock
}

/// What external-dns's TXT records (its registry, with names as it makes them by default) say of RRsets: those at the record's own
/// name, and the one whose type is written before the name, as in `a-www`. Each with the owner.
fn registered(rows: &[Row]) -> BTreeMap<RrsetKey, String> {
    let mut registered = BTreeMap::new();
    for row in rows {
        let Some(RecordData::Txt(text)) = &row.data else { continue };
        let text = String::from_utf8_lossy(text);
        let text = text.trim_matches('"');
        if !text.starts_with("heritage=external-dns") {
            continue;
        }
        let owner = text.split(',').find_map(|part| Some(part.split_once("/owner=")?.1));
        let owner = format!("external-dns (owner {})", owner.unwrap_or("unknown"));
        let beside = [RecordType::Txt, RecordType::A, RecordType::Aaaa, RecordType::Cname];
        let beside = beside.map(|record_type| RrsetKey { name: row.name.clone(), record_type });
        let (before, rest) = row.name.as_str().split_once('-').unwrap_or_default();
        let spoken_of = before.parse().ok().zip(Name::parse(rest).ok());
        let spoken_of = spoken_of.map(|(record_type, name)| RrsetKey { name, record_type });
        registered.extend(beside.into_iter().chain(spoken_of).map(|key| (key, owner.clone())));
    }
    registered
}

fn describe(
    name: &Name,
    row_type: &RowType,
    rows: &[&Row],
    zone: &Name,
    registered: &BTreeMap<RrsetKey, String>,
) -> Result<Described, WhyLeftOut> {
    let record_type = match row_type {
        RowType::Other(other) if &**other == "SOA" => return Err(WhyLeftOut::OfTheZone),
        RowType::Managed(RecordType::Ns) if name == zone => return Err(WhyLeftOut::OfTheZone),
        RowType::Other(_) => return Err(WhyLeftOut::UnsupportedType),
        RowType::Managed(record_type) => *record_type,
    };
    // A mark that is only inherited is none.
    let marked = rows.iter().filter(|row| !row.pending_delete && row.has_own(OWNER_PARAMETER));
    let key = RrsetKey { name: name.clone(), record_type };
    let owners = marked.filter_map(|row| row.parameters.get(OWNER_PARAMETER));
    let owners: BTreeSet<String> = owners.chain(registered.get(&key)).cloned().collect();
    if !owners.is_empty() {
        return Err(WhyLeftOut::Marked(owners));
    }
    let going = rows.iter().filter(|row| row.pending_delete).count();
    let coming = rows.iter().filter(|row| row.pending_create && !row.pending_delete).count();
    if going + coming > 0 {
        return Err(WhyLeftOut::Delayed { coming, going });
    }
    let unread = rows.iter().filter(|row| row.data.is_none());
    let unread: Vec<String> = unread.map(|row| row.display_value()).collect();
    if !unread.is_empty() {
        return Err(WhyLeftOut::NotUnderstood(unread));
    }
    let (mut values, mut duplicates) = (BTreeSet::new(), BTreeSet::new());
    for data in rows.iter().filter_map(|row| row.data.as_ref()) {
        if !values.insert(data) {
            duplicates.insert(data.clone());
        }
    }
    let ttls: BTreeSet<u32> = rows.iter().map(|row| row.ttl).collect();
    let rrset = Rrset {
        key,
        ttl: ttls.first().copied().unwrap_or_default(),
        values: values.into_iter().cloned().collect(),
    };
    Ok(Described { rrset, rows: rows.len(), ttls, duplicates })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RowId;

    fn row(id: u32, name: &str, record_type: &str, ttl: u32, value: &str) -> Row {
        let managed: Option<RecordType> = record_type.parse().ok();
        Row {
            id: RowId(id.to_string().into()),
            name: Name::parse(name).unwrap(),
            row_type: managed.map_or_else(|| RowType::Other(record_type.into()), RowType::Managed),
            ttl,
            values: vec![value.to_owned()],
            data: managed.and_then(|record_type| RecordData::parse(record_type, value).ok()),
            parameters: BTreeMap::new(),
            inherited: BTreeSet::new(),
            class_name: String::new(),
            pending_create: false,
            pending_delete: false,
        }
    }

    fn zone() -> Name {
        Name::parse("example.com").unwrap()
    }

    #[test]
    fn rrsets_are_put_together_whatever_the_order_of_their_rows() {
        let mut rows = vec![
            row(4, "www.example.com", "A", 600, "192.0.2.2"),
            row(9, "www.example.com", "A", 300, "192.0.2.1"),
            row(2, "www.example.com", "A", 600, "192.0.2.2"),
            row(1, "www.example.com", "TXT", 60, "hello"),
            row(5, "example.com", "MX", 60, "10 mx1.example.com"),
        ];
        let stock = take_stock(&rows, &zone());
        let found: Vec<String> = stock
            .described
            .iter()
            .map(|one| {
                let values: Vec<String> = one.rrset.values.iter().map(ToString::to_string).collect();
                let doubled: Vec<String> = one.duplicates.iter().map(ToString::to_string).collect();
                let (values, doubled) = (values.join(" "), doubled.join(" "));
                format!("{} {} {:?} [{values}] [{doubled}]", one.rrset.key, one.rrset.ttl, one.ttls)
            })
            .collect();
        assert_eq!(
            found,
            [
                "example.com MX 60 {60} [10 mx1.example.com] []",
                "www.example.com A 300 {300, 600} [192.0.2.1 192.0.2.2] [192.0.2.2]",
                "www.example.com TXT 60 {60} [hello] []",
            ]
        );
        rows.reverse();
        assert_eq!(take_stock(&rows, &zone()), stock);
    }

    #[test]
    fn what_external_dns_looks_after_is_left_to_it() {
        let who = "external-dns";
        let heritage = format!("\"heritage={who},{who}/owner=prod,{who}/resource=ingress/a/b\"");
        let rows = [
            row(1, "www.example.com", "A", 60, "192.0.2.1"),
            row(2, "www.example.com", "AAAA", 60, "2001:db8::1"),
            row(3, "a-www.example.com", "TXT", 60, &heritage),
            row(4, "old.example.com", "CNAME", 60, "www.example.com"),
            row(5, "old.example.com", "TXT", 60, heritage.trim_matches('"')),
            row(6, "b-side.example.com", "TXT", 60, "no heritage=external-dns"),
        ];
        let stock = take_stock(&rows, &zone());
        let described: Vec<String> = stock.described.iter().map(|one| one.rrset.key.to_string()).collect();
        assert_eq!(described, ["b-side.example.com TXT", "www.example.com AAAA"]);
        let marked = WhyLeftOut::Marked(["external-dns (owner prod)".to_owned()].into());
        assert!(stock.left_out.iter().all(|one| one.why == marked), "{:?}", stock.left_out);
        assert_eq!(stock.left_out.len(), 4);
    }

    #[test]
    fn what_is_not_ours_to_describe_says_why() {
        let marked = |mut row: Row, inherited: bool| {
            row.parameters.insert(OWNER_PARAMETER.to_owned(), "east/shop/www".to_owned());
            if inherited {
                row.inherited.insert(OWNER_PARAMETER.to_owned());
            }
            row
        };
        let going = |row: Row| Row { pending_delete: true, ..row };
        let coming = |row: Row| Row { pending_create: true, ..row };
        let rows = [
            row(1, "example.com", "SOA", 60, "ns1.example.com"),
            row(2, "example.com", "NS", 60, "ns1.example.com"),
            row(3, "child.example.com", "NS", 60, "ns1.example.net"),
            row(4, "a.example.com", "HINFO", 60, "x"),
            marked(row(5, "b.example.com", "A", 60, "192.0.2.1"), false),
            row(6, "b.example.com", "A", 60, "192.0.2.2"),
            marked(row(7, "c.example.com", "A", 60, "192.0.2.1"), true),
            coming(row(8, "d.example.com", "A", 60, "192.0.2.1")),
            going(row(9, "d.example.com", "A", 60, "192.0.2.2")),
            row(10, "e.example.com", "A", 60, "nonsense"),
            going(marked(row(11, "f.example.com", "A", 60, "192.0.2.1"), false)),
        ];
        let stock = take_stock(&rows, &zone());
        let described: Vec<String> = stock.described.iter().map(|one| one.rrset.key.to_string()).collect();
        assert_eq!(described, ["c.example.com A", "child.example.com NS"]);
        let left: Vec<(&str, &WhyLeftOut)> =
            stock.left_out.iter().map(|one| (one.name.as_str(), &one.why)).collect();
        assert_eq!(
            left,
            [
                ("a.example.com", &WhyLeftOut::UnsupportedType),
                ("b.example.com", &WhyLeftOut::Marked(["east/shop/www".to_owned()].into())),
                ("d.example.com", &WhyLeftOut::Delayed { coming: 1, going: 1 }),
                ("e.example.com", &WhyLeftOut::NotUnderstood(vec!["nonsense".to_owned()])),
                ("example.com", &WhyLeftOut::OfTheZone),
                ("example.com", &WhyLeftOut::OfTheZone),
                ("f.example.com", &WhyLeftOut::Delayed { coming: 0, going: 1 }),
            ]
        );
    }
}
