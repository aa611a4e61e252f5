use super::*;

/// The aliases of a user's ssh configuration; what is not there stands for itself.
#[allow(clippy::unnecessary_wraps, reason = "as the real one")]
fn real(place: &str) -> Option<String> {
    let (user, host) = place.rsplit_once('@').unwrap_or(("", place));
    let real = match host {
        "work" => "GitHub.com",
        "github.com-personal" => "github.com",
        "lab.home" => "gitlab.com",
        "tunnel" => "git.corp.example",
        "gitlab.corp.example" => "10.0.0.7",
        "hop" if user == "alice" => "ssh.github.com",
        _ => host,
    };
    Some(real.to_owned())
}

/// Address, forge, repository's page.
#[rustfmt::skip]
const KNOWN: [(&str, &str, &str); 50] = [
    // GitHub, by every way in.
    ("https://github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("https://github.com/cli/cli", "github", "https://github.com/cli/cli"),
    ("https://github.com/cli/cli/", "github", "https://github.com/cli/cli"),
    ("https://GitHub.com/Cli/Cli.git/", "github", "https://github.com/Cli/Cli"),
    ("https://alice@github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("https://x-access-token:ghs_SECRET@github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("https://ghp_SECRET@github.com/cli/cli", "github", "https://github.com/cli/cli"),
    ("https://github.com:443/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("git@github.com:cli/cli.git", "github", "https://github.com/cli/cli"),
    ("git@github.com:cli/cli", "github", "https://github.com/cli/cli"),
    ("git@github.com:/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("github.com:cli/cli.git", "github", "https://github.com/cli/cli"),
    ("org-1234@github.com:cli/cli.git", "github", "https://github.com/cli/cli"),
    ("ssh://git@github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("SSH://git@github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("ssh://git@ssh.github.com:443/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("git+ssh://git@github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("git://github.com/cli/cli.git", "github", "https://github.com/cli/cli"),
    ("git@octo.ghe.com:cli/cli.git", "github", "https://octo.ghe.com/cli/cli"),
    ("https://github.corp.example/team/tool.git", "github", "https://github.corp.example/team/tool"),
    ("http://github.corp.example:8080/team/tool.git", "github", "http://github.corp.example:8080/team/tool"),
    // Aliases of ssh.
    ("git@work:cli/cli.git", "github", "https://github.com/cli/cli"),
    ("work:cli/cli", "github", "https://github.com/cli/cli"),
    ("git@github.com-personal:me/dotfiles.git", "github", "https://github.com/me/dotfiles"),
    ("ssh://alice@hop/me/dotfiles", "github", "https://github.com/me/dotfiles"),
    ("git@lab.home:g/p.git", "gitlab", "https://gitlab.com/g/p"),
    ("git@tunnel:g/p.git", "", "https://git.corp.example/g/p"),
    // GitLab: groups in groups, hosts of one's own.
    ("https://gitlab.com/group/project.git", "gitlab", "https://gitlab.com/group/project"),
    ("git@gitlab.com:group/sub/subsub/project.git", "gitlab", "https://gitlab.com/group/sub/subsub/project"),
    ("https://oauth2:glpat-SECRET@gitlab.com/group/project.git", "gitlab", "https://gitlab.com/group/project"),
    ("ssh://git@altssh.gitlab.com:443/group/project.git", "gitlab", "https://gitlab.com/group/project"),
    ("ssh://git@gitlab.corp.example:2222/group/project.git", "gitlab", "https://gitlab.corp.example/group/project"),
    ("https://gitlab.corp.example:8443/group/project.git", "gitlab", "https://gitlab.corp.example:8443/group/project"),
    ("git@salsa.debian.org:debian/git.git", "gitlab", "https://salsa.debian.org/debian/git"),
    // Bitbucket, Cloud and Data Center.
    ("git@bitbucket.org:team/repo.git", "bitbucket", "https://bitbucket.org/team/repo"),
    ("https://alice@bitbucket.org/team/repo.git", "bitbucket", "https://bitbucket.org/team/repo"),
    ("ssh://git@bitbucket.corp.example:7999/PROJ/repo.git", "bitbucket-server", "https://bitbucket.corp.example/projects/PROJ/repos/repo"),
    ("https://bitbucket.corp.example/scm/PROJ/repo.git", "bitbucket-server", "https://bitbucket.corp.example/projects/PROJ/repos/repo"),
    ("https://corp.example.bitbucket.test/ctx/scm/~alice/repo.git", "bitbucket-server", "https://corp.example.bitbucket.test/ctx/users/alice/repos/repo"),
    // Gitea, Forgejo, Codeberg.
    ("https://codeberg.org/forgejo/forgejo.git", "gitea", "https://codeberg.org/forgejo/forgejo"),
    ("ssh://git@codeberg.org/forgejo/forgejo.git", "gitea", "https://codeberg.org/forgejo/forgejo"),
    ("ssh://gitea@gitea.home.example:3022/me/app.git", "gitea", "https://gitea.home.example/me/app"),
    // Azure DevOps: over HTTPS, over ssh, and by its old name.
    ("https://org@dev.azure.com/org/My%20Project/_git/repo", "azure", "https://dev.azure.com/org/My%20Project/_git/repo"),
    ("git@ssh.dev.azure.com:v3/org/My Project/repo", "azure", "https://dev.azure.com/org/My%20Project/_git/repo"),
    ("org@vs-ssh.visualstudio.com:v3/org/project/repo", "azure", "https://dev.azure.com/org/project/_git/repo"),
    ("https://org.visualstudio.com/project/_git/repo", "azure", "https://org.visualstudio.com/project/_git/repo"),
    // Others.
    ("git@git.sr.ht:~alice/tool", "sourcehut", "https://git.sr.ht/~alice/tool"),
    ("https://git.corp.example/team/tool.git", "", "https://git.corp.example/team/tool"),
    ("ssh://git@[2001:DB8::1]:2222/team/tool.git", "", "https://[2001:db8::1]/team/tool"),
    ("git@[2001:db8::1]:team/tool.git", "", "https://[2001:db8::1]/team/tool"),
];

#[test]
fn an_address_leads_to_a_page() {
    for (address, forge, page) in KNOWN {
        let read = Address::parse(address, real).unwrap_or_else(|| panic!("{address}"));
        let own = read.forge();
        assert_eq!(own.map_or("", Forge::name), forge, "{address}");
        assert_eq!(read.page(own), page, "{address}");
        let shown = format!("{read:?} {}", read.page(None));
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[test]
fn a_path_leads_nowhere() {
    for address in [
        "/srv/git/app.git",
        "../app.git",
        "./a:b",
        "app",
        "file:///srv/git/app.git",
        "file://host/srv/app",
        "ext::ssh git@host %S org/app",
        "https://github.com",
        "https://github.com/",
        "https:///cli/cli",
        "https://-oProxyCommand=x/cli/cli",
        "git@-host:cli/cli",
        "https://git$(id).example/cli/cli",
        "https://host:port/cli/cli",
        "ssh://[::1/cli/cli",
        "[]:x",
        "@:x",
        ":x",
        "",
        "\u{7}",
        "https://github.com/cli/c\nli",
        "rsync://host/x",
    ] {
        assert_eq!(Address::parse(address, real), None, "{address}");
    }
}

#[test]
fn without_ssh_a_host_is_itself() {
    let page = |address| Address::parse(address, |_| None).map(|read| read.page(None));
    assert_eq!(page("git@work:a/b").as_deref(), Some("https://work/a/b"));
    assert_eq!(
        page("git@[host:22]:a/b").as_deref(),
        Some("https://host/a/b")
    );
}

#[test]
fn each_forge_has_a_page_for_requests() {
    for (address, branch, page) in [
        (
            "git@github.com:cli/cli",
            "feature/auth",
            "https://github.com/cli/cli/pull/new/feature/auth",
        ),
        (
            "git@gitlab.com:g/s/p",
            "feature/auth",
            "https://gitlab.com/g/s/p/-/merge_requests/new?merge_request%5Bsource_branch%5D=feature%2Fauth",
        ),
        (
            "git@bitbucket.org:t/r",
            "a/b",
            "https://bitbucket.org/t/r/pull-requests/new?source=a%2Fb",
        ),
        (
            "https://bitbucket.corp.example/scm/P/r.git",
            "a/b",
            "https://bitbucket.corp.example/projects/P/repos/r/pull-requests?create&sourceBranch=refs%2Fheads%2Fa%2Fb",
        ),
        (
            "https://codeberg.org/a/b",
            "fix/x",
            "https://codeberg.org/a/b/compare/main...fix/x",
        ),
        (
            "git@ssh.dev.azure.com:v3/o/p/r",
            "a/b",
            "https://dev.azure.com/o/p/_git/r/pullrequestcreate?sourceRef=a%2Fb",
        ),
        (
            "git@git.sr.ht:~a/b",
            "x",
            "https://git.sr.ht/~a/b/send-email",
        ),
        // What would be something else in an address, or in a shell.
        (
            "git@github.com:a/b",
            "a#b?c&d$(id) é",
            "https://github.com/a/b/pull/new/a%23b%3Fc%26d%24%28id%29%20%C3%A9",
        ),
    ] {
        let read = Address::parse(address, |_| None).unwrap();
        let forge = read.forge().unwrap();
        assert_eq!(read.request_page(forge, branch, Some("main")), page);
    }
    let read = Address::parse("https://codeberg.org/a/b", |_| None).unwrap();
    let page = read.request_page(Forge::Gitea, "x", None);
    assert_eq!(page, "https://codeberg.org/a/b/compare/x");
    for name in Forge::names() {
        assert_eq!(Forge::named(name).map(Forge::name), Some(name));
    }
}
