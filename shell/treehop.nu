# treehop for nu 0.110 and newer. Load it from config.nu:  use treehop.nu *
# The files for bash, zsh and fish tell the same story in the same order.

# An alias for a builtin (`alias open = ^open`) reaches into modules. `%` passes it by, where nu has it.
const has_percent = (version).minor >= 114 or (version).major > 0

# --- Asking the binary ------------------------------------------------------------------------------------------

# From the main worktree if this directory was removed: nu starts no program there. The caller stays where it is.
def --wrapped __treehop_ask [...args: string] {
  try { $env.PWD | path exists } catch { __treehop_cd ($env.__treehop.root | default '/') }
  ^treehop ...$args
}

# Nothing at all where it fails. A hook for commands that are not found would have its say: so look first.
def --wrapped __treehop_quietly [...args: string]: nothing -> string {
  if (which treehop | is-empty) { return '' }
  try { ^treehop ...$args | complete | get stdout } catch { '' }
}

def --env __treehop_cd [dir: string] {
  if $has_percent { %cd $dir } else { cd $dir }
}

# --- wcd: go to a worktree --------------------------------------------------------------------------------------

# Go to the worktree that QUERY means, with its venv active.
#
# QUERY is words of its branch or name, or a path; none: the main worktree.
#
#   ^  @  '!'   the main one; this one; the one whose session waits (a bare ! would be the editor's)
#   -           the one that you were in before
#   REPO:QUERY  in another repository that you used before
@example "to the worktree of feature/auth" "wcd auth"
@example "back to where you were" "wcd -"
@example "pick one from all" "wcd -i"
export def --env wcd [
  ...query: string@"nu-complete wcd" # which worktree
  --interactive (-i) # pick from a list
  --subdir (-s) # keep the subdirectory that you are in
  --tab (-t) # in a new window of tmux, zellij, wezterm or kitty
]: nothing -> nothing {
  __treehop_begin
  # To pick without a word is to pick from all: the empty word fits all.
  let words = if $interactive and $query == [] { [''] } else { $query }
  let found = __treehop_find $words (if $subdir { '--subdir' })
  if $tab {
    let _opened = __treehop_ask find --tab -- $found.cd
    return
  }
  __treehop_cd $found.cd
  __treehop_refresh $found
}

def --env __treehop_begin [] {
  # A script has seen no prompt yet: where it starts is a place to come back to.
  if $env.__treehop.pwd == null { __treehop_refresh }
  try { $env.PWD | path exists } catch { __treehop_say_removed }
}

# Not even `print` works there. The caller stays where it is.
def __treehop_say_removed [] {
  __treehop_cd ($env.__treehop.root | default '/')
  print --stderr 'treehop: this directory was removed; the main worktree stands in for it'
}

# Go there, or stay where it is empty; what holds there holds at once.
def --env __treehop_go [dir: string] {
  if $dir != '' { __treehop_cd $dir }
  __treehop_refresh
}

# The worktree that one was in before this one; outside of all, the last one. Without any, the binary says so.
def __treehop_previous [] {
  let hop = $env.__treehop
  let outside = $env.TREEHOP_WORKTREE? == null and $hop.top != null and ($hop.top | path exists)
  if $outside { $hop.top } else { $hop.last | default '-' }
}

# What the words mean; `-` is where one was before. In a terminal one of several is picked.
def __treehop_find [words: list<string>, option?: string] {
  let words = $words | each {|word| if $word == '-' { __treehop_previous } else { $word } }
  let all = if $words != [] and (is-terminal --stdin) and (is-terminal --stderr) { '--all' }
  # A failing program ends this with its own message and status; an error of nu's would be status 1.
  let out = __treehop_ask find ...([$option $all] | compact) -- ...$words
  let found = $out | from json
  if $all == null { $found } else { __treehop_pick $found.matches }
}

# One needs no question. To leave the list without an answer is to fail.
def __treehop_pick [rows: list] {
  if $rows.1? == null { return $rows.0 }
  let lines = $rows | each {|row| $"($row.query | fill --width 30)  ($row.description)" }
  let at = if (which fzf | is-empty) {
    let picked = $lines | input list --fuzzy --index 'worktree?'
    # An error of nu's own would show a box.
    if $picked == null { ^false }
    $picked
  } else {
    # The number in front says which it was, and is not shown.
    let numbered = $lines | enumerate | each {|line| $"($line.index)\t($line.item)" } | str join "\n"
    let picked = $numbered | ^fzf "--delimiter=\t" --with-nth=2 --no-multi --height=40% --reverse '--prompt=worktree> '
    $picked | split row "\t" | first | into int
  }
  $rows | get $at
}

