use crate::terms::terms;

terms! {
    /// What becomes of the slots that came while nobody could see to them.
    CatchUp ("way to catch up") {
        /// The newest of them is run, once; the others are counted.
        Latest = "latest",
        /// None of them is run.
        Skip = "skip",
    }
}

terms! {
    /// Why a slot of a schedule was not run.
    SkipReason ("reason to skip") {
        /// The run of an earlier slot was not over.
        Overlap = "overlap",
        /// It was noticed too late, and the schedule does not catch up.
        Late = "late",
        /// The schedule itself can no longer be read.
        Unreadable = "unreadable",
    }
}
