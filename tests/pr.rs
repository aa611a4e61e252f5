//! `treehop pr`: real git with a bare remote on disk, the real gh with an API on a socket, and a stand-in for glab, which
//! no registry has.

#[path = "it/common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with tests/it")]
mod common;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use common::{Repo, tools};

const FAILED: i32 = 1;
const AMBIGUOUS: i32 = 4;
const REFUSED: i32 = 5;
const GITHUB: &str = "git@github.com:me/app.git";

/// A repository with a bare remote `origin`, and a worktree with a commit of its own.
struct World {
    repo: Repo,
    origin: PathBuf,
    auth: PathBuf,
    env: Vec<(&'static str, OsString)>,
}

impl World {
    fn new() -> World {
        let world = World::without_remote();
        world.remote("origin");
        world
    }

    fn without_remote() -> World {
        let repo = Repo::new();
        let auth = repo.worktree("feature/auth");
        repo.commit(&auth, "auth.py", "one\n");
        World {
            origin: repo.scratch.root.join("origin.git"),
            auth,
            repo,
            env: vec![],
        }
    }

    /// A bare repository beside, as a remote.
    fn remote(&self, name: &str) -> PathBuf {
        let path = self.repo.scratch.root.join(format!("{name}.git"));
        let path = path.to_str().unwrap();
        self.repo.git(["clone", "-q", "--bare", ".", path]);
        self.repo
            .git(["--git-dir", path, "branch", "-q", "-D", "feature/auth"]);
        self.repo.git(["remote", "add", name, path]);
        self.repo.git(["fetch", "-q", name]);
        path.into()
    }

    /// With `origin` behind an address that only ssh goes to: a stand-in for ssh goes to the disk.
    fn at(address: &str) -> World {
        let mut world = World::new();
        world.repo.git(["remote", "set-url", "origin", address]);
        let ssh = world.repo.scratch.script(
            "ssh-stand-in",
            &format!(
                "for last; do :; done\ncase $last in\n\
                 git-receive-pack*) exec git receive-pack '{0}' ;;\n*) exec git upload-pack '{0}' ;;\nesac",
                world.origin.display()
            ),
        );
        world.env = vec![
            ("GIT_SSH_COMMAND", ssh.into()),
            ("GIT_SSH_VARIANT", "ssh".into()),
        ];
        world
    }

    fn out<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.repo.scratch.command(tools::treehop(), dir);
        command.arg("pr").args(args);
        command.envs(self.env.iter().cloned()).output().unwrap()
    }

    /// `treehop pr ARGS` in the worktree, which must succeed: what it says of the request, and to people.
    fn pr<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> (Value, String) {
        self.pr_in(&self.auth, args)
    }

    fn pr_in<A: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> (Value, String) {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        let args: Vec<OsString> = std::iter::once("pr".into()).chain(args).collect();
        let env: Vec<_> = self.env.iter().map(|(k, v)| (*k, v.as_os_str())).collect();
        let out = self.repo.scratch.treehop_env(dir, args, &env);
        (out.json()["pr"].take(), out.stderr)
    }

    /// The same where it must fail: what it says after all that git and other programs do.
    fn fails<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, status: i32) -> String {
        let out = self.out(&self.auth, args);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(status), "{said}");
        assert_eq!(out.stdout, b"", "{said}");
        assert!(said.contains("treehop: "), "{said}");
        said
    }

    /// A stand-in for a program: it writes its arguments down, one a line, then does `more`.
    fn stand_in(&self, name: &str, more: &str) {
        let script = format!("printf '%s\\n' \"$PWD\" \"$@\" '' >>\"$HOME/{name}-calls\"\n{more}");
        self.repo.scratch.script(name, &script);
    }

    /// The calls of a stand-in: the directory, then the arguments.
    fn calls(&self, name: &str) -> Vec<Vec<String>> {
        let file = self.repo.scratch.home.join(format!("{name}-calls"));
        let text = fs::read_to_string(file).unwrap_or_default();
        let calls = text.split_terminator("\n\n");
        calls
            .map(|call| call.lines().map(str::to_owned).collect())
            .collect()
    }

    /// Where a branch of a bare repository stands; nothing where there is none.
    fn on(&self, remote: &Path, branch: &str) -> String {
        let name = format!("refs/heads/{branch}");
        self.repo
            .git_in(remote, ["for-each-ref", "--format=%(objectname)", &name])
    }

    fn head(&self) -> String {
        self.repo.git_in(&self.auth, ["rev-parse", "HEAD"])
    }

    fn upstream(&self) -> String {
        self.repo
            .git_in(&self.auth, ["rev-parse", "--abbrev-ref", "@{upstream}"])
    }

    fn set(&self, key: &str, value: &str) {
        self.repo.git(["config", key, value]);
    }
}