# --- wls: what is where -----------------------------------------------------------------------------------------

# Show what is where: branches, changes, sessions, ages.
#
# The first columns are for eyes; after them comes all that `treehop list --full` knows.
@example "those with changes" "wls | where changes.modified > 0"
@example "the ones left alone longest" "wls | sort-by commit.time"
@example "where a session waits" "wls | where session =~ waiting | get path"
export def wls [
  --watch (-w) # on the whole terminal, kept fresh; q ends
]: nothing -> any {
  if $watch {
    # As a statement, so that it has the terminal to itself.
    __treehop_ask list --watch
    return
  }
  let out = __treehop_ask list --full
  $out | __treehop_shown | get worktrees | each {|tree| __treehop_row $tree }
}

# What is unknown becomes a record of nulls: nu cannot ask null for `changes.modified`.
def __treehop_row [tree: record] {
  let changes = $tree.changes | default {staged: null, modified: null, untracked: null, conflicted: null}
  let commit = $tree.commit | default {sha: null, subject: null, time: null} | update time { __treehop_time }
  let default = $tree.default | default {ahead: null, behind: null, merged: null}
  let last = $tree.claude.last | default {session_id: null, title: null, updated_at: null}
  let live = $tree.claude.live | default [] | update since { __treehop_time } | update started_at { __treehop_time }
  let base = if $tree.main or $default.merged == null { [] } else if $default.ahead == 0 and $default.behind == 0 {
    ['same']
  } else if $default.merged and $default.ahead > 0 {
    ['merged']
  } else { __treehop_counted {'↑': $default.ahead, '↓': $default.behind} }
  let notes = [
    $tree.operation
    (if $tree.detached { 'detached' })
    (if $tree.locked != null { 'locked' })
    (if $tree.prunable != null { 'gone' })
    ...(__treehop_counted {
      '!': $changes.conflicted, '+': $changes.staged, '~': $changes.modified, '?': $changes.untracked
    })
  ]
  {
    branch: $tree.branch
    state: ($notes | compact | str join ' ')
    session: ($live | each {|session| $session.status | default 'running' } | str join ' ')
    base: ($base | str join ' ')
    age: $commit.time
    # nu wraps the last column that it shows: a path stands that best.
    ...($tree | select name path current main detached prompt)
    ...($tree | reject name branch current main detached path prompt commit upstream default changes claude)
    changes: $changes
    default: $default
    upstream: ($tree.upstream | default {name: null, ahead: null, behind: null, gone: null})
    commit: $commit
    claude: {live: $live, last: ($last | update updated_at { __treehop_time })}
  }
}

# A sign before each number, where there is anything.
def __treehop_counted [numbers: record] {
  $numbers | transpose sign number | where number not-in [null 0] | each {|it| $"($it.sign)($it.number)" }
}

# What a terminal would obey stands in the binary's JSON as `\uXXXX`; nu's tables would show it as it is.
def __treehop_shown []: string -> any {
  str replace --all --regex '(?<!\\)((?:\\\\)*)\\u[0-9a-f]{4}' '${1}?' | from json
}

def __treehop_time []: any -> any {
  if $in != null { into datetime }
}

# --- wnew, wsetup, wclaude, wrm, wundo, wmerge, wpr, wprune: the life of a worktree -----------------------------

# Create a worktree for a branch, set it up, go there.
#
# All options of `treehop new` hold. With -c it ends in claude, and all that follows BRANCH is claude's.
@example "a new branch from here" "wnew feature/auth"
@example "and claude in it, at work" 'wnew --model sonnet -c fix/issue-422 "fix issue 422"'
@example "the branch of a pull request" "wnew pr:12"
export def --env --wrapped wnew [
  ...args: string@"nu-complete wnew" # options, BRANCH, and after -c what claude gets
]: nothing -> nothing {
  if $args.0? in ['-h' '--help'] {
    __treehop_ask help wnew
    return
  }
  __treehop_begin
  # Apart from what is made of it: in one pipeline nu would pass over a failure.
  let out = __treehop_ask new --fields cd,launch.args,launch.fork ...$args
  let made = $out | lines
  __treehop_go ($made.0? | default '')
  if $made.1? in [null ''] { return }
  # With -c or --fork: so many of the last arguments are claude's.
  let options = if $made.2? in [null ''] { [] } else { ['--fork' $made.2] }
  __treehop_claude ...$options '@' ...($args | last ($made.1 | into int))
}

