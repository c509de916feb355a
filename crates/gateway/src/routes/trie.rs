//! Path templates in a tree: one level for each segment.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use skyloom::contract::HttpVerb;

use super::RestRoute;
use crate::template::{Piece, Slashes, Template, decode};

#[derive(Debug)]
struct Leaf {
    /// The custom verb after the colon.
    verb: Option<Box<str>>,
    method: HttpVerb,
    route: Arc<RestRoute>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node, RandomState>,
    one: Option<Box<Node>>,
    /// Templates that end here.
    here: Vec<Leaf>,
    /// Templates that end here with `**`.
    rest: Vec<Leaf>,
}

/// All templates. A literal goes before `*`, `*` before `**`, whatever their order was.
#[derive(Debug, Default)]
pub(super) struct Trie {
    root: Node,
}

/// A search under way. Each node is visited at most twice, so that its cost is bounded by the size
/// of the tree, whatever the path.
struct Search {
    method: Option<HttpVerb>,
    allowed: Vec<HttpVerb>,
}

impl Trie {
    /// Adds a template.
    ///
    /// # Errors
    /// The route that has it already.
    pub(super) fn insert(
        &mut self,
        method: HttpVerb,
        template: &Template,
        route: Arc<RestRoute>,
    ) -> Result<(), Arc<RestRoute>> {
        let mut node = &mut self.root;
        let mut open = false;
        for piece in &template.pieces {
            node = match piece {
                Piece::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Piece::One => node.one.get_or_insert_default(),
                Piece::Rest => {
                    open = true;
                    break;
                }
            };
        }
        let leaves = if open { &mut node.rest } else { &mut node.here };
        if let Some(taken) = leaves.iter().find(|leaf| leaf.method == method && leaf.verb == template.verb) {
            return Err(Arc::clone(&taken.route));
        }
        leaves.push(Leaf { verb: template.verb.clone(), method, route });
        Ok(())
    }

    /// The route of a path without its leading slash, and the path without its custom verb.
    ///
    /// # Errors
    /// The methods that would match; none if the path matches nothing.
    pub(super) fn find<'t, 'p>(
        &'t self,
        method: Option<HttpVerb>,
        path: &'p str,
    ) -> Result<(&'t Arc<RestRoute>, &'p str), Vec<HttpVerb>> {
        let mut search = Search { method, allowed: Vec::new() };
        let last = path.rfind('/').map_or(0, |at| at + 1);
        let colon = path.rfind(':').filter(|at| *at >= last);
        if let Some((before, verb)) = colon.and_then(|at| path.split_at_checked(at)) {
            let verb = verb.strip_prefix(':').filter(|verb| !verb.is_empty());
            if let Some(route) = verb.and_then(|verb| search.walk(&self.root, some(before), Some(verb))) {
                return Ok((route, before));
            }
        }
        search.walk(&self.root, some(path), None).map(|route| (route, path)).ok_or(search.allowed)
    }
}

/// What is left of a path; none at its end.
fn some(path: &str) -> Option<&str> {
    Some(path).filter(|path| !path.is_empty())
}

impl Search {
    fn walk<'t>(&mut self, node: &'t Node, path: Option<&str>, verb: Option<&str>) -> Option<&'t Arc<RestRoute>> {
        let Some(path) = path else {
            return self.pick(&node.here, verb).or_else(|| self.pick(&node.rest, verb));
        };
        let (segment, rest) = path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)));
        if !segment.is_empty() {
            // What cannot be decoded is no literal; the caller has checked the whole path.
            let literal = decode(segment, Slashes::Decode).ok();
            let literal = literal.and_then(|segment| node.literals.get(segment.as_ref()));
            let next = literal.into_iter().chain(node.one.as_deref());
            for node in next {
                if let Some(found) = self.walk(node, rest, verb) {
                    return Some(found);
                }
            }
        }
        self.pick(&node.rest, verb)
    }

    fn pick<'t>(&mut self, leaves: &'t [Leaf], verb: Option<&str>) -> Option<&'t Arc<RestRoute>> {
        for leaf in leaves.iter().filter(|leaf| leaf.verb.as_deref() == verb) {
            if self.method == Some(leaf.method) {
                return Some(&leaf.route);
            }
            if !self.allowed.contains(&leaf.method) {
                self.allowed.push(leaf.method);
            }
        }
        None
    }
}