// Where it goes.

#[test]
fn the_branch_is_pushed_and_tracked() {
    let world = World::new();
    let nowhere = "no request was opened: 'origin' is on no forge\n";
    let (pr, said) = world.pr([""; 0]);
    let here = json!({"remote": "origin", "branch": "feature/auth", "forge": null, "url": null, "created": false});
    assert_eq!(pr, here);
    assert_eq!(
        said,
        format!("pushed 'feature/auth' to origin, a new branch there\n{nowhere}")
    );
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
    assert_eq!(world.upstream(), "origin/feature/auth");
    // Again, by a query from elsewhere, with nothing new and with something.
    let (_, said) = world.pr_in(&world.repo.main, ["auth"]);
    let there = "'feature/auth' is on origin already, as it is here\n";
    assert_eq!(said, format!("{there}{nowhere}"));
    world.repo.commit(&world.auth, "auth.py", "two\n");
    let (_, said) = world.pr_in(&world.repo.main, ["auth"]);
    assert_eq!(said, format!("pushed 'feature/auth' to origin\n{nowhere}"));
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
    let out = world.out(&world.auth, ["--fields", "cd,branch,upstream.name"]);
    assert_eq!(out.stdout, b"\nfeature/auth\norigin/feature/auth\n");
}

#[test]
fn the_remote_is_the_one_that_git_would_choose() {
    let target = |settings: &[(&str, &str)], args: &[&str], remotes: &[&str]| {
        let world = World::without_remote();
        for remote in remotes {
            world.remote(remote);
        }
        for (key, value) in settings {
            world.set(key, value);
        }
        let (pr, _) = world.pr(args);
        let remote = pr["remote"].as_str().unwrap().to_owned();
        let path = world.repo.scratch.root.join(format!("{remote}.git"));
        assert_eq!(world.on(&path, "feature/auth"), world.head());
        assert_eq!(world.upstream(), format!("{remote}/feature/auth"));
        // What it follows as its base never moves.
        assert_eq!(
            world.on(&path, "main"),
            world.repo.git(["rev-parse", "main"])
        );
        remote
    };
    let (remote, merge) = ("branch.feature/auth.remote", "branch.feature/auth.merge");
    let pushed = [(remote, "fork"), (merge, "refs/heads/feature/auth")];
    let based = [(remote, "origin"), (merge, "refs/heads/main")];
    let local = [(remote, "."), (merge, "refs/heads/main")];
    let default = [("remote.pushDefault", "fork")];
    let two = ["fork", "origin"];
    assert_eq!(target(&[], &[], &["hub"]), "hub");
    assert_eq!(target(&[], &[], &two), "origin");
    assert_eq!(target(&[], &["--remote", "fork"], &two), "fork");
    assert_eq!(target(&[], &["@", "--remote", "fork"], &two), "fork");
    assert_eq!(target(&[], &["@", "--remote=fork"], &two), "fork");
    assert_eq!(target(&pushed, &[], &two), "fork");
    assert_eq!(target(&based, &[], &two), "origin");
    assert_eq!(target(&local, &[], &["hub"]), "hub");
    assert_eq!(target(&default, &[], &two), "fork");
    assert_eq!(
        target(&[based, [default[0]; 2]].concat(), &[], &two),
        "fork"
    );
    let other = [("remote.pushDefault", "origin")];
    assert_eq!(target(&[pushed, [other[0]; 2]].concat(), &[], &two), "fork");
    let own = [("branch.feature/auth.pushRemote", "fork"), other[0]];
    assert_eq!(target(&own, &[], &two), "fork");
}

