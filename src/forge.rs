//! Where a remote's address leads: to which forge, and to the page on which a pull or merge request is opened.

pub mod program;

use std::fmt::Write;
use std::process::{Command, Stdio};

use crate::plain;

/// A kind of forge, by how its addresses and pages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, GitHub Enterprise.
    GitHub,
    /// GitLab, its own or somebody's.
    GitLab,
    /// Bitbucket Cloud.
    Bitbucket,
    /// Bitbucket Data Center.
    BitbucketServer,
    /// Gitea and Forgejo, Codeberg among them.
    Gitea,
    /// Azure DevOps.
    Azure,
    /// `SourceHut`, where patches are sent by mail.
    Sourcehut,
}

/// A forge, what `remote.NAME.treehopForge` and the JSON call it, its hosts (with a dot in front: all below it), and a
/// word that is found in the names of others.
#[rustfmt::skip]
const FORGES: [(Forge, &str, &[&str], &str); 7] = [
    (Forge::GitHub, "github", &["github.com", ".ghe.com"], "github"),
    (Forge::GitLab, "gitlab", &["gitlab.com", "salsa.debian.org", "invent.kde.org", "framagit.org", "0xacab.org"], "gitlab"),
    (Forge::Bitbucket, "bitbucket", &["bitbucket.org"], "bitbucket.org"),
    (Forge::BitbucketServer, "bitbucket-server", &[], "bitbucket"),
    (Forge::Gitea, "gitea", &["codeberg.org", "gitea.com", "code.forgejo.org"], "gitea"),
    (Forge::Azure, "azure", &["dev.azure.com", ".visualstudio.com"], "dev.azure.com"),
    (Forge::Sourcehut, "sourcehut", &[".sr.ht"], ".sr.ht"),
];

impl Forge {
    /// The one that is called so.
    pub fn named(name: &str) -> Option<Self> {
        let mut known = FORGES.iter();
        known
            .find(|known| known.1.eq_ignore_ascii_case(name))
            .map(|known| known.0)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        let own = FORGES.iter().find(|known| known.0 == self);
        own.map_or("", |known| known.1)
    }

    /// What all of them are called.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORGES.iter().map(|known| known.1)
    }

    /// The forge whose own host this is.
    fn of_host(host: &str) -> Option<Self> {
        let is = |known: &&'static str| {
            host == *known
                || known
                    .strip_prefix('.')
                    .is_some_and(|domain| host == domain || host.ends_with(known))
        };
        let mut known = FORGES.iter();
        known
            .find(|known| known.2.iter().any(is))
            .map(|known| known.0)
    }

    /// The same, or what the host's name says: `gitlab.corp.example`.
    fn by_name(host: &str) -> Option<Self> {
        let word = || FORGES.iter().find(|known| host.contains(known.3));
        Forge::of_host(host).or_else(|| word().map(|known| known.0))
    }
}

/// Where a remote is, without the user and the password that its address may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: &'static str,
    /// The host, in lower case.
    pub host: String,
    port: Option<u16>,
    /// Owner and name, or groups and name, without `.git`.
    path: String,
}

