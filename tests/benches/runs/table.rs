//! What was measured, as a table.

use crate::{Contender, server::Counted};

/// What the rounds are judged by (issue 3, Performance).
const TARGETS: [(Contender, usize, Against, f64); 5] = [
    (Contender::Pure, 8, Against::Dbos, 2.0),
    (Contender::WithEffects, 8, Against::Dbos, 1.2),
    (Contender::WithEffects, 8, Against::DbosWithEffects, 1.2),
    (Contender::Pure, 8, Against::Pgbench, 0.5),
    (Contender::Pure, 1, Against::Pgbench, 0.9),
];

#[derive(Debug, Clone, Copy)]
enum Against {
    /// In steps a second.
    Dbos,
    /// In steps a second, doing the same.
    DbosWithEffects,
    /// In commits a second.
    Pgbench,
}

impl Against {
    fn name(self) -> &'static str {
        match self {
            Self::Dbos => "x DBOS",
            Self::DbosWithEffects => "x DBOS that does the same",
            Self::Pgbench => "x pgbench",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Nothing for pgbench, which has no steps.
    pub(crate) steps_per_second: Option<f64>,
    /// Transactions that wrote.
    pub(crate) commits_per_second: f64,
    /// Milliseconds of a workflow: the median, and what 99 of 100 stay under.
    pub(crate) latency: Option<(f64, f64)>,
    pub(crate) counted: Counted,
}

pub(crate) struct Cell {
    pub(crate) round: usize,
    pub(crate) concurrency: usize,
    pub(crate) contender: Contender,
    pub(crate) measured: Measured,
}

#[derive(Default)]
pub(crate) struct Table {
    cells: Vec<Cell>,
}

/// The median of the rounds, and their range.
#[derive(Debug, Clone, Copy)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self { least, median: values[values.len() / 2], most })
    }

    fn told(self, decimals: usize) -> String {
        let Self { least, median, most } = self;
        format!("{median:.decimals$} ({least:.decimals$}-{most:.decimals$})")
    }
}

impl Table {
    pub(crate) fn add(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    pub(crate) fn print(&self, concurrency: usize) {
        println!();
        println!("**{concurrency} concurrent**, medians (ranges)\n");
        println!(
            "| | steps/s | commits/s | p50 ms | p99 ms | x DBOS | x pgbench | transactions | \
             writing | WAL syncs |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        for contender in Contender::ALL {
            let spread = |pick: &dyn Fn(&Measured) -> Option<f64>| {
                let cells = self.of(contender, concurrency);
                Spread::of(cells.filter_map(|cell| pick(&cell.measured)).collect())
            };
            let told = |spread: Option<Spread>, decimals| {
                spread.map_or_else(|| "-".to_owned(), |spread| spread.told(decimals))
            };
            let median = |spread: Option<Spread>, decimals: usize| {
                spread.map_or_else(|| "-".to_owned(), |s| format!("{:.decimals$}", s.median))
            };
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                contender.name(),
                told(spread(&|cell| cell.steps_per_second), 0),
                told(spread(&|cell| Some(cell.commits_per_second)), 0),
                median(spread(&|cell| cell.latency.map(|(p50, _)| p50)), 1),
                median(spread(&|cell| cell.latency.map(|(_, p99)| p99)), 1),
                told(self.ratio(contender, concurrency, Against::Dbos), 2),
                told(self.ratio(contender, concurrency, Against::Pgbench), 2),
                median(spread(&|cell| Some(cell.counted.transactions)), 2),
                median(spread(&|cell| Some(cell.counted.writes)), 2),
                median(spread(&|cell| Some(cell.counted.syncs)), 2),
            );
        }
        println!("\nThe last three columns are for each workflow; for pgbench, for each insert.");
    }

    /// Says of each target whether the median reaches it.
    pub(crate) fn judge(&self) {
        println!();
        for (contender, concurrency, against, wanted) in TARGETS {
            let Some(ratio) = self.ratio(contender, concurrency, against) else { continue };
            println!(
                "{}: {} at {concurrency}: {} {}, wanted {wanted:.1}",
                if ratio.median >= wanted { "reached" } else { "MISSED" },
                contender.name(),
                ratio.told(2),
                against.name(),
            );
        }
    }

    /// How often as fast as another in the same round.
    fn ratio(&self, contender: Contender, concurrency: usize, against: Against) -> Option<Spread> {
        let (other, pick): (_, fn(&Measured) -> Option<f64>) = match against {
            Against::Dbos => (Contender::Dbos, |cell| cell.steps_per_second),
            Against::DbosWithEffects => (Contender::DbosWithEffects, |cell| cell.steps_per_second),
            Against::Pgbench => (Contender::Pgbench, |cell| Some(cell.commits_per_second)),
        };
        let ratios = self.of(contender, concurrency).filter_map(|cell| {
            let other = self.of(other, concurrency).find(|other| other.round == cell.round)?;
            Some(pick(&cell.measured)? / pick(&other.measured)?)
        });
        Spread::of(ratios.collect())
    }

    fn of(&self, contender: Contender, concurrency: usize) -> impl Iterator<Item = &Cell> {
        let is_it =
            move |cell: &&Cell| cell.contender == contender && cell.concurrency == concurrency;
        self.cells.iter().filter(is_it)
    }
}