#[test]
fn where_nothing_says_which_remote_one_is_asked_for() {
    let world = World::without_remote();
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("hint: git remote add origin"), "{said}");
    let (a, _) = (world.remote("a.b"), world.remote("c"));
    let said = world.fails([""; 0], AMBIGUOUS);
    assert!(said.contains("\n  a.b\n  c\n"), "{said}");
    let said = world.fails(["--remote", "d"], FAILED);
    assert!(said.contains("no remote 'd'"), "{said}");
    world.pr(["--remote", "a.b"]);
    assert_eq!(world.on(&a, "feature/auth"), world.head());
    // From then on it tracks that.
    world.pr([""; 0]);
}

#[test]
fn what_git_keeps_without_a_name_is_a_remote_too() {
    // As gh pr checkout leaves the branch of somebody's fork.
    let world = World::at(GITHUB);
    let address = "ssh://git:SECRET@github.com/them/app.git";
    world.set("branch.feature/auth.remote", address);
    world.set("branch.feature/auth.merge", "refs/heads/theirs");
    // Tracked alone it may as well be its base.
    assert_eq!(world.pr([""; 0]).0["branch"], "feature/auth");
    world.set("branch.feature/auth.remote", address);
    world.set("branch.feature/auth.merge", "refs/heads/theirs");
    world.set("branch.feature/auth.pushRemote", address);
    let (pr, said) = world.pr([""; 0]);
    assert_eq!(pr["remote"], "https://github.com/them/app");
    assert_eq!(pr["branch"], "theirs");
    assert_eq!(world.on(&world.origin, "theirs"), world.head());
    assert!(!format!("{pr}{said}").contains("SECRET"), "{pr} {said}");
}

#[test]
fn the_upstream_is_set_while_others_write_the_configuration() {
    let world = World::new();
    let lock = world.repo.main.join(".git/config.lock");
    fs::write(&lock, "").unwrap();
    let (held, pushed) = (lock.clone(), world.origin.join("refs/heads/feature/auth"));
    let other = std::thread::spawn(move || {
        while !pushed.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Git itself gives up at once.
        std::thread::sleep(Duration::from_millis(500));
        fs::remove_file(held).unwrap();
    });
    let (_, said) = world.pr([""; 0]);
    other.join().unwrap();
    assert!(said.contains("could not lock config file"), "{said}");
    assert_eq!(world.upstream(), "origin/feature/auth");
}

// What is refused.

#[test]
fn only_a_branch_of_ones_own_is_pushed() {
    let world = World::new();
    let refused = |dir: &Path, what: &str| {
        let before = world.repo.git_in(&world.origin, ["for-each-ref"]);
        let out = world.repo.scratch.treehop(dir, ["pr"]);
        let said = out.fails(REFUSED);
        assert!(said.contains(what) && said.contains("\nhint: "), "{said}");
        assert_eq!(world.repo.git_in(&world.origin, ["for-each-ref"]), before);
    };
    refused(
        &world.repo.main,
        "'main' is the branch that requests go into",
    );
    world.set("branch.feature/auth.remote", "origin");
    world.set("branch.feature/auth.merge", "refs/pull/12/head");
    refused(&world.auth, "'feature/auth' is request 12 already");
    world
        .repo
        .git(["config", "--remove-section", "branch.feature/auth"]);
    world.repo.rebase_in(&world.auth);
    refused(&world.auth, "in the middle of a rebase");
    world.repo.git_in(&world.auth, ["rebase", "--abort"]);
    world.repo.git_in(&world.auth, ["switch", "-q", "--detach"]);
    refused(&world.auth, "has no branch checked out");
    world
        .repo
        .git_in(&world.auth, ["switch", "-q", "--orphan", "new"]);
    refused(&world.auth, "no commit on 'new' yet");
    world
        .repo
        .scratch
        .treehop(&world.repo.main, ["pr", "nothing"])
        .fails(3);
}

