//! Cuts the files of a snapshot into ranges, so that many workers share them.

use std::ops::Range;

/// Most files that one shard is given, as long as the shards suffice.
const FILES_PER_SHARD: usize = 500;
/// A shard is full when its files have this many bytes together, as long as the shards suffice:
/// as much as is examined well within one invocation.
const BYTES_PER_SHARD: u64 = 8 * 1024 * 1024;
/// Most shards of one scan: each costs a run, a message, and a reading of the snapshot.
const SHARDS_MAX: usize = 150;

/// As many ranges over so many files, as long as there are files for them; of one size, or one
/// more.
pub(super) fn into(shards: usize, files: usize) -> Vec<Range<usize>> {
    let shards = shards.clamp(1, SHARDS_MAX).min(files);
    (0..shards).map(|shard| files * shard / shards..files * (shard + 1) / shards).collect()
}

/// Ranges over files of these sizes, in their order: every file is in exactly one.
pub(super) fn ranges(sizes: &[u64]) -> Vec<Range<usize>> {
    let (mut files, mut bytes) = (FILES_PER_SHARD, BYTES_PER_SHARD);
    loop {
        let ranges = cut(sizes, files, bytes);
        if ranges.len() <= SHARDS_MAX {
            return ranges;
        }
        // Larger shards take longer; none of the files is left out.
        (files, bytes) = (files * 2, bytes * 2);
    }
}

fn cut(sizes: &[u64], files_max: usize, bytes_full: u64) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut first, mut bytes) = (0, 0_u64);
    for (index, size) in sizes.iter().enumerate() {
        bytes += size;
        if index + 1 - first == files_max || bytes >= bytes_full {
            ranges.push(first..index + 1);
            (first, bytes) = (index + 1, 0);
        }
    }
    if first < sizes.len() {
        ranges.push(first..sizes.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_full_by_files_or_by_bytes() {
        let lengths = |sizes: &[u64]| -> Vec<usize> {
            ranges(sizes).into_iter().map(|range| range.len()).collect()
        };
        assert!(lengths(&[]).is_empty());
        assert_eq!(lengths(&[0]), [1]);
        assert_eq!(lengths(&[1; FILES_PER_SHARD]), [FILES_PER_SHARD]);
        assert_eq!(lengths(&[1; FILES_PER_SHARD + 1]), [FILES_PER_SHARD, 1]);
        let large = [1, BYTES_PER_SHARD, BYTES_PER_SHARD - 2, 1, 1, 1];
        assert_eq!(lengths(&large), [2, 3, 1]);
    }

    #[test]
    fn a_wanted_number_of_shards_is_had_where_there_are_files_for_them() {
        for files in [0, 1, 2, 6, 7, 8, 100, 1_001] {
            for shards in [0, 1, 2, 3, 7, SHARDS_MAX, usize::MAX] {
                let ranges = into(shards, files);
                assert_eq!(ranges.len(), shards.clamp(1, SHARDS_MAX).min(files));
                let ends = ranges.first().zip(ranges.last());
                assert_eq!(ends.map_or(0, |(first, last)| last.end - first.start), files);
                assert!(ranges.windows(2).all(|two| two[0].end == two[1].start));
                let lengths = ranges.iter().map(ExactSizeIterator::len);
                assert!(lengths.clone().max().unwrap_or(0) <= lengths.min().unwrap_or(0) + 1);
            }
        }
    }

    #[test]
    fn every_file_is_in_exactly_one_shard_and_there_are_never_too_many_shards() {
        let most = 50_000;
        let cases = [
            vec![1; most],
            vec![5_000; most],
            vec![BYTES_PER_SHARD; SHARDS_MAX * 3 + 1],
            (0..most as u64).map(|n| n * n % 100_000).collect(),
        ];
        for sizes in cases {
            let ranges = ranges(&sizes);
            assert!(ranges.len() <= SHARDS_MAX, "{}", ranges.len());
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, sizes.len()));
            assert!(ranges.windows(2).all(|two| two[0].end == two[1].start));
            assert!(ranges.iter().all(|range| !range.is_empty()));
        }
    }
}
