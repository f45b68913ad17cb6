//! What happened, in order: a running hash always, lines of text when somebody wants to read them.

/// The trace of a run. Two runs of one seed have equal traces.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    marks: Vec<u64>,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace, with lines if `is_read`.
    #[must_use]
    pub fn new(is_read: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, marks: Vec::new(), lines: is_read.then(Vec::new) }
    }

    /// Adds an event: its numbers and bytes to the hash, its text to the lines.
    pub fn note(&mut self, numbers: &[u64], bytes: &[u8], line: impl FnOnce() -> String) {
        for number in numbers {
            self.mix(*number);
        }
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            self.mix(u64::from_le_bytes(word));
        }
        self.marks.push(self.hash);
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// The hash over everything so far.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// The hash after each event.
    #[must_use]
    pub fn marks(&self) -> &[u64] {
        &self.marks
    }

    /// The lines, if kept.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Whether lines are kept.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.lines.is_some()
    }

    const fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash ^= self.hash >> 29;
    }
}