#[test]
fn what_is_not_committed_stays_where_it_is() {
    let world = World::new();
    world
        .repo
        .scratch
        .write(world.auth.join("auth.py"), "changed\n");
    world.repo.scratch.write(world.auth.join("new.py"), "new\n");
    let before = world.repo.git_in(&world.auth, ["status", "--porcelain"]);
    let (_, said) = world.pr([""; 0]);
    assert!(
        said.contains("not pushed: 1 modified, 1 untracked"),
        "{said}"
    );
    assert_eq!(
        world.repo.git_in(&world.auth, ["status", "--porcelain"]),
        before
    );
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
}

#[test]
fn a_rejected_push_says_why_and_what_helps() {
    let world = World::new();
    world.pr([""; 0]);
    let first = world.head();
    let hint = |said: &str| {
        said.lines()
            .last()
            .unwrap()
            .strip_prefix("hint: ")
            .unwrap()
            .to_owned()
    };
    let run = |command: &str| {
        let mut shell = world
            .repo
            .scratch
            .command(tools::program("bash"), &world.repo.main);
        let out = shell.args(["-c", command]).output().unwrap();
        assert!(
            out.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    };
    // Somebody else has pushed.
    let other = world.repo.scratch.root.join("other");
    let (origin, clone) = (world.origin.to_str().unwrap(), other.to_str().unwrap());
    world
        .repo
        .git(["clone", "-q", "-b", "feature/auth", origin, clone]);
    world.repo.commit(&other, "theirs.py", "theirs\n");
    world.repo.git_in(&other, ["push", "-q"]);
    let theirs = world.on(&world.origin, "feature/auth");
    world.repo.commit(&world.auth, "ours.py", "ours\n");
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("has commits that are not here"), "{said}");
    assert_eq!(world.on(&world.origin, "feature/auth"), theirs);
    // Fetched, it is another word of git's for the same.
    world.repo.git(["fetch", "-q"]);
    let said = world.fails([""; 0], FAILED);
    assert!(
        said.contains("has commits that 'feature/auth' lacks"),
        "{said}"
    );
    run(&hint(&said));
    world.pr([""; 0]);
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
    // Rewritten here: it is never forced.
    let pushed = world.head();
    assert_ne!(pushed, first);
    world
        .repo
        .git_in(&world.auth, ["commit", "-q", "--amend", "-m", "better"]);
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("was rewritten here"), "{said}");
    assert_eq!(world.on(&world.origin, "feature/auth"), pushed);
    run(hint(&said).split_once(": ").unwrap().1);
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
}

#[test]
fn a_hook_that_refuses_is_heard() {
    let world = World::new();
    let hook = |file: PathBuf, script: &str| {
        world.repo.scratch.script("hook", script);
        fs::rename(world.repo.scratch.bin.join("hook"), file).unwrap();
    };
    let theirs = world.origin.join("hooks/pre-receive");
    hook(theirs.clone(), "echo 'no pushes on Fridays'\nexit 1");
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("no pushes on Fridays"), "{said}");
    assert!(
        said.contains("origin does not take 'feature/auth': pre-receive hook declined"),
        "{said}"
    );
    fs::remove_file(theirs).unwrap();
    hook(
        world.repo.main.join(".git/hooks/pre-push"),
        "cat\necho 'tests fail'\necho 'To see which: make'\nexit 1",
    );
    let said = world.fails([""; 0], FAILED);
    // Between the two git may have said something itself.
    assert!(said.contains("\ntests fail\n"), "{said}");
    assert!(said.contains("\nTo see which: make\n"), "{said}");
    assert!(
        said.contains("could not push 'feature/auth' to origin"),
        "{said}"
    );
    assert_eq!(world.on(&world.origin, "feature/auth"), "");
    // What a hook prints is for people, and no part of the document.
    hook(
        world.repo.main.join(".git/hooks/pre-push"),
        "echo 'To be sure:'\necho 'tests pass'",
    );
    let (_, said) = world.pr([""; 0]);
    assert!(
        said.starts_with("To be sure:\ntests pass\npushed"),
        "{said}"
    );
}