# Install the dependencies of a worktree.
#
# Then its venv is active.
@example "of this one" "wsetup"
export def --env wsetup [
  ...query: string@"nu-complete wcd" # which worktree; none: this one
]: nothing -> nothing {
  let dir = if $query == [] { $env.PWD } else { (__treehop_find $query).cd }
  __treehop_do setup -- $dir
}

# Run claude in a worktree, one session in each.
#
# No QUERY where the first argument is an option: here.
#
#   --force    beside another session
#   --trust    with the settings of a pull request, a stranger's
#   --tab, -t  in a new window of tmux, zellij, wezterm or kitty
@example "go on where you were" "wclaude auth --continue"
@example "another model" "wclaude 422 --model sonnet"
export def --env --wrapped wclaude [
  ...args: string@"nu-complete wcd" # options, QUERY, and what claude gets
]: nothing -> nothing {
  if $args.0? in ['-h' '--help'] {
    __treehop_ask help wclaude
    return
  }
  __treehop_begin
  let options = $args | take while {|arg| $arg in ['--force' '--trust' '--tab' '-t'] }
  let rest = $args | skip ($options | length)
  let words = $rest | first 1 | where $it == '-' or not ($it starts-with '-')
  let dir = if $words == [] { '' } else { (__treehop_find $words).cd }
  let given = $rest | skip ($words | length)
  if '--tab' in $options or '-t' in $options {
    __treehop_claude ...$options (if $dir == '' { '@' } else { $dir }) ...$given
    return
  }
  __treehop_go $dir
  # What takes over the terminal is never captured.
  __treehop_claude ...$options '@' ...$given
}

# Who said `deactivate` means claude, too.
def --wrapped __treehop_claude [...args: string] {
  if $env.__treehop.declined != null { $env.TREEHOP_AUTO_VENV = '0' }
  __treehop_ask claude ...$args
}

# Remove worktrees, and branches that are merged.
#
# `wundo` brings them back.
@example "this one, and back to the main worktree" "wrm"
export def --env wrm [
  ...query: string@"nu-complete wrm" # each word another worktree; none: this one
  --force (-f) # with changes, too: wundo has them
  --keep-branch # keep the branch
  --dry-run (-n) # only say what would be done
]: nothing -> nothing {
  __treehop_begin
  mut dirs = []
  # In a closure, a failure would be nu's own.
  for word in $query {
    $dirs ++= [(__treehop_find [$word]).cd]
  }
  let options = [
    (if $force { '--force' })
    (if $keep_branch { '--keep-branch' })
    (if $dry_run { '--dry-run' })
  ]
  __treehop_do remove ...($options | compact) -- ...$dirs
}

# Bring a removed worktree back.
#
# With its branch, index and files.
@example "the one removed last" "wundo"
@example "what is there?" "wundo --list"
export def --env wundo [
  name?: string@"nu-complete wundo" # which; none: the one removed last
  --list # what can be brought back, as a table
]: nothing -> any {
  if $list {
    let out = __treehop_ask undo --list
    return ($out | __treehop_shown | get snapshots | update time { __treehop_time } | move path head snapshot --last)
  }
  __treehop_do undo -- ...($name | append [])
}

# Merge a worktree's branch into the main worktree's, and remove it.
#
# A merge that would conflict changes nothing. All options of `treehop merge` hold.
@example "this one" "wmerge"
@example "as one commit" 'wmerge auth --squash -m "Add auth"'
export def --env --wrapped wmerge [
  ...args: string@"nu-complete wcd" # QUERY and options
]: nothing -> nothing {
  __treehop_do merge ...$args
}

# Push a worktree's branch and open a pull or merge request.
@example "this one" 'wpr --title "Add auth support"'
export def --env --wrapped wpr [
  ...args: string@"nu-complete wcd" # QUERY, and what gh or glab gets
]: nothing -> nothing {
  __treehop_do pr ...$args
}

