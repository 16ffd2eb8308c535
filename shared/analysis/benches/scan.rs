//! What the rules cost beside what parsing costs, over code that is made the same way each time.
//!
//! Most of the code is harmless, as code is; every fortieth function holds something to find.
//! With `ASSAY_BENCH_CORPUS=/some/folder` real code is measured as well.

use std::{fmt::Write, fs, hint::black_box, path::Path, time::Instant};

use analysis::{Clock, Part, parse, scan};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{CommitSha, Snapshot, SourceFile};

const FILES_PER_LANGUAGE: usize = 12;
const FUNCTIONS_PER_FILE: usize = 60;
const FLAW_EVERY: usize = 40;

/// Rounds from which the printed ratio takes its median.
const ROUNDS: usize = 5;

struct Template {
    extension: &'static str,
    start: &'static str,
    harmless: &'static str,
    flawed: &'static str,
    end: &'static str,
}

const TEMPLATES: [Template; 5] = [
    Template {
        extension: "py",
        start: "import os\nimport json\n\n\nclass Service:\n",
        harmless: "    def handle_N(self, items, limit=10):\n        \"\"\"Collects what is due.\"\"\"\n        result = []\n        for item in items[:limit]:\n            if item.get('state') == 'open' and item['count'] > N:\n                result.append({'id': item['id'], 'text': f\"{item['name']}: {N}\"})\n            else:\n                self.log.info('skipped %s', item['id'])\n        return json.dumps(result)\n\n",
        flawed: "    def run_N(self, name):\n        os.system('convert ' + name)\n        return self.db.execute(f\"SELECT * FROM t WHERE name = '{name}'\")\n\n",
        end: "",
    },
    Template {
        extension: "ts",
        start: "import { log } from './log';\n\n",
        harmless: "export async function handleN(items: Item[], limit = 10): Promise<Row[]> {\n  const rows: Row[] = [];\n  for (const item of items.slice(0, limit)) {\n    if (item.state === 'open' && item.count > N) {\n      rows.push({ id: item.id, text: `${item.name}: ${item.count}` });\n    } else {\n      log.info('skipped', { id: item.id });\n    }\n  }\n  return rows.filter((row) => row.text.length > 0);\n}\n\n",
        flawed: "export function runN(name: string) {\n  element.innerHTML = '<b>' + name + '</b>';\n  return db.query(`SELECT * FROM t WHERE name = '${name}'`);\n}\n\n",
        end: "",
    },
    Template {
        extension: "go",
        start: "package service\n\nimport \"os/exec\"\n\n",
        harmless: "func handleN(items []Item, limit int) ([]Row, error) {\n\trows := make([]Row, 0, limit)\n\tfor index, item := range items {\n\t\tif index >= limit {\n\t\t\tbreak\n\t\t}\n\t\tif item.State == \"open\" && item.Count > N {\n\t\t\trows = append(rows, Row{ID: item.ID, Text: item.Name})\n\t\t}\n\t}\n\treturn rows, nil\n}\n\n",
        flawed: "func runN(name string) error {\n\treturn exec.Command(\"sh\", \"-c\", \"convert \"+name).Run()\n}\n\n",
        end: "",
    },
    Template {
        extension: "java",
        start: "package shop;\n\nclass Service {\n",
        harmless: "    List<Row> handleN(List<Item> items, int limit) {\n        List<Row> rows = new ArrayList<>();\n        for (Item item : items) {\n            if (item.getState().equals(\"open\") && item.getCount() > N) {\n                rows.add(new Row(item.getId(), item.getName() + \": N\"));\n            } else {\n                log.info(\"skipped {}\", item.getId());\n            }\n        }\n        return rows;\n    }\n\n",
        flawed: "    ResultSet runN(Statement statement, String name) {\n        return statement.executeQuery(\"SELECT * FROM t WHERE name = '\" + name + \"'\");\n    }\n\n",
        end: "}\n",
    },
    Template {
        extension: "rs",
        start: "use std::process::Command;\n\n",
        harmless: "pub fn handle_N(items: &[Item], limit: usize) -> Vec<Row> {\n    let mut rows = Vec::with_capacity(limit);\n    for item in items.iter().take(limit) {\n        match item.state {\n            State::Open if item.count > N => rows.push(Row { id: item.id, text: item.name.clone() }),\n            State::Open | State::Closed => log::info!(\"skipped {}\", item.id),\n        }\n    }\n    rows\n}\n\n",
        flawed: "pub fn run_N(name: &str) {\n    Command::new(\"sh\").arg(\"-c\").arg(format!(\"convert {name}\")).status();\n}\n\n",
        end: "",
    },
];