// Without a program.

#[test]
fn the_page_is_shown_where_no_program_opens_a_request() {
    for (address, forge, page) in [
        (
            GITHUB,
            "github",
            "https://github.com/me/app/pull/new/feature/auth",
        ),
        (
            "ssh://git:SECRET@gitlab.example.com:2222/a/b/app.git",
            "gitlab",
            "https://gitlab.example.com/a/b/app/-/merge_requests/new?merge_request%5Bsource_branch%5D=feature%2Fauth",
        ),
        (
            "git@codeberg.org:me/app",
            "gitea",
            "https://codeberg.org/me/app/compare/main...feature/auth",
        ),
    ] {
        let world = World::at(address);
        // With gh or glab this would be arguments for it.
        let (pr, said) = world.pr(["--title", "x"]);
        assert_eq!(
            (pr["forge"].as_str(), pr["url"].as_str()),
            (Some(forge), Some(page))
        );
        assert!(
            said.contains(&format!("open the request here: {page}\n")),
            "{said}"
        );
        assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
        assert!(!format!("{pr}{said}").contains("SECRET"), "{pr} {said}");
    }
}

#[test]
fn an_unknown_forge_can_be_named() {
    let world = World::at("git@git.corp.example:team/app.git");
    let (pr, said) = world.pr([""; 0]);
    assert_eq!((&pr["forge"], &pr["url"]), (&Value::Null, &Value::Null));
    assert!(said.contains("https://git.corp.example/team/app"), "{said}");
    assert!(
        said.contains("hint: git config remote.origin.treehopForge github|gitlab|"),
        "{said}"
    );
    world.set("remote.origin.treehopForge", "gitea");
    let (pr, _) = world.pr([""; 0]);
    assert_eq!(
        pr["url"],
        "https://git.corp.example/team/app/compare/main...feature/auth"
    );
}

#[test]
fn aliases_of_ssh_and_of_git_are_followed() {
    let world = World::at("gh:me/app");
    world.set("url.git@work:.insteadOf", "gh:");
    let config = world
        .repo
        .scratch
        .write("ssh-config", "Host work\n HostName github.com\n");
    // The real one; it takes the user's configuration from the password file's home, not from HOME.
    let ssh = tools::program("ssh");
    let real = format!("exec '{}' -F '{}' \"$@\"", ssh.display(), config.display());
    world.repo.scratch.script("ssh", &real);
    let (pr, _) = world.pr([""; 0]);
    assert_eq!(pr["url"], "https://github.com/me/app/pull/new/feature/auth");
    // Nobody's help is asked for with a push.
    let said = world.fails(["feature/auth", "-h"], FAILED);
    assert!(said.contains("hint: treehop pr --help"), "{said}");
    // Where ssh is not there, the alias is all that is known.
    world.repo.scratch.script("ssh", "exit 127");
    assert_eq!(world.pr([""; 0]).0["forge"], Value::Null);
}

#[test]
fn a_password_never_shows() {
    let world = World::new();
    let address = "https://me:SECRET@github.com/me/app.git";
    world.repo.git(["remote", "set-url", "origin", address]);
    world.set("http.proxy", "http://127.0.0.1:1");
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("could not push"), "{said}");
    assert!(!said.contains("SECRET"), "{said}");
}

// With glab: a stand-in.

