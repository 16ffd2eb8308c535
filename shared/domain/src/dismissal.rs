use crate::terms::terms;

terms! {
    /// Why people live with a finding; the rest they say in their own words.
    Ground ("ground") {
        /// It is not what the rule takes it for.
        FalsePositive = "false_positive",
        /// It is, and the risk is carried.
        AcceptedRisk = "accepted_risk",
        /// It is, in code that no user meets.
        TestCode = "test_code",
        /// It is, and something else keeps it from doing harm.
        Mitigated = "mitigated",
        Other = "other",
    }
}
