//! In which order services start.

use std::collections::{BTreeMap, BTreeSet};

/// The names so that each comes after those it waits for; where that leaves a choice, by name.
///
/// # Errors
/// The cycle, if some wait for each other.
pub(super) fn start_order(after: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, Cycle> {
    let mut walk = Walk { after, done: BTreeSet::new(), path: Vec::new(), order: Vec::new() };
    for name in after.keys() {
        walk.visit(name)?;
    }
    Ok(walk.order)
}

/// Services that wait for each other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub(super) struct Cycle {
    /// One of them.
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) sentence: String,
}

struct Walk<'a> {
    after: &'a BTreeMap<String, Vec<String>>,
    done: BTreeSet<&'a str>,
    path: Vec<&'a str>,
    order: Vec<String>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &'a str) -> Result<(), Cycle> {
        if self.done.contains(name) {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|earlier| *earlier == name) {
            let cycle: Vec<&str> = self.path.iter().skip(start).copied().chain([name]).collect();
            let sentence = match cycle.as_slice() {
                [_, _] => format!("it waits for itself; take {name:?} out of its `after`"),
                several => {
                    format!("services wait for each other: {}; take one `after` away", several.join(" after "))
                }
            };
            return Err(Cycle { name: name.to_owned(), sentence });
        }
        self.path.push(name);
        for earlier in self.after.get(name).into_iter().flatten() {
            self.visit(earlier)?;
        }
        self.path.pop();
        self.done.insert(name);
        self.order.push(name.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(edges: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        edges
            .iter()
            .map(|(name, after)| ((*name).to_owned(), after.iter().map(|a| (*a).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn each_comes_after_those_it_waits_for() {
        let services = after(&[("audit", &["links"]), ("greeter", &[]), ("links", &["qr", "greeter"]), ("qr", &[])]);
        assert_eq!(start_order(&services).unwrap(), ["qr", "greeter", "links", "audit"]);
    }

    #[test]
    fn a_cycle_is_named() {
        let services = after(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
        let cycle = start_order(&services).unwrap_err();
        let sentence = "services wait for each other: b after c after b; take one `after` away".to_owned();
        assert_eq!(cycle, Cycle { name: "b".to_owned(), sentence });
        let alone = start_order(&after(&[("a", &["a"])])).unwrap_err();
        assert_eq!(alone.sentence, "it waits for itself; take \"a\" out of its `after`");
    }
}