fn corpus() -> Snapshot {
    let mut files = Vec::new();
    for template in &TEMPLATES {
        for file in 0..FILES_PER_LANGUAGE {
            let mut text = template.start.to_owned();
            for function in 0..FUNCTIONS_PER_FILE {
                let number = file * FUNCTIONS_PER_FILE + function;
                let flawed = number.is_multiple_of(FLAW_EVERY);
                let body = if flawed { template.flawed } else { template.harmless };
                text.push_str(&body.replace('N', &number.to_string()));
            }
            text.push_str(template.end);
            let mut path = String::from("src/");
            let _ = write!(path, "file_{file}.{}", template.extension);
            files.push(SourceFile { path, bytes: text.into_bytes() });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let commit: CommitSha = "a".repeat(40).parse().expect("forty hex digits");
    Snapshot { commit, files, left_out: Vec::new() }
}

fn median(mut work: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

/// The files of a folder that are code.
fn read_into(files: &mut Vec<SourceFile>, folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read_into(files, &path);
        } else if let Ok(bytes) = fs::read(&path) {
            files.push(SourceFile { path: path.to_string_lossy().into_owned(), bytes });
        }
    }
}

/// Memory that is held by now, from the kernel.
fn resident_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kilobytes: f64 =
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    kilobytes / 1024.0
}

/// What the first small file of each language costs, before anything is warm.
fn cold_start() {
    let commit: CommitSha = "a".repeat(40).parse().expect("forty hex digits");
    for template in &TEMPLATES {
        let text = format!("{}{}{}", template.start, template.flawed, template.end);
        let path = format!("src/first.{}", template.extension);
        let files = vec![SourceFile { path: path.clone(), bytes: text.into_bytes() }];
        let snapshot = Snapshot { commit: commit.clone(), files, left_out: Vec::new() };
        let (before, start) = (resident_megabytes(), Instant::now());
        let found = scan(&snapshot, &Clock::unlimited()).findings.len();
        println!(
            "first {path}: {:.1} ms, {:.1} MB, {found} findings",
            start.elapsed().as_secs_f64() * 1000.0,
            resident_megabytes() - before,
        );
    }
}

/// What this thread used of a processor, whatever else the machine does meanwhile.
fn processor_seconds(work: impl FnOnce() -> usize) -> f64 {
    let used = || {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
        nanoseconds.unwrap_or(f64::NAN) / 1e9
    };
    let before = used();
    black_box(work());
    used() - before
}

fn all_and_half(name: &str, files: &[SourceFile]) {
    let (all, half) = (Part::of_rules(1), Part::of_rules(2));
    let lines: usize =
        files.iter().map(|file| file.bytes.iter().filter(|byte| **byte == b'\n').count()).sum();
    // In turns, so that a busy machine disturbs both alike.
    let (mut with_all, mut with_half) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        with_all = with_all.min(processor_seconds(|| all.run(files)));
        with_half = with_half.min(processor_seconds(|| half.run(files)));
    }
    println!(
        "{name}: {} rules {:.0} lines/s with {} matches, {} rules {:.0} lines/s, ratio {:.3}",
        all.rules(),
        lines as f64 / with_all,
        all.run(files),
        half.rules(),
        lines as f64 / with_half,
        with_all / with_half,
    );
}

fn parse_and_scan(criterion: &mut Criterion) {
    cold_start();
    let snapshot = corpus();
    let clock = Clock::unlimited();
    let lines = parse(&snapshot, &clock).coverage.lines;
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10).throughput(Throughput::Elements(lines));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(parse(&snapshot, &clock)));
    });
    group.bench_function("scan", |bencher| {
        bencher.iter(|| black_box(scan(&snapshot, &clock)));
    });
    group.finish();

    let parsing = median(|| drop(black_box(parse(&snapshot, &clock))));
    let scanning = median(|| drop(black_box(scan(&snapshot, &clock))));
    println!(
        "{lines} lines, {} findings: parse {:.0} lines/s, scan {:.0} lines/s, scan/parse {:.2}",
        scan(&snapshot, &clock).findings.len(),
        lines as f64 / parsing,
        lines as f64 / scanning,
        scanning / parsing,
    );
    all_and_half("generated code", &snapshot.files);
    if let Some(folder) = option_env!("ASSAY_BENCH_CORPUS") {
        let mut files = Vec::new();
        read_into(&mut files, Path::new(folder));
        all_and_half(folder, &files);
    }
}

criterion_group!(benches, parse_and_scan);
criterion_main!(benches);