impl Address {
    /// Understands an address as git writes it; `None`: a path on this machine, or nothing that has web pages.
    /// `real` says where ssh goes for a `[USER@]HOST`.
    pub fn parse(address: &str, real: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let address = address.trim();
        let (scheme, place, path) = if let Some((scheme, rest)) = address.split_once("://") {
            let (place, path) = rest.split_once('/')?;
            (scheme.to_ascii_lowercase(), place, path)
        } else {
            let (place, path) = scp_like(address)?;
            ("ssh".into(), place, path)
        };
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, place),
        };
        let (host, port) = host_and_port(place)?;
        let (mut host, port) = (host.trim_end_matches('.').to_ascii_lowercase(), port);
        let usual = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        let named =
            |host: &str| !host.is_empty() && !host.starts_with('-') && host.chars().all(usual);
        if !named(&host) {
            return None;
        }
        let (scheme, port) = match scheme.as_str() {
            "https" => ("https", port.filter(|port| *port != 443)),
            "http" => ("http", port.filter(|port| *port != 80)),
            "ssh" | "git+ssh" | "ssh+git" => {
                let user = user.and_then(|user| user.split(':').next());
                let asked = user.map_or_else(|| host.clone(), |user| format!("{user}@{host}"));
                host = web_host(&host, || real(&asked));
                ("https", None)
            }
            "git" => ("https", None),
            _ => return None,
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let path = path.trim_end_matches('/').to_owned();
        let usable = !path.is_empty() && !path.contains(plain::hidden);
        // Where ssh goes is one more name.
        (usable && named(&host)).then_some(Address {
            scheme,
            host,
            port,
            path,
        })
    }

    /// What its host's name says.
    pub fn forge(&self) -> Option<Forge> {
        Forge::by_name(&self.host)
    }

    /// The repository's page.
    pub fn page(&self, forge: Option<Forge>) -> String {
        let parts: Vec<&str> = self.path.split('/').collect();
        let path = match (forge, parts.as_slice()) {
            // What ssh gets: v3/ORGANIZATION/PROJECT/REPOSITORY.
            (Some(Forge::Azure), ["v3", organization, project, name]) => {
                let path = format!("{organization}/{project}/_git/{name}");
                return format!("https://dev.azure.com/{}", escaped(&path, b"/%"));
            }
            (Some(Forge::BitbucketServer), [before @ .., project, name]) => {
                let before = before.strip_suffix(&["scm"]).unwrap_or(before);
                let owner = match project.strip_prefix('~') {
                    Some(user) => ["users", user],
                    None => ["projects", project],
                };
                [before, &owner, &["repos", name]].concat().join("/")
            }
            _ => self.path.clone(),
        };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}/{}", self.scheme, escaped(&path, b"/%"))
    }

    /// The page on which a request for `branch` is opened, into `base` where the page has to be told.
    pub fn request_page(&self, forge: Forge, branch: &str, base: Option<&str>) -> String {
        let page = self.page(Some(forge));
        // In a path the `/` of a branch stays; in a query nothing does.
        let (in_path, in_query) = (escaped(branch, b"/"), escaped(branch, b""));
        match forge {
            Forge::GitHub => format!("{page}/pull/new/{in_path}"),
            Forge::GitLab => {
                format!("{page}/-/merge_requests/new?merge_request%5Bsource_branch%5D={in_query}")
            }
            Forge::Bitbucket => format!("{page}/pull-requests/new?source={in_query}"),
            Forge::BitbucketServer => {
                format!("{page}/pull-requests?create&sourceBranch=refs%2Fheads%2F{in_query}")
            }
            Forge::Gitea => match base {
                Some(base) => format!("{page}/compare/{}...{in_path}", escaped(base, b"/")),
                None => format!("{page}/compare/{in_path}"),
            },
            Forge::Azure => format!("{page}/pullrequestcreate?sourceRef={in_query}"),
            Forge::Sourcehut => format!("{page}/send-email"),
        }
    }
}

/// `[USER@]HOST:PATH`, as git tells it from a path: the colon comes before any slash.
fn scp_like(address: &str) -> Option<(&str, &str)> {
    // The colons within brackets belong to the host.
    let bracket = address.find('[').filter(|at| {
        address[..*at].is_empty() || address[..*at].ends_with('@') && !address[..*at].contains('/')
    });
    let from = match bracket {
        Some(at) => at + address[at..].find(']')?,
        None => 0,
    };
    let colon = from + address[from..].find(':')?;
    let (place, path) = (&address[..colon], &address[colon + 1..]);
    // `ext::` and its kind run a program.
    (!place.contains('/') && !place.is_empty() && !path.starts_with(':')).then_some((place, path))
}

/// `HOST`, `HOST:PORT`, `[HOST]:PORT`, or git's own `[HOST:PORT]`; a host with several colons is an address of IPv6.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| -> Option<Option<u16>> {
        if text.is_empty() {
            return Some(None);
        }
        text.parse().ok().map(Some)
    };
    if let Some(rest) = place.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        return match (inside.matches(':').count(), inside.split_once(':')) {
            (1, Some((host, digits))) => Some((host, port(digits)?)),
            _ => Some((inside, port(after.strip_prefix(':').unwrap_or(after))?)),
        };
    }
    match place.split_once(':') {
        Some((host, digits)) => Some((host, port(digits)?)),
        None => Some((place, None)),
    }
}

/// The host of the web pages where `host` is what ssh is told.
fn web_host(host: &str, real: impl Fn() -> Option<String>) -> String {
    // A forge that is reached over the port of HTTPS has another name for that.
    let other_door = |host: &str| {
        let rest = ["ssh.", "altssh."].map(|door| host.strip_prefix(door));
        let mut rest = rest.into_iter().flatten();
        let known = rest.find(|rest| Forge::by_name(rest).is_some());
        known.unwrap_or(host).to_owned()
    };
    let own = other_door(host);
    if Forge::of_host(&own).is_some() {
        return own;
    }
    let Some(real) = real().map(|real| other_door(&real.to_ascii_lowercase())) else {
        return own;
    };
    // An alias stands for a forge, or has no dot; else only the way to it is another, through a tunnel.
    if Forge::by_name(&real).is_some() || !own.contains('.') {
        real
    } else {
        own
    }
}

/// Where ssh goes for a `[USER@]HOST`, by the user's configuration.
pub fn by_ssh(place: &str) -> Option<String> {
    let asked = Command::new(crate::places::program("ssh")?)
        .args(["-G", "--", place])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(asked.stdout).ok()?;
    let mut hosts = said
        .lines()
        .filter_map(|line| line.strip_prefix("hostname "));
    hosts.next().map(str::to_owned)
}

/// `text` for an address: letters, digits, `-._~` and the bytes of `keep` as they are.
fn escaped(text: &str, keep: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests;