#[test]
fn glab_gets_its_arguments_as_they_are() {
    let url = "https://gitlab.com/g/app/-/merge_requests/7";
    let world = World::at("git@gitlab.com:g/app.git");
    world.stand_in(
        "glab",
        &format!("[ \"$2\" = create ] && printf '!7 title\\n %s\\n' {url}\n:"),
    );
    let odd = ["--title", "a 'b' \"c\" $(id)", "-d", "", "--label=x"];
    let (pr, said) = world.pr_in(&world.repo.main, ["auth"].iter().chain(&odd));
    assert_eq!(
        (pr["url"].as_str(), pr["created"].as_bool()),
        (Some(url), Some(true))
    );
    assert!(said.contains("!7 title"), "{said}");
    let calls = world.calls("glab");
    let dir = world.auth.to_str().unwrap();
    assert_eq!(
        calls[0],
        [
            dir,
            "mr",
            "list",
            "--output",
            "json",
            "--source-branch",
            "feature/auth"
        ]
    );
    // An empty argument looks like the end of a call.
    assert_eq!(calls[1], [dir, "mr", "create", "--title", odd[1], "-d"]);
    assert_eq!(calls[2], ["--label=x"]);
    // With `--` in front there is no query.
    world.pr(["--", "--fill"]);
    assert_eq!(
        world.calls("glab").last().unwrap()[1..],
        ["mr", "create", "--fill"]
    );
}

#[test]
fn an_open_merge_request_is_shown() {
    let world = World::at("git@gitlab.com:g/app.git");
    let url = "https://gitlab.com/g/app/-/merge_requests/7";
    world.stand_in("glab", &format!("echo '[{{\"web_url\": \"{url}\"}}]'"));
    let (pr, said) = world.pr(["--fill"]);
    assert_eq!(
        (pr["url"].as_str(), pr["created"].as_bool()),
        (Some(url), Some(false))
    );
    assert!(said.contains(&format!("already: {url}")), "{said}");
    assert_eq!(world.calls("glab").len(), 1);
}

#[test]
fn a_program_that_fails_leaves_the_way_to_the_page() {
    let world = World::at("git@gitlab.com:g/app.git");
    world.stand_in("glab", "echo 'not logged in' >&2\nexit 1");
    let said = world.fails(["--fill"], FAILED);
    assert!(
        said.contains("not logged in\ntreehop: glab opened no request"),
        "{said}"
    );
    assert!(
        said.contains("open the request here: https://gitlab.com/g/app/-/merge_requests/new"),
        "{said}"
    );
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
    // Help is not worth a push.
    world.repo.commit(&world.auth, "auth.py", "two\n");
    world.stand_in("glab", "echo usage");
    let (pr, said) = world.pr(["feature/auth", "--help"]);
    assert_eq!((&pr["url"], said.as_str()), (&Value::Null, "usage\n"));
    assert_ne!(world.on(&world.origin, "feature/auth"), world.head());
}