# Forget worktrees whose directory is gone.
@example "which ones are merged?" "wprune --merged -n"
export def --env wprune [
  --merged # remove what is merged, too
  --dry-run (-n) # only say what would be done
]: nothing -> nothing {
  __treehop_do prune ...([(if $merged { '--merged' }) (if $dry_run { '--dry-run' })] | compact)
}

# Do it, and go where it says. Also where it fails: a venv may be there, or gone.
def --env --wrapped __treehop_do [command: string, ...args: string] {
  if $args.0? in ['-h' '--help'] {
    __treehop_ask help $"w($command)"
    return
  }
  __treehop_begin
  let done = try {
    let out = __treehop_ask $command --fields cd ...$args
    {dir: ($out | lines | get 0? | default ''), status: 0}
  } catch {|error| {dir: '', status: ($error.exit_code? | default 1)} }
  __treehop_go $done.dir
  # nu has no other way to end with a status.
  if $done.status != 0 { ^sh -c $"exit ($done.status)" }
}

# --- The virtual environment ------------------------------------------------------------------------------------
# `activate` is never sourced: it loses prompts and edits of PATH. Only what treehop activated is deactivated.

# Have VENV active, or none where it is null.
def --env __treehop_use [venv: any, name?: string] {
  # A number in nu's own configuration, a string from a parent.
  let venv = if $"($env.TREEHOP_AUTO_VENV?)" == '0' { null } else { $venv }
  if $venv != $env.__treehop.declined { $env.__treehop.declined = null }
  if $env.TREEHOP_VENV? not-in [null '' $venv] { __treehop_deactivate }
  if $venv == null or $env.__treehop.declined != null { return }
  let other = $env.VIRTUAL_ENV?
  if $other not-in [null '' $venv] and $"($other)/bin" in (__treehop_path) {
    # The user's own stays; one that came from a parent and is another worktree's does not.
    if $other != $env.__treehop.inherited or not (__treehop_of_this_repository $other) { return }
    __treehop_drop $"($other)/bin"
  }
  load-env {TREEHOP_VENV: $venv, VIRTUAL_ENV: $venv, VIRTUAL_ENV_PROMPT: $name}
  if $env.__treehop.dropped == $venv { $env.__treehop.dropped = null }
  __treehop_keep_path
}

# `hide-env` loses its effect in a caller that called something else before; no program sees a null.
def --env __treehop_deactivate [] {
  let venv = $env.TREEHOP_VENV
  __treehop_drop $"($venv)/bin"
  $env.__treehop.dropped = $venv
  if $env.VIRTUAL_ENV? == $venv { load-env {VIRTUAL_ENV: null, VIRTUAL_ENV_PROMPT: null} }
  $env.TREEHOP_VENV = null
}

# Something else may have made a string of it again.
def __treehop_path []: nothing -> list<string> {
  $env.PATH | split row (char esep)
}

# Take DIR out of PATH, wherever it stands.
def --env __treehop_drop [dir: string] {
  mut path = []
  # `where` takes ten times as long.
  for entry in (__treehop_path) { if $entry != $dir { $path ++= [$entry] } }
  $env.PATH = $path
}

def __treehop_of_this_repository [dir: string] {
  (__treehop_quietly -C $dir here --fields repo.git_dir | str trim --right --char "\n") == $env.__treehop.common
}

# Something else (direnv) may put an older PATH back between two prompts.
def --env __treehop_keep_path [] {
  let venv = $env.TREEHOP_VENV?
  let dropped = $env.__treehop.dropped
  if $dropped != null and $env.VIRTUAL_ENV? != $dropped and $"($dropped)/bin" in $env.PATH {
    __treehop_drop $"($dropped)/bin"
  }
  if $venv != null and $"($venv)/bin" not-in $env.PATH {
    $env.PATH = __treehop_path | prepend $"($venv)/bin"
  }
}

# nu knows no command that comes and goes; but what a hook holds as text is as if typed at the prompt.
def __treehop_offer_deactivate []: nothing -> list<record> {
  [
    {
      condition: {|| $env.TREEHOP_VENV? != null and not $env.__treehop.offered }
      code: "# Deactivate the venv that treehop activated. It stays off until you leave the worktree.
        def --env deactivate [] { do --env $env.__treehop.deactivate }
        $env.__treehop.offered = true"
    }
    {
      condition: {|| $env.TREEHOP_VENV? == null and $env.__treehop.offered }
      code: "hide deactivate
        $env.__treehop.offered = false"
    }
  ]
}

