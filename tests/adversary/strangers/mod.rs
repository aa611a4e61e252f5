//! Walking into a stranger's repository: nothing that it contains runs.

mod places;
mod shells;
mod traps;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::Repo;

/// Whatever runs one of these leaves its name behind.
struct Canaries(PathBuf);

impl Canaries {
    fn new(repo: &Repo) -> Canaries {
        let dir = repo.scratch.root.join("canaries");
        fs::create_dir_all(&dir).unwrap();
        Canaries(dir)
    }

    /// The text of a program that does nothing but to be noticed.
    fn script(&self, name: &str) -> String {
        format!("#!/bin/sh\n: >'{}'\n", self.0.join(name).display())
    }

    /// Makes `file` such a program.
    fn at(&self, file: &Path, name: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, self.script(name)).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Such a program outside of the repository, for a setting that names one.
    fn program(&self, name: &str) -> String {
        let file = self.0.with_file_name(format!("run-{name}"));
        self.at(&file, name);
        file.to_str().unwrap().to_owned()
    }

    /// What ran since this was asked last.
    fn ran(&self) -> Vec<String> {
        let all = fs::read_dir(&self.0).unwrap().flatten();
        let mut names: Vec<String> = all
            .map(|file| {
                fs::remove_file(file.path()).unwrap();
                file.file_name().into_string().unwrap()
            })
            .collect();
        names.sort();
        names
    }
}
