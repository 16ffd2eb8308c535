/// What one rule may still spend.
pub(super) struct Fuel<'a> {
    pub(super) rule: u64,
    pub(super) file: &'a mut u64,
}

impl Fuel<'_> {
    /// `false`: there was not enough.
    pub(super) fn burn(&mut self, steps: u64) -> bool {
        let enough = self.rule > steps && *self.file > steps;
        self.rule = self.rule.saturating_sub(steps);
        *self.file = self.file.saturating_sub(steps);
        enough
    }

    pub(super) fn left(&self) -> u64 {
        self.rule.min(*self.file)
    }
}
