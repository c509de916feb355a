//! The modules of one crate: which file is which module, and where a path leads.

use std::collections::{BTreeMap, HashMap, HashSet};

use syn::Item;

use super::paths::{Named, named_in};
use crate::rust::source::{Source, attributes, for_tests, line_of};

/// Re-exports of re-exports that are followed; more would be a knot.
const HOPS: usize = 16;

/// A module's name inside its crate, part by part; the root has none.
pub(super) type ModulePath = Vec<String>;

pub(super) struct Module<'a> {
    pub(super) source: &'a Source<'a>,
    /// The modules that it declares, in the order and on the lines in which it does.
    pub(super) children: Vec<(String, usize)>,
    pub(super) named: Vec<Named>,
    /// The names of its items, and of what it imports under which path.
    items: HashSet<String>,
    imports: HashMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

/// Where a path leads: the modules that it goes through, and whether it ends at an item of the last.
#[derive(Debug, Default)]
pub(super) struct Route {
    pub(super) through: Vec<ModulePath>,
    pub(super) at_item: bool,
}

#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) modules: BTreeMap<ModulePath, Module<'a>>,
}

impl<'a> Graph<'a> {
    /// The modules that can be reached from the file `root`.
    pub(super) fn of(root: &'a Source<'a>, sources: &HashMap<&str, &'a Source<'a>>) -> Self {
        let folder = root.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let mut graph = Self::default();
        let mut open = vec![(Vec::new(), folder, root)];
        while let Some((path, folder, source)) = open.pop() {
            let module = Module::of(source);
            for (child, _) in &module.children {
                let below = format!("{folder}/{child}");
                let files = [format!("{below}.rs"), format!("{below}/mod.rs")];
                let file = files.iter().find_map(|file| sources.get(file.as_str()));
                // A module without a file would not compile; the compiler says it better.
                if let Some(file) = file {
                    let path = path.iter().cloned().chain([child.clone()]).collect();
                    open.push((path, below, file));
                }
            }
            graph.modules.insert(path, module);
        }
        graph
    }

    /// Where a path in the module `from` leads; nowhere if it stays inside the file or leaves the crate.
    pub(super) fn follow(&self, from: &ModulePath, named: &Named) -> Route {
        let mut route = Route::default();
        if let Some((base, rest)) = self.absolute(from, &named.segments, named.depth) {
            self.resolve(base, rest, HOPS, &mut route);
        }
        route
    }

    fn absolute<'p>(
        &self,
        from: &ModulePath,
        segments: &'p [String],
        depth: usize,
    ) -> Option<(ModulePath, &'p [String])> {
        let first = segments.first()?;
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        match first.as_str() {
            "crate" => Some((Vec::new(), segments.get(1..)?)),
            "self" if depth == 0 => Some((from.clone(), segments.get(1..)?)),
            "super" if supers >= depth => {
                let above = from.len().checked_sub(supers - depth)?;
                Some((from.get(..above)?.to_vec(), segments.get(supers..)?))
            }
            child if depth == 0 && self.modules.get(from)?.declares(child) => Some((from.clone(), segments)),
            _ => None,
        }
    }

    fn resolve(&self, base: ModulePath, segments: &[String], hops: usize, route: &mut Route) {
        let mut at = base;
        for (index, segment) in segments.iter().enumerate() {
            let Some(module) = self.modules.get(&at) else { break };
            if module.declares(segment) {
                at.push(segment.clone());
                continue;
            }
            route.at_item = module.items.contains(segment);
            if !route.at_item && hops > 0 {
                self.re_exported(&at, module, segments.get(index..).unwrap_or_default(), hops - 1, route);
            }
            break;
        }
        route.through.push(at);
    }

    fn re_exported(&self, at: &ModulePath, module: &Module<'_>, rest: &[String], hops: usize, route: &mut Route) {
        let Some((name, rest)) = rest.split_first() else { return };
        if let Some(import) = module.imports.get(name) {
            let segments: Vec<String> = import.iter().chain(rest).cloned().collect();
            if let Some((base, segments)) = self.absolute(at, &segments, 0) {
                self.resolve(base, segments, hops, route);
            }
            return;
        }
        for glob in &module.globs {
            let segments: Vec<String> = glob.iter().chain([name]).chain(rest).cloned().collect();
            let Some((base, segments)) = self.absolute(at, &segments, 0) else { continue };
            let mut through = Route::default();
            self.resolve(base, segments, hops, &mut through);
            if through.at_item {
                route.through.append(&mut through.through);
                route.at_item = true;
                return;
            }
        }
    }
}

impl<'a> Module<'a> {
    fn of(source: &'a Source<'a>) -> Self {
        let named = named_in(&source.file);
        let mut module = Self {
            source,
            children: Vec::new(),
            items: HashSet::new(),
            imports: HashMap::new(),
            globs: Vec::new(),
            named: Vec::new(),
        };
        for item in source.file.items.iter().filter(|item| !for_tests(attributes(item))) {
            match item {
                Item::Mod(child) if child.content.is_none() => {
                    module.children.push((child.ident.to_string(), line_of(item)));
                }
                item => module.items.extend(item_name(item)),
            }
        }
        for import in named.iter().filter(|named| named.depth == 0) {
            match &import.import {
                Some(_) if import.glob => module.globs.push(import.segments.clone()),
                Some(name) => drop(module.imports.insert(name.clone(), import.segments.clone())),
                None => {}
            }
        }
        module.named = named;
        module
    }

    fn declares(&self, name: &str) -> bool {
        self.children.iter().any(|(child, _)| child == name)
    }
}

fn item_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
