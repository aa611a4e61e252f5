//! Walking into a stranger's repository: nothing that it contains runs.
