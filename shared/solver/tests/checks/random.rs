//! Random programs: what is proved never fails in a thousand runs, and every counterexample
//! fails where it says.

use std::time::Duration;

use crate::programs::{PARAMETERS, program};
use crate::world::z3;
use cpu_time::CpuTime;
use formal::{Clock, Counterexample, Verdict, check, run_on};

/// More were tried by hand; these take seconds.
const PROGRAMS: u64 = 30;
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);
const RUNS: usize = 1000;

/// Values where arithmetic of 32 bits turns, and small ones where guards do.
const EDGES: [i128; 11] =
    [0, 1, -1, 2, 3, 7, -8, 2_147_483_647, -2_147_483_648, 2_147_483_646, 46_341];

#[test]
fn proofs_hold_and_counterexamples_fail() {
    let mut solver = z3();
    let (mut proved, mut examples, mut fired) = (0, 0, 0);
    for seed in 0..PROGRAMS {
        let program = program(seed);
        let clock = CpuTime::start();
        let time_is_up = || clock.spent() > FUNCTION_TIME_MAX;
        let report = check(&program, 0, &mut solver, Clock::new(&time_is_up));
        for found in &report.checks {
            match &found.verdict {
                Verdict::Proved => proved += 1,
                Verdict::Refuted(example) | Verdict::CallerDependent(example) => {
                    examples += 1;
                    let failed = run_on(&program, 0, &integers(example));
                    let own = (found.site, found.kind);
                    assert!(failed.contains(&own), "seed {seed}: {found:?} gives {failed:?}");
                }
                Verdict::Unknown(_) => {}
            }
        }
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..RUNS {
            let integers: Vec<i128> = (0..PARAMETERS).map(|_| value(&mut random)).collect();
            for (site, kind) in run_on(&program, 0, &integers) {
                fired += 1;
                let verdict = report.checks.iter().find(|it| it.site == site && it.kind == kind);
                let verdict = verdict.map(|it| &it.verdict);
                assert_ne!(
                    verdict,
                    Some(&Verdict::Proved),
                    "seed {seed}: {kind:?} at {site} fails for {integers:?}"
                );
            }
        }
    }
    println!("{proved} proved, {examples} counterexamples, {fired} failures in concrete runs");
    assert!(proved > 50 && fired > 1000, "the programs test nothing");
}

fn value(random: &mut fastrand::Rng) -> i128 {
    match random.u8(0..3) {
        0 => EDGES[random.usize(0..EDGES.len())],
        1 => i128::from(random.i32(-10..10)),
        _ => i128::from(random.i32(..)),
    }
}

/// The parameters `p0`, `p1`, … of a counterexample; what it leaves out does not matter.
fn integers(example: &Counterexample) -> Vec<i128> {
    (0..PARAMETERS)
        .map(|index| {
            let own = example.inputs.iter().find(|(name, _)| *name == format!("p{index}"));
            own.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
        })
        .collect()
}