#[test]
fn ctrl_c_ends_all_of_it() {
    let world = World::at("git@gitlab.com:g/app.git");
    world.stand_in("glab", "kill -INT $PPID\nsleep 0.3");
    let out = world.out(&world.auth, ["--fill"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("treehop: interrupted"), "{said}");
    assert_eq!(
        (out.status.signal(), out.stdout.as_slice()),
        (Some(2), &b""[..])
    );
    assert_eq!(world.calls("glab").len(), 1);
}

#[test]
fn glab_knows_its_hosts() {
    let mut world = World::at("git@code.corp.example:g/app.git");
    world.stand_in(
        "glab",
        "case \"$*\" in 'auth status --hostname code.corp.example' | 'mr create --help') ;; *) exit 1 ;; esac",
    );
    let (pr, _) = world.pr(["feature/auth", "--help"]);
    assert_eq!(pr["forge"], "gitlab");
    world.stand_in("glab", "exit 1");
    assert_eq!(world.pr([""; 0]).0["forge"], Value::Null);
    world
        .env
        .push(("GITLAB_HOST", "https://code.corp.example/".into()));
    world.fails([""; 0], FAILED);
}

#[test]
fn the_program_has_the_terminal() {
    let world = World::at(GITHUB);
    let open = "if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then read -r title; echo \"$title\" >\"$HOME/title\"; fi";
    let url = "https://github.com/me/app/pull/3";
    // As gh: in a terminal the address is there to be seen only, and asked for again.
    let view = format!(
        "[ -e \"$HOME/title\" ] && echo '{{\"url\": \"{url}\", \"state\": \"OPEN\"}}'; exit"
    );
    world.stand_in("gh", &format!("case $2 in view) {view} ;; esac\n{open}"));
    let treehop = tools::treehop().display();
    let line = format!("'{treehop}' pr --draft >\"$HOME/out\"");
    let mut script = world
        .repo
        .scratch
        .command(tools::program("script"), &world.auth);
    script
        .envs(world.env.iter().cloned())
        .args(["-qec", &line, "/dev/null"]);
    let mut child = script
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"Typed by hand\n").unwrap();
    assert!(child.wait().unwrap().success());
    let home = &world.repo.scratch.home;
    assert_eq!(
        fs::read_to_string(home.join("title")).unwrap(),
        "Typed by hand\n"
    );
    let out: Value = serde_json::from_slice(&fs::read(home.join("out")).unwrap()).unwrap();
    assert_eq!(out["pr"]["url"], url);
    assert_eq!(out["pr"]["created"], true);
    let done: Vec<_> = world
        .calls("gh")
        .iter()
        .map(|call| call[2].clone())
        .collect();
    assert_eq!(done, ["view", "create", "view"]);
}

#[test]
fn gh_is_told_the_branch_that_git_keeps_nothing_of() {
    let world = World::at(GITHUB);
    world.set(
        "remote.origin.fetch",
        "+refs/heads/main:refs/remotes/origin/main",
    );
    world.stand_in("gh", ":");
    world.pr(["--fill"]);
    let create = world.calls("gh")[1].clone();
    assert_eq!(
        create[1..],
        ["pr", "create", "--fill", "--head", "feature/auth"]
    );
    world.pr(["--fill", "-Hmine"]);
    assert_eq!(
        world.calls("gh").pop().unwrap()[2..],
        ["view", "--json", "url,state"]
    );
    assert_eq!(world.calls("gh")[4][3..], ["--fill", "-Hmine"]);
}

// With the real gh.

/// What gh asks of GitHub, answered: a repository, and a pull request once one was created.
struct Api {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// Serves on a socket that gh is told to use in the place of the network.
    fn serve(world: &mut World) -> Api {
        world.repo.scratch.with("gh");
        let config = world.repo.scratch.home.join("gh");
        let socket = world.repo.scratch.root.join("api");
        let setting = format!("http_unix_socket: {}\n", socket.display());
        world.repo.scratch.write(config.join("config.yml"), setting);
        world.env.push(("GH_CONFIG_DIR", config.into()));
        world.env.push(("GH_NO_UPDATE_NOTIFIER", "1".into()));
        let asked = Arc::new(Mutex::new(Vec::<String>::new()));
        let listener = UnixListener::bind(socket).unwrap();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(&connection);
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    let header = line.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = String::from_utf8(body).unwrap();
                let created = log.lock().unwrap().iter().any(|body| is_creation(body));
                let answer = json!({ "data": answer(&body, created) }).to_string();
                log.lock().unwrap().push(body);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                );
                let _ = connection.write_all((head + &answer).as_bytes());
            }
        });
        Api { asked }
    }

    /// What was said when the request was created.
    fn created(&self) -> Value {
        let asked = self.asked.lock().unwrap();
        let mut creations = asked.iter().filter(|body| is_creation(body));
        let body = creations.next().expect("a creation");
        assert!(creations.next().is_none(), "two creations");
        serde_json::from_str::<Value>(body).unwrap()["variables"]["input"].take()
    }
}

fn is_creation(body: &str) -> bool {
    body.contains("createPullRequest")
}

