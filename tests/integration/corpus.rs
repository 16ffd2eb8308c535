//! The fuzzers' corpus, on any compiler: nothing in it may panic a parser, or keep it for long.

use std::{path::Path, time::Duration};

use tests::foreign::PARSERS;

/// Generous for an unoptimised build on a busy machine; a parser that hangs takes for ever.
const ENTRY_TIME_MAX: Duration = Duration::from_secs(60);

#[test]
fn no_kept_input_breaks_a_parser() {
    for (name, parser) in PARSERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let entries = std::fs::read_dir(&folder).expect("each parser has a corpus");
        let mut count = 0;
        for entry in entries {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let (done, finished) = std::sync::mpsc::channel();
            let parser = *parser;
            std::thread::spawn(move || {
                parser(&bytes);
                done.send(()).unwrap();
            });
            let outcome = finished.recv_timeout(ENTRY_TIME_MAX);
            assert!(outcome.is_ok(), "{name}: {} {outcome:?}", path.display());
            count += 1;
        }
        assert!(count >= 3, "{name} has next to no corpus");
    }
}

#[test]
fn every_fuzz_target_is_run_here_too() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    for entry in std::fs::read_dir(targets).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(PARSERS.iter().any(|(known, _)| *known == name), "{name} is not in PARSERS");
    }
}
