//! The published JSON Schema, as a judge of everything that treehop prints.

use std::collections::HashMap;
use std::sync::OnceLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use super::tools;

/// The kinds of document, named as in the schema's `$defs`.
const KINDS: [&str; 14] = [
    "list",
    "found",
    "matches",
    "new",
    "candidates",
    "setup",
    "remove",
    "merge",
    "undo",
    "snapshots",
    "prune",
    "pr",
    "install",
    "doctor",
];

struct Judge {
    schemas: Schemas,
    kinds: HashMap<&'static str, SchemaIndex>,
}

fn judge() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let file = tools::source("tests/schema/treehop.schema.json");
        let text = std::fs::read_to_string(&file).expect("the schema");
        let url = format!("file://{}", file.display());
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler
            .add_resource(
                &url,
                serde_json::from_str(&text).expect("the schema is JSON"),
            )
            .expect("added");
        let mut schemas = Schemas::new();
        let kinds = KINDS.map(|kind| {
            let at = format!("{url}#/$defs/{kind}");
            (
                kind,
                compiler
                    .compile(&at, &mut schemas)
                    .unwrap_or_else(|e| panic!("{e:#}")),
            )
        });
        Judge {
            schemas,
            kinds: kinds.into(),
        }
    })
}

/// What is wrong with `document` as a document of that kind.
pub fn check(kind: &str, document: &Value) -> Result<(), String> {
    let judge = judge();
    let index = *judge
        .kinds
        .get(kind)
        .unwrap_or_else(|| panic!("the schema has no {kind}"));
    judge
        .schemas
        .validate(document, index)
        .map_err(|e| format!("{e:#}"))
}

/// A schema that accepts everything would prove nothing.
#[test]
fn refuses_what_it_should() {
    let mut here = serde_json::json!({"schema": 1, "repo": null, "worktree": null, "cd": null});
    assert!(
        check("found", &here).is_err(),
        "a document without a repository"
    );
    here = serde_json::json!({"schema": 1, "matches": [], "more": true});
    assert!(check("matches", &here).is_err(), "an unknown key");
    here = serde_json::json!({"schema": 1, "matches": []});
    assert_eq!(check("matches", &here), Ok(()));
}