fn answer(body: &str, created: bool) -> Value {
    let request = json!({
        "id": "PR_1", "number": 1, "url": "https://github.com/me/app/pull/1", "state": "OPEN", "baseRefName": "main",
        "headRefName": "feature/auth", "isCrossRepository": false, "headRepositoryOwner": {"id": "U_1", "login": "me"},
    });
    if body.contains("createPullRequest") {
        return json!({"createPullRequest": {"pullRequest": request}});
    }
    if body.contains("PullRequestForBranch") {
        let nodes = if created { vec![request] } else { vec![] };
        return json!({"repository": {"pullRequests": {"nodes": nodes}, "defaultBranchRef": {"name": "main"}}});
    }
    json!({"repository": {
        "id": "R_1", "name": "app", "owner": {"login": "me"}, "hasIssuesEnabled": true, "hasWikiEnabled": true,
        "description": "", "viewerPermission": "ADMIN", "defaultBranchRef": {"name": "main"},
    }})
}

#[test]
fn gh_opens_a_request_and_shows_the_one_that_is_open() {
    let mut world = World::at(GITHUB);
    let api = Api::serve(&mut world);
    world.env.push(("GH_TOKEN", "SECRET".into()));
    let (pr, said) = world.pr(["--title", "Log in", "--body", "it's $(done)", "--draft"]);
    let url = "https://github.com/me/app/pull/1";
    assert_eq!(
        pr,
        json!({"remote": "origin", "branch": "feature/auth", "forge": "github", "url": url, "created": true})
    );
    assert!(said.contains(url), "{said}");
    let created = api.created();
    assert_eq!(
        (&created["title"], &created["body"]),
        (&json!("Log in"), &json!("it's $(done)"))
    );
    assert_eq!(
        (&created["draft"], &created["headRefName"]),
        (&json!(true), &json!("feature/auth"))
    );
    world.repo.commit(&world.auth, "auth.py", "two\n");
    let (pr, said) = world.pr(["--fill"]);
    assert_eq!(
        (pr["url"].as_str(), pr["created"].as_bool()),
        (Some(url), Some(false))
    );
    assert!(said.contains(&format!("already: {url}")), "{said}");
    assert_eq!(world.on(&world.origin, "feature/auth"), world.head());
    api.created();
}

#[test]
fn gh_says_itself_what_is_wrong() {
    let mut world = World::at(GITHUB);
    let _api = Api::serve(&mut world);
    let said = world.fails(["--fill"], FAILED);
    assert!(said.contains("gh auth login"), "{said}");
    world.env.push(("GH_TOKEN", "SECRET".into()));
    let said = world.fails(["--no-such-flag"], FAILED);
    assert!(said.contains("unknown flag: --no-such-flag"), "{said}");
    assert!(
        said.contains("treehop: gh opened no request\nhint: 'feature/auth' is pushed"),
        "{said}"
    );
    let said = world.fails([""; 0], FAILED);
    assert!(said.contains("--title"), "{said}");
}

#[test]
fn gh_knows_its_hosts() {
    let mut world = World::at("git@git.corp.example:me/app.git");
    world.repo.scratch.with("gh");
    // A token for any host does not make any host GitHub.
    world.env.push(("GH_ENTERPRISE_TOKEN", "SECRET".into()));
    assert_eq!(world.pr([""; 0]).0["forge"], Value::Null);
    let hosts = "git.corp.example:\n    user: me\n    oauth_token: SECRET\n    git_protocol: ssh\n";
    world.repo.scratch.write(".config/gh/hosts.yml", hosts);
    let (pr, said) = world.pr(["feature/auth", "--help"]);
    assert_eq!(pr["forge"], "github");
    assert!(said.contains("gh pr create [flags]"), "{said}");
    fs::remove_file(world.repo.scratch.home.join(".config/gh/hosts.yml")).unwrap();
    world.env.push(("GH_HOST", "git.corp.example".into()));
    assert_eq!(world.pr(["feature/auth", "--help"]).0["forge"], "github");
}
