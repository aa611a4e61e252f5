//! What a query means (DESIGN, "What QUERY means"): the first tier with a match decides.

use gix::bstr::{BStr, BString, ByteSlice};

/// What a query is held against.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The branch, or the one that a rebase will put back.
    pub branch: Option<BString>,
    /// The short name.
    pub name: BString,
    /// The directory's whole base name, for those who type what they see on disk.
    pub base: BString,
}

/// How well a word fits, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// The branch or name, letter by letter: what is written exactly so wins over another case.
    Same,
    /// The branch or name.
    Exact,
    /// The last segment of the branch: `auth` of `feature/auth`.
    LastSegment,
    /// The beginning of branch, name or a segment.
    Prefix,
    /// A whole word between `-`, `_`, `/` and `.`: `422` of `fix/issue-422`.
    Word,
    /// Anywhere.
    Substring,
    /// The letters in order.
    Letters,
}

/// The targets that all `words` mean: those of the first tier in which any fits. An empty word fits all.
pub fn decide(words: &[BString], targets: &[Target]) -> Vec<usize> {
    // The word that fits worst says how well all of them fit.
    let fit = |target| {
        words
            .iter()
            .map(|word| tier(word.as_bstr(), target))
            .try_fold(Tier::Same, |worst, t| Some(worst.max(t?)))
    };
    let fits: Vec<_> = targets.iter().map(fit).collect();
    let best = fits.iter().flatten().min();
    (0..targets.len())
        .filter(|at| best.is_some() && fits[*at].as_ref() == best)
        .collect()
}

fn tier(word: &BStr, target: &Target) -> Option<Tier> {
    // Smart case: a word without a capital letter fits both cases.
    let fold = |text: &BStr| {
        if word.chars().any(char::is_uppercase) {
            text.to_owned()
        } else {
            lower(text)
        }
    };
    let whole = || target.branch.iter().chain([&target.name, &target.base]);
    if whole().any(|text| text == word) {
        return Some(Tier::Same);
    }
    if whole().any(|text| fold(text.as_bstr()) == word) {
        return Some(Tier::Exact);
    }
    let branch = target.branch.as_ref().map(|branch| fold(branch.as_bstr()));
    let name = fold(target.name.as_bstr());
    let texts = || branch.iter().chain([&name]);
    let segments = || texts().flat_map(|text| text.split_str("/"));
    let tiers: [(Tier, &dyn Fn() -> bool); 5] = [
        (Tier::LastSegment, &|| {
            branch
                .iter()
                .any(|b| b.rsplit_str("/").next() == Some(word))
        }),
        (Tier::Prefix, &|| {
            texts().any(|t| t.starts_with(word)) || segments().any(|s| s.starts_with(word))
        }),
        (Tier::Word, &|| {
            texts().any(|text| has_word(text.as_bstr(), word))
        }),
        (Tier::Substring, &|| {
            texts().any(|text| text.contains_str(word))
        }),
        (Tier::Letters, &|| {
            texts().any(|text| in_order(text.as_bstr(), word))
        }),
    ];
    tiers
        .into_iter()
        .find(|(_, fits)| fits())
        .map(|(tier, _)| tier)
}

fn has_word(text: &BStr, word: &BStr) -> bool {
    let boundary = |b: Option<&u8>| b.is_none_or(|b| b"-_/.".contains(b));
    let ends = |at: usize| {
        boundary(text.get(at + word.len())) && boundary(at.checked_sub(1).and_then(|b| text.get(b)))
    };
    text.find_iter(word).any(ends)
}

fn in_order(text: &BStr, word: &BStr) -> bool {
    let mut left = text.chars();
    word.chars().all(|wanted| left.any(|c| c == wanted))
}

/// Lower case; bytes that are not UTF-8 stay as they are.
fn lower(text: &BStr) -> BString {
    match text.to_str() {
        Ok(text) => text.to_lowercase().into(),
        Err(_) => text.to_ascii_lowercase().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::quick;
    use proptest::prelude::*;

    fn decided(words: &[&str], branches: &[&str]) -> Vec<String> {
        let target = |b: &&str| Target {
            branch: Some((*b).into()),
            name: b.replace('/', "-").into(),
            base: "".into(),
        };
        let targets: Vec<_> = branches.iter().map(target).collect();
        let words: Vec<BString> = words.iter().map(|w| (*w).into()).collect();
        decide(&words, &targets)
            .into_iter()
            .map(|at| branches[at].to_owned())
            .collect()
    }

    #[test]
    fn the_first_tier_with_a_match_decides() {
        let all = [
            "main",
            "feature/auth",
            "auth-old",
            "fix/issue-422",
            "fix/issue-4220",
            "oauth",
            "Auth",
        ];
        for (words, expected) in [
            (&["Auth"][..], &["Auth"][..]),
            (&["auth"], &["Auth"]),
            (&["auth-old"], &["auth-old"]),
            (&["au"], &["feature/auth", "auth-old", "Auth"]),
            (&["422"], &["fix/issue-422"]),
            (&["42"], &["fix/issue-422", "fix/issue-4220"]),
            (&["fix", "4220"], &["fix/issue-4220"]),
            (&["ftau"], &["feature/auth"]),
            (&["zzz"], &[]),
            (&["fix", "zzz"], &[]),
            (&["FIX"], &[]),
        ] {
            assert_eq!(decided(words, &all), expected, "{words:?}");
        }
    }

    proptest! {
        #![proptest_config(quick())]

        #[test]
        fn a_branch_is_found_by_itself_and_by_each_part_of_it(
            branches in proptest::collection::vec("[a-cA-C0-2é🦀/_.-]{1,12}", 1..8),
            at in any::<prop::sample::Index>(),
            from in any::<prop::sample::Index>(),
            length in 1..12usize,
        ) {
            let all: Vec<&str> = branches.iter().map(String::as_str).collect();
            let branch = all[at.index(all.len())];
            let found = decided(&[branch], &all);
            prop_assert!(found.iter().all(|found| found == branch), "{found:?}");
            let letters: Vec<char> = branch.chars().collect();
            let part: String = letters[from.index(letters.len())..].iter().take(length).collect();
            prop_assert!(!decided(&[&part], &all).is_empty(), "{part}");
            let every_other: String = letters.iter().step_by(2).collect();
            prop_assert!(!decided(&[&every_other], &all).is_empty(), "{every_other}");
        }
    }
}