# --- The prompt -------------------------------------------------------------------------------------------------

# After a change of directory: one call of the binary, which says what holds here; or `found`, which said so.
def --env __treehop_refresh [found?: record] {
  $env.__treehop.pwd = $env.PWD
  let here = if $env.PWD == $found.worktree?.path? { $found } else { __treehop_quietly here | from json }
  if $here == null { return (__treehop_forget) }
  let tree = $here.worktree
  $env.TREEHOP_WORKTREE = $tree.name
  let before = $env.__treehop
  let dir = $tree.git_dir
  $env.__treehop = $before | merge {
    git_dir: $dir, common: $here.repo.git_dir, root: $here.repo.root, seen: null
    marks: [
      $"($dir)/rebase-merge" $"($dir)/rebase-apply" $"($dir)/MERGE_HEAD" $"($dir)/CHERRY_PICK_HEAD"
      $"($dir)/REVERT_HEAD" $"($dir)/sequencer/todo" $"($dir)/BISECT_LOG"
    ]
  }
  if $tree.path != $before.top {
    $env.__treehop.top = $tree.path
    $env.__treehop.last = $before.top
    if $tree.venv_refused != null and $"($env.TREEHOP_AUTO_VENV?)" != '0' {
      print --stderr $"treehop: ($tree.venv_refused)"
    }
  }
  __treehop_use $tree.venv $tree.name
  __treehop_segment (__treehop_look)
}

# At every prompt, without a process: what HEAD says, and what is under way.
def __treehop_look [] {
  let hop = $env.__treehop
  let waiting = if $"($env.TREEHOP_PROMPT_SESSIONS?)" == '1' { __treehop_waiting } else { 0 }
  try { {head: (__treehop_read $"($hop.git_dir)/HEAD"), marks: ($hop.marks | path exists), waiting: $waiting} }
}

# With TREEHOP_PROMPT_SESSIONS=1: how many sessions wait for somebody, by what Claude Code writes down about each.
def __treehop_waiting []: nothing -> int {
  let dir = $env.CLAUDE_CONFIG_DIR? | default $"($env.HOME)/.claude"
  mut waiting = 0
  for file in (try { glob $"($dir)/sessions/*.json" } | default []) {
    try {
      let entry = __treehop_read $file
      if '"status":"waiting"' not-in $entry { continue }
      # It outlives a kill -9: so does the process live, and is it the same, begun at the same time?
      let stat = __treehop_read $"/proc/($file | path parse | get stem)/stat"
      let began = $stat | split row ') ' | last | split row ' ' | get 19
      if $'"procStart":"($began)"' in $entry { $waiting += 1 }
    }
  }
  $waiting
}

# It need not be said again as long as all looks the same.
def --env __treehop_segment [seen: any] {
  if $seen == null { return (__treehop_forget) }
  let worktree = $env.TREEHOP_WORKTREE
  # A plain name (no `.invalid`, as a reftable has it; nothing that a terminal obeys), and nothing under way: nearly
  # always. Of all else the binary knows.
  let usual = true not-in $seen.marks and $"($seen.head)($worktree)" =~ '^ref: refs/heads/[!-\-/-~][ -~]+$'
  let said = if $usual {
    let branch = $seen.head | str substring 16..
    [$branch (if ($branch | str replace --all '/' '-') == $worktree { $branch } else { $"($branch)@($worktree)" })]
  } else { __treehop_quietly here --fields branch,prompt | split row "\n" }
  let sign = if $seen.waiting == 0 { '' } else { $" !($seen.waiting)" }
  load-env {TREEHOP_BRANCH: $said.0, TREEHOP_PROMPT: $"($said.1?)($sign)"}
  if $said.1? != null and $seen.head != 'ref: refs/heads/.invalid' { $env.__treehop.seen = $seen }
}

# The first line of a file.
def __treehop_read [file: string] {
  if $has_percent { %open --raw $file } else { open --raw $file } | lines | first
}

# Outside of all worktrees, or where one was removed.
def --env __treehop_forget [] {
  load-env {TREEHOP_WORKTREE: null, TREEHOP_BRANCH: null, TREEHOP_PROMPT: null}
  $env.__treehop.git_dir = null
  __treehop_use null
}

