//! How far apart regions are: round trips in milliseconds, built in or from a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

/// Round trips between three AWS regions in milliseconds, cloudping.co, sample of early 2023; the
/// mean of both ways.
const BUILT_IN: [(&str, &str, f64); 3] = [
    ("eu-central-1", "eu-west-1", 26.5),
    ("eu-central-1", "us-east-1", 91.5),
    ("eu-west-1", "us-east-1", 69.5),
];

/// Round trips by pair of regions, in microseconds; the pair in order of name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Latencies(BTreeMap<(String, String), u32>);

impl Latencies {
    /// What is known without a file.
    pub(crate) fn built_in() -> Self {
        let pairs = BUILT_IN.iter().map(|(a, b, millis)| {
            ((String::from(*a), String::from(*b)), micros(*millis).expect("a sane constant"))
        });
        Self(pairs.collect())
    }

    /// Reads a matrix: a first line with the regions' names, then a line per region with its name and
    /// its round trips in milliseconds. The two directions of a pair are averaged.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| {
            format!("{} is no matrix of round trips in milliseconds", path.display())
        })
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let heading = lines.next().context("it is empty")?;
        let names: Vec<&str> = heading.split(',').skip(1).map(str::trim).collect();
        let mut pairs: BTreeMap<(String, String), u32> = BTreeMap::new();
        for line in lines {
            let mut cells = line.split(',').map(str::trim);
            let from = cells.next().unwrap_or_default();
            for (to, cell) in names.iter().zip(cells) {
                let millis: f64 =
                    cell.parse().with_context(|| format!("{from} to {to}: `{cell}`"))?;
                let us = micros(millis).with_context(|| format!("{from} to {to}: `{cell}`"))?;
                let mean = |known: u32| known.midpoint(us);
                pairs.entry(pair(from, to)).and_modify(|known| *known = mean(*known)).or_insert(us);
            }
        }
        ensure!(!pairs.is_empty(), "it has no rows");
        Ok(Self(pairs))
    }

    /// The round trip between two regions in microseconds.
    pub(crate) fn round_trip_us(&self, a: &str, b: &str) -> anyhow::Result<u32> {
        self.0.get(&pair(a, b)).copied().with_context(|| {
            let known: std::collections::BTreeSet<&str> =
                self.0.keys().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            format!(
                "no round trip is known between {a} and {b}; known regions: {known}. Give a matrix \
                 with --latency"
            )
        })
    }
}

fn pair(a: &str, b: &str) -> (String, String) {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    (low.to_owned(), high.to_owned())
}

/// Milliseconds from 0 to 10 s as microseconds.
fn micros(millis: f64) -> Option<u32> {
    if !(0.0..=10_000.0).contains(&millis) {
        return None;
    }
    // 1 ms is the finest figure in such tables; half of one is kept.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Some((millis * 1_000.0).round() as u32)
}

#[cfg(test)]
mod tests;
