//! Siblings are listed so that each imports only those above it.

use std::collections::{BTreeMap, HashMap};

use super::{
    graph::{Graph, Module, ModulePath},
    sorting::{Edges, sorted, way},
};
use crate::{
    finding::Finding,
    rust::source::{Place, Source},
};

const RULE: &str = "module order";

/// Everything that is wrong with the order of modules in these crates.
pub(crate) fn check(sources: &[Source<'_>]) -> Vec<Finding> {
    let of_crates = || sources.iter().filter(|source| source.place == Place::Source);
    let by_path: HashMap<&str, &Source<'_>> = of_crates().map(|source| (source.path, source)).collect();
    let mut findings = Vec::new();
    for root in of_crates().filter(|source| is_root(source.path)) {
        check_crate(&Graph::of(root, &by_path), &mut findings);
    }
    findings
}

fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let bin = folder.ends_with("src/bin");
    bin || (name == "lib.rs" || name == "main.rs") && (folder == "src" || folder.ends_with("/src"))
}

fn check_crate(graph: &Graph<'_>, findings: &mut Vec<Finding>) {
    let routes = routes(graph);
    let mut folders: BTreeMap<&[String], Edges<'_>> = BTreeMap::new();
    for Routed { from, module, line, through, at_item } in &routes {
        for target in through {
            let common = from.iter().zip(target).take_while(|(one, other)| one == other).count();
            match (from.get(common), target.get(common)) {
                (Some(one), Some(other)) => {
                    let edges = folders.entry(from.get(..common).unwrap_or_default()).or_default();
                    edges.entry((one, other)).or_insert((module.source.path, *line));
                }
                (Some(_), None) if *at_item && Some(target) == through.first() => {
                    let advice = "imports an item of the module that declares this one; move the item to a file";
                    findings.push(module.source.finding(*line, RULE, advice));
                }
                _ => {}
            }
        }
    }
    for (folder, edges) in folders {
        if let Some(module) = graph.modules.get(folder) {
            check_folder(module, edges, findings);
        }
    }
}

struct Routed<'a> {
    from: &'a ModulePath,
    module: &'a Module<'a>,
    line: usize,
    through: Vec<ModulePath>,
    at_item: bool,
}

fn routes<'a>(graph: &'a Graph<'a>) -> Vec<Routed<'a>> {
    let mut routes = Vec::new();
    for (from, module) in &graph.modules {
        for named in &module.named {
            let route = graph.follow(from, named);
            // A glob names a module and not an item: it imports whatever stands there.
            let at_item = route.at_item || named.glob;
            routes.push(Routed { from, module, line: named.line, through: route.through, at_item });
        }
    }
    routes
}

fn check_folder(module: &Module<'_>, mut edges: Edges<'_>, findings: &mut Vec<Finding>) {
    let all = edges.clone();
    edges.retain(|(one, other), (path, line)| {
        let Some(back) = way(&all, other, one) else { return true };
        let cycle = back.join(" -> ");
        let advice =
            format!("`{one}` and `{other}` import each other ({one} -> {cycle}); move what both need to one place");
        findings.push(Finding::new(path, *line, RULE, advice));
        false
    });
    let listed: Vec<&str> = module.children.iter().map(|(child, _)| child.as_str()).collect();
    let place = |name: &str| listed.iter().position(|child| *child == name);
    let early = edges.iter().filter(|((one, other), _)| place(one) < place(other));
    // The topmost of those that are listed too early is the one to begin with.
    if let Some(((one, other), (path, line))) = early.min_by_key(|((one, _), _)| place(one)) {
        let at = place(one).and_then(|index| module.children.get(index)).map_or(1, |(_, line)| *line);
        let order = sorted(&listed, &edges).join(", ");
        let advice = format!("`{one}` imports `{other}` ({path}:{line}), which is listed below it; list {order}");
        findings.push(module.source.finding(at, RULE, advice));
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rust::source::Source;

    /// The findings in a crate of these files, each a path below `src` and its text.
    fn in_crate(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(path, text)| (format!("crates/a/src/{path}"), *text)).collect();
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::parse(path, text).unwrap()).collect();
        check(&sources).iter().map(|finding| finding.to_string().replace("crates/a/src/", "")).collect()
    }

    #[test]
    fn imports_of_earlier_siblings_are_right() {
        let found = in_crate(&[
            ("lib.rs", "mod a; mod b; mod c; pub use self::{a::A, c::C};"),
            ("a.rs", "pub struct A;"),
            ("b/mod.rs", "mod d; mod e;"),
            ("b/d.rs", "use crate::A;"),
            ("b/e.rs", "use super::d::D; #[cfg(test)] mod tests { use crate::c::C; }"),
            ("c.rs", "use crate::{a::A, b::B}; pub struct C; mod m { use super::C; }"),
        ]);
        assert_eq!(found, [] as [String; 0]);
    }

    #[test]
    fn an_import_of_a_later_sibling_is_found() {
        let found = in_crate(&[
            ("lib.rs", "mod z;\nmod a;\nmod b;"),
            ("z.rs", ""),
            ("a.rs", "\nuse crate::b::B;"),
            ("b.rs", "pub struct B;"),
        ]);
        let advice = "`a` imports `b` (a.rs:2), which is listed below it; list z, b, a";
        assert_eq!(found, [format!("lib.rs:2: module order: {advice}")]);
    }

    #[test]
    fn a_re_export_hides_no_import() {
        for re_export in ["pub use self::b::B;", "pub use self::b::*;", "pub use b::{self as c, B};"] {
            let root = format!("mod a; mod b; {re_export}");
            let found = in_crate(&[
                ("lib.rs", &root),
                ("a.rs", "fn f() -> crate::B { crate::B }"),
                ("b/mod.rs", "mod c; pub use c::D as B;"),
                ("b/c.rs", "pub struct D;"),
            ]);
            let advice = "`a` imports `b` (a.rs:1), which is listed below it; list b, a";
            assert_eq!(found, [format!("lib.rs:1: module order: {advice}")], "{re_export}");
        }
    }

    #[test]
    fn a_cycle_is_found_and_shown() {
        let found = in_crate(&[
            ("main.rs", "mod a; mod b; mod c; fn main() {}"),
            ("a.rs", "fn f() { tracing::info!(x = crate::c::C) }"),
            ("b.rs", "use super::a::A;"),
            ("c.rs", "use crate::b;"),
        ]);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("(a -> c -> b -> a)"), "{}", found[0]);
    }

    #[test]
    fn an_import_from_the_parent_is_found() {
        let found = in_crate(&[("main.rs", "mod a; fn f() {}"), ("a.rs", "use crate::f;")]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("a.rs:1: module order: imports an item of the module that declares"));
        let found = in_crate(&[("lib.rs", "mod a; pub use a::A;"), ("a.rs", "use super::*; pub struct A;")]);
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}
