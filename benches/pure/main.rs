//! What the pure core costs: values, filters, answers, plans. No network, no API server, no clock of its own.
//!
//! `cargo bench --bench pure` shows times and allocations. `pure --once NAME` does one piece of work in [`measured`] and
//! nothing else there, so that its instructions can be counted (`benches/count`); `pure --list` names the pieces.

// As a test does, a bench ends on the first surprise.
#![allow(clippy::expect_used)]

mod names;
mod page;
mod values;
mod zone;

use std::hint::black_box;

use divan::AllocProfiler;
use solidserver_operator::solidserver::Dialect;

use names::Names;
use page::Page;
use zone::Zone;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// A piece of work, prepared and checked.
type Work = Box<dyn Fn() -> usize + Sync>;

/// Its name, and how it is prepared.
type Piece = (&'static str, fn() -> Work);

/// All pieces of work whose instructions are counted. Twice the size shows what does not grow with the size alone.
const PIECES: [Piece; 10] = [
    ("names", || {
        values::check();
        Box::new(|| values::names(1000))
    }),
    ("canonical", || {
        values::check();
        Box::new(|| values::canonical(200))
    }),
    ("chunks-rest-10000", || chunks(Dialect::Rest, 10_000)),
    ("chunks-v2-10000", || chunks(Dialect::V2, 10_000)),
    ("read-rest-500", || read(Dialect::Rest, 500)),
    ("read-v2-500", || read(Dialect::V2, 500)),
    ("plan-settled-1000", || plan(Zone::settled(1000))),
    ("plan-settled-2000", || plan(Zone::settled(2000))),
    ("plan-burst-1000", || plan(Zone::burst(1000))),
    ("plan-burst-2000", || plan(Zone::burst(2000))),
];

fn chunks(dialect: Dialect, count: usize) -> Work {
    let names = Names::new(dialect, count);
    names.check();
    Box::new(move || names.chunks())
}

fn read(dialect: Dialect, rrsets: usize) -> Work {
    let page = Page::new(dialect, rrsets);
    page.check();
    Box::new(move || page.read())
}

fn plan(zone: Zone) -> Work {
    zone.check();
    Box::new(move || zone.plan().len())
}

/// The function that the instruction counter looks for by its name.
#[inline(never)]
fn measured(work: &Work) -> usize {
    black_box(work())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => PIECES.iter().for_each(|(name, _)| println!("{name}")),
        ["--once", wanted] => {
            let piece = PIECES.iter().find(|(name, _)| *name == wanted);
            let (_, prepare) = piece.expect("a name that --list shows");
            assert!(measured(&prepare()) > 0);
        }
        _ => divan::main(),
    }
}

mod canonicalise {
    use divan::Bencher;

    use super::values;

    #[divan::bench]
    fn names(bencher: Bencher<'_, '_>) {
        values::check();
        bencher.bench(|| values::names(100));
    }

    #[divan::bench]
    fn data_of_every_type(bencher: Bencher<'_, '_>) {
        values::check();
        bencher.bench(|| values::canonical(10));
    }
}

#[divan::bench(args = [Dialect::Rest, Dialect::V2])]
fn chunks_of_10_000_names(bencher: divan::Bencher<'_, '_>, dialect: Dialect) {
    let work = chunks(dialect, 10_000);
    bencher.bench(work);
}

#[divan::bench(args = [Dialect::Rest, Dialect::V2])]
fn read_a_page_of_500_rrsets(bencher: divan::Bencher<'_, '_>, dialect: Dialect) {
    let work = read(dialect, 500);
    bencher.bench(work);
}

mod plan_of {
    use divan::Bencher;

    use super::{Zone, plan};

    const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

    #[divan::bench(args = SIZES, max_time = 10)]
    fn settled_rrsets(bencher: Bencher<'_, '_>, rrsets: usize) {
        let work = plan(Zone::settled(rrsets));
        bencher.bench(work);
    }

    #[divan::bench(args = SIZES, max_time = 10)]
    fn new_rrsets(bencher: Bencher<'_, '_>, rrsets: usize) {
        let work = plan(Zone::burst(rrsets));
        bencher.bench(work);
    }
}
