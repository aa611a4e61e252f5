//! Where a new worktree goes: `treehop.path`, and the name that a branch gives a directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};

use crate::error::{Exit, Failure};

/// What the placeholders of `treehop.path` stand for.
#[derive(Debug)]
pub struct Names {
    /// `{repo}`
    pub repo: BString,
    /// `{branch}`; without a branch what was asked for instead
    pub branch: BString,
    /// `{name}`: what the user called it, else the slug. `{slug}` is that too: a name that was chosen is to be seen.
    pub name: BString,
}

/// A branch's name as a directory's: everything outside `A-Za-z0-9._` as a single `-`, none at the ends.
pub fn slug(branch: &BStr) -> BString {
    let mut slug = BString::default();
    for byte in branch.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' {
            slug.push(byte);
        } else if !slug.is_empty() && slug.last() != Some(&b'-') {
            slug.push(b'-');
        }
    }
    if slug.last() == Some(&b'-') {
        slug.pop();
    }
    // Nothing is left of a name in another script, or `..` of one that would lead out.
    if slug.iter().all(|byte| *byte == b'.') {
        slug = "branch".into();
    }
    slug
}

/// The name that `--name` gives.
///
/// # Errors
/// [`Exit::Usage`] where it is no name for a directory.
pub fn chosen(name: &OsStr) -> Result<BString> {
    let name = BString::from(name.as_bytes());
    if name.is_empty() || name == "." || name == ".." || name.contains(&b'/') || lines(&name) {
        let message = format!("'{name}' is no name for a directory");
        return Err(Failure::new(Exit::Usage, message)
            .hint("--path takes a whole path")
            .into());
    }
    Ok(name)
}

/// What `template` names, relative to `root`.
///
/// # Errors
/// [`Exit::Usage`] for a placeholder that there is not.
pub fn expand(template: &BStr, names: &Names, root: &Path) -> Result<PathBuf> {
    let mut path = vec![];
    let mut rest = template.as_bytes();
    while let Some((before, after)) = rest.split_once_str(b"{") {
        path.push_str(before);
        let (key, after) = after.split_once_str(b"}").unwrap_or((after, b""));
        path.push_str(match key {
            b"repo" => &names.repo,
            b"branch" => &names.branch,
            b"slug" | b"name" => &names.name,
            _ => {
                let message = format!("treehop.path holds '{{{}}}'", key.as_bstr());
                return Err(Failure::new(Exit::Usage, message)
                    .hint("it knows {repo}, {branch}, {slug} and {name}")
                    .into());
            }
        });
        rest = after;
    }
    path.push_str(rest);
    let path = match (path.strip_prefix(b"~/"), dirs::home_dir()) {
        (Some(rest), Some(home)) => home.join(OsStr::from_bytes(rest)),
        _ => PathBuf::from(OsString::from_vec(path)),
    };
    absolute(&path, root)
}

/// `path` from `dir`, with the links in the part of it that exists resolved, as git writes it down.
///
/// # Errors
/// [`Exit::Usage`] where it holds a newline, which no shell could read from us.
pub fn absolute(path: &Path, dir: &Path) -> Result<PathBuf> {
    if lines(path.as_os_str().as_bytes()) {
        return Err(
            Failure::new(Exit::Usage, "a worktree's path cannot hold a newline")
                .hint("--path DIR chooses another place")
                .into(),
        );
    }
    let mut real = PathBuf::from("/");
    for part in dir.join(path).components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(part) => {
                real.push(part);
                real = real.canonicalize().unwrap_or(real);
            }
            _ => {}
        }
    }
    Ok(real)
}

fn lines(text: &[u8]) -> bool {
    text.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::quick;
    use proptest::prelude::*;

    fn names(branch: &str) -> Names {
        Names {
            repo: "app".into(),
            branch: branch.into(),
            name: slug(branch.into()),
        }
    }

    #[test]
    fn a_slug_is_one_plain_word() {
        for (branch, expected) in [
            ("feature/auth", "feature-auth"),
            ("fix//$(id) `x`", "fix-id-x"),
            ("v1.2_3", "v1.2_3"),
            ("-a-", "a"),
            ("日本", "branch"),
            ("..", "branch"),
        ] {
            assert_eq!(slug(branch.into()), expected, "{branch}");
        }
        assert_eq!(slug(b"a\xff\xfeb".as_bstr()), "a-b");
    }

    #[test]
    fn a_template_is_expanded_once() {
        let root = Path::new("/nowhere/app");
        let at = |template: &str, branch: &str| expand(template.into(), &names(branch), root);
        let is = |template, branch, path: &str| {
            assert_eq!(at(template, branch).unwrap(), Path::new(path), "{template}");
        };
        is("../{repo}-{slug}", "a/b", "/nowhere/app-a-b");
        is("../{repo}.wt/{branch}", "a/b", "/nowhere/app.wt/a/b");
        is(".wt/{name}", "{repo}", "/nowhere/app/.wt/repo");
        is("../{branch}", "{slug}", "/nowhere/{slug}");
        is("/x/{slug}", "a", "/x/a");
        assert!(at("{x}", "a").is_err());
        assert!(at("a\nb", "a").is_err());
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for name in ["", ".", "..", "a/b", "a\nb"] {
            assert!(chosen(OsStr::new(name)).is_err(), "{name}");
        }
        assert_eq!(chosen(OsStr::new("-x y")).unwrap(), "-x y");
    }

    proptest! {
        #![proptest_config(quick())]

        #[test]
        fn no_branch_leads_out_of_the_template(branch in ".{0,40}", before in "[a-z./-]{0,8}") {
            let names = Names {
                repo: "repo".into(),
                branch: branch.as_str().into(),
                name: slug(branch.as_str().into()),
            };
            let place = expand(format!("/none/{before}{{slug}}").as_bytes().as_bstr(), &names, Path::new("/x")).unwrap();
            let other = expand(format!("/none/{before}name").as_bytes().as_bstr(), &names, Path::new("/x")).unwrap();
            prop_assert_eq!(place.parent(), other.parent());
        }
    }
}