# On a change of directory, and at every prompt.
def --env __treehop_hook [] {
  if $env.PWD != $env.__treehop.pwd {
    __treehop_refresh
  } else if $env.__treehop.git_dir != null {
    let seen = __treehop_look
    if $seen == null or $seen != $env.__treehop.seen { __treehop_segment $seen }
  }
  __treehop_keep_path
}

# --- Tab --------------------------------------------------------------------------------------------------------
# What is typed need not be how the answer begins, so nu is told not to filter; it inserts an answer as it stands.

def "nu-complete wcd" [context: string] {
  __treehop_complete $context {|words| [find --all --partial -- ...$words] }
}

# Each word is another worktree.
def "nu-complete wrm" [context: string] {
  __treehop_complete $context {|words| [find --all --partial -- ($words | last)] }
}

def "nu-complete wnew" [context: string] {
  __treehop_complete $context {|words| [new --candidates -- ($words | last)] }
}

def "nu-complete wundo" [context: string] {
  __treehop_complete $context {|words| [undo --list -- ($words | last)] }
}

# nu knows the options of the others.
const __treehop_options = {
  wnew: [
    --base --fetch --pr --detach --name --path --carry --setup --no-setup --model --fork --tab --claude --help
  ]
  wclaude: [--force --trust --tab --help]
  wmerge: [--into --no-ff --squash --message --rebase --keep --pull --dry-run --help]
  wpr: [--remote --help]
}

# What the last word may become; `ask` makes of the typed words what the binary is asked.
def __treehop_complete [context: string, ask: closure] {
  let words = $context | parse --regex `(?<word>"[^"]*"?|'[^']*'?|\x60[^\x60]*\x60?|\S+|(?<=\s)$)` | get word
  if ($words | last) starts-with '-' {
    return ($__treehop_options | get -o $words.0 | default [] | where $it starts-with ($words | last))
  }
  let query = $words | skip 1 | where $it !~ '^-.' | str trim --char '"' | str trim --char "'" | str trim --char '`'
  let asked = do $ask $query
  let out = try {
    __treehop_ask ($asked | first) --fields query,description ...($asked | skip 1) | complete | get stdout
  }
  let answers = $out | default '' | lines | chunks 2 | each {|row|
    {value: (__treehop_quote $row.0), description: $row.1}
  }
  # Where all begin alike, nu would insert that, and it may be an answer by itself: so the word stands among them.
  let alike = ($answers | length) > 1 and ($answers | get value | str substring 0..0 | uniq | length) == 1
  let word = if $alike and ($words | last) != '' { [{value: ($words | last), description: 'pick one of these'}] }
  {options: {filter: false, sort: false}, completions: [...$answers ...$word]}
}

def __treehop_quote [text: string] {
  let bare = $text =~ '^[A-Za-z0-9_./+:@%][A-Za-z0-9_./+:@%-]*$' and $text not-in ['true' 'false' 'null']
  if $bare { $text } else { $text | to nuon }
}

# --- Loading ----------------------------------------------------------------------------------------------------

export-env {
  if (version).major == 0 and (version).minor < 110 {
    print --stderr $"treehop: nu 0.110 or newer is needed, this is ((version).version)"
  } else if $env.__treehop? == null {
    # A parent's worktree is not ours; its venv is looked at on the first refresh.
    load-env {TREEHOP_WORKTREE: null, TREEHOP_BRANCH: null, TREEHOP_PROMPT: null}
    $env.__treehop = {
      pwd: null, git_dir: null, common: null, root: null, top: null, last: null, marks: [], seen: null
      inherited: $env.VIRTUAL_ENV?, declined: null, dropped: null, offered: false
      deactivate: {||
        # Twice on one line is once.
        if $env.TREEHOP_VENV? == null { return }
        $env.__treehop.declined = $env.TREEHOP_VENV
        __treehop_deactivate
      }
    }
    # Once: loaded a second time, the hooks are there. In this order: what the first changes, the second sees.
    $env.config.hooks = $env.config.hooks | merge deep --strategy append {
      env_change: {PWD: [{|| __treehop_hook }], TREEHOP_VENV: (__treehop_offer_deactivate)}
      pre_prompt: [{|| __treehop_hook }]
    }
  }
}
