//! What is to be done so that one plan takes the place of another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::plan::{Part, Plan, Spec};

/// The processes, by their names, that are concerned when a plan takes the place of the one that runs. All others are
/// left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Those that run from now on.
    pub(super) start: BTreeSet<String>,
    /// Those that run no longer.
    pub(super) end: BTreeSet<String>,
    /// Those that are to be others: another program, other arguments, another environment.
    pub(super) replace: BTreeSet<String>,
    /// Those of them that are replaced because of what was built or is read, and not because of the plan.
    pub(super) renew: BTreeSet<String>,
    /// The parts that end because they have another name from now on: by their old names, the new ones.
    pub(super) renamed: BTreeMap<String, String>,
    words: Words,
}

/// The same by part, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    started: Vec<String>,
    ended: Vec<String>,
    replaced: Vec<String>,
    scaled: Vec<String>,
    renamed: Vec<String>,
}

impl Difference {
    /// Compares what runs with what is to run. The program of the `renewed` parts is another one than before, or what
    /// it reads is, even if the plan of them is the same.
    pub(super) fn between(running: &Plan, wished: &Plan, renewed: &BTreeSet<String>) -> Self {
        let mut this = Self::default();
        for part in &wished.parts {
            let before = running.parts.iter().find(|before| before.name == part.name);
            this.part(before, part, renewed.contains(&part.name));
        }
        for part in &running.parts {
            if !wished.parts.iter().any(|still| still.name == part.name) {
                this.gone(part);
            }
        }
        this.find_renamed(running, wished);
        this
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.start.is_empty() && self.end.is_empty() && self.replace.is_empty()
    }

    fn part(&mut self, before: Option<&Part>, now: &Part, renewed: bool) {
        let known = before.map_or(&[][..], |before| &before.processes);
        for spec in &now.processes {
            match known.iter().find(|known| known.name == spec.name) {
                None => {
                    self.start.insert(spec.name.clone());
                }
                Some(known) => {
                    self.replace.extend((renewed || known != spec).then(|| spec.name.clone()));
                    self.renew.extend(renewed.then(|| spec.name.clone()));
                }
            }
        }
        let is_gone = |name: &String| !now.processes.iter().any(|spec| spec.name == *name);
        self.end.extend(known.iter().map(|spec| spec.name.clone()).filter(is_gone));
        if now.processes.iter().any(|spec| self.replace.contains(&spec.name)) {
            self.words.replaced.push(now.name.clone());
        }
        match (known.len(), now.processes.len()) {
            (0, 0) => {}
            (0, _) => self.words.started.push(now.name.clone()),
            (_, 0) => self.words.ended.push(now.name.clone()),
            (before, after) if before != after => {
                let instances = if after == 1 { "instance" } else { "instances" };
                self.words.scaled.push(format!("{} has {after} {instances} instead of {before}", now.name));
            }
            _ => {}
        }
    }

    /// Of a part that starts as what another was that ends, it is the new name. Each has one at most.
    fn find_renamed(&mut self, running: &Plan, wished: &Plan) {
        for old in &running.parts {
            if !self.words.ended.contains(&old.name) {
                continue;
            }
            let is_new = |part: &&Part| self.words.started.contains(&part.name) && is_same(old, part);
            let Some(new) = wished.parts.iter().find(is_new) else { continue };
            self.words.ended.retain(|name| *name != old.name);
            self.words.started.retain(|name| *name != new.name);
            self.words.renamed.push(format!("{} takes the place of {}", new.name, old.name));
            self.renamed.insert(old.name.clone(), new.name.clone());
        }
    }

    fn gone(&mut self, part: &Part) {
        self.end.extend(part.processes.iter().map(|spec| spec.name.clone()));
        if !part.processes.is_empty() {
            self.words.ended.push(part.name.clone());
        }
    }
}

/// Whether two parts differ in nothing but their names, how many processes they have, and what they wait for.
fn is_same(one: &Part, other: &Part) -> bool {
    let unnamed = |part: &Part| part.processes.first().map(|spec| Spec { name: String::new(), ..spec.clone() });
    unnamed(one).is_some() && unnamed(one) == unnamed(other)
}

/// As in `starting stock; qr has 2 instances instead of 1; replacing links, orders`.
impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Words { started, ended, replaced, scaled, renamed } = &self.words;
        let list = |what: &str, names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let clauses = list("starting", started).into_iter().chain(renamed.iter().chain(scaled).cloned());
        let clauses = clauses.chain(list("replacing", replaced)).chain(list("ending", ended));
        formatter.write_str(&clauses.collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use skyloom::Endpoints;

    use super::{super::file::ClusterFile, *};

    fn plan(text: &str) -> Plan {
        let file = ClusterFile::parse(text).unwrap();
        let mut plan = Plan::new(&file, Path::new("/srv"), &Endpoints::new("unix:/x")).unwrap();
        for wanted in file.wanted() {
            let program = format!("/target/{}", wanted.package.unwrap());
            plan.built([(wanted.part.as_str(), Path::new(&program))]);
        }
        plan
    }

    /// Those that start, those that end, those that are replaced, and the words.
    fn difference(before: &str, after: &str, renewed: &[&str]) -> [String; 4] {
        let renewed = renewed.iter().map(|part| (*part).to_owned()).collect();
        let found = Difference::between(&plan(before), &plan(after), &renewed);
        let words = found.to_string();
        assert_eq!(found.is_empty(), words.is_empty(), "{words}");
        assert!(found.renew.is_subset(&found.replace));
        let join = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(" ");
        [join(found.start), join(found.end), join(found.replace), words]
    }

    const TWO: &str = "[broker]\n[services.a]\ncommand = ['sh']\n[services.b]\ncommand = ['sh']\ninstances = 2\n";

    #[test]
    fn the_same_plan_changes_nothing() {
        assert_eq!(difference(TWO, TWO, &[]), ["", "", "", ""]);
        // In another order, with a note, and with what is the default anyway.
        let same = "# a note\n[services.b]\ninstances = 2\ncommand = ['sh']\n[services.a]\ncommand = ['sh']\n\
                    instances = 1\nenv = {}\n[broker]\n";
        assert_eq!(difference(TWO, same, &[]), ["", "", "", ""]);
        // What a service waits for matters when it starts.
        let waiting = TWO.replace("[services.b]\n", "after = ['b']\n[services.b]\n");
        assert_eq!(difference(TWO, &waiting, &[]), ["", "", "", ""]);
    }

    #[test]
    fn a_cluster_starts_as_all_that_differs_from_nothing() {
        let plan = plan(TWO);
        let found = Difference::between(&plan.before_its_start(), &plan, &BTreeSet::new());
        assert_eq!(found.start.iter().map(String::as_str).collect::<Vec<_>>(), ["a.1", "b.1", "b.2", "broker"]);
        assert!(found.end.is_empty() && found.replace.is_empty());
    }

    #[test]
    fn what_is_added_starts_and_what_is_removed_ends() {
        let three = format!("{TWO}[services.c]\ncommand = ['sh']\nafter = ['a']\n");
        assert_eq!(difference(TWO, &three, &[]), ["c.1", "", "", "starting c"]);
        assert_eq!(difference(&three, TWO, &[]), ["", "c.1", "", "ending c"]);
        let other = three.replace("services.b", "services.d");
        assert_eq!(difference(&three, &other, &[]), ["d.1 d.2", "b.1 b.2", "", "d takes the place of b"]);
        let other = other.replace("['sh']\ninstances", "['sh', '-x']\ninstances");
        assert_eq!(difference(&three, &other, &[]), ["d.1 d.2", "b.1 b.2", "", "starting d; ending b"]);
    }

    #[test]
    fn what_has_another_name_takes_the_place_of_one() {
        let text = |names: &[&str]| {
            let part = |name: &&str| format!("[services.{name}]\ncommand = ['sh']\n");
            format!("[broker]\n{}", names.iter().map(part).collect::<String>())
        };
        let cases = [
            (&["a", "b"][..], &["c"][..], "c takes the place of a; ending b"),
            (&["a"], &["b", "c"], "starting c; b takes the place of a"),
            (&["a", "b"], &["c", "d"], "c takes the place of a; d takes the place of b"),
            (&["a", "b"], &["b"], "ending a"),
        ];
        for (before, after, words) in cases {
            assert_eq!(difference(&text(before), &text(after), &[])[3], words);
        }
    }

    #[test]
    fn instances_come_and_go_at_the_end_of_their_numbers() {
        let more = TWO.replace("instances = 2", "instances = 4");
        assert_eq!(difference(TWO, &more, &[]), ["b.3 b.4", "", "", "b has 4 instances instead of 2"]);
        let one = TWO.replace("instances = 2", "instances = 1");
        assert_eq!(difference(&more, &one, &[]), ["", "b.2 b.3 b.4", "", "b has 1 instance instead of 4"]);
        let none = TWO.replace("instances = 2", "instances = 0");
        assert_eq!(difference(TWO, &none, &[]), ["", "b.1 b.2", "", "ending b"]);
        assert_eq!(difference(&none, TWO, &[]), ["b.1 b.2", "", "", "starting b"]);
        assert_eq!(difference(&none, "[broker]\n[services.a]\ncommand = ['sh']", &[]), ["", "", "", ""]);
    }

    #[test]
    fn what_is_set_otherwise_is_replaced_in_all_its_instances() {
        for (key, other) in [
            ("['sh']\ninstances", "['sh', '-x']\ninstances"),
            ("['sh']\ninstances", "['env']\ninstances"),
            ("['sh']\ninstances", "['sh']\nenv = { A = '1' }\ninstances"),
        ] {
            let changed = TWO.replace(key, other);
            assert_eq!(difference(TWO, &changed, &[]), ["", "", "b.1 b.2", "replacing b"], "{other}");
        }
        let both = TWO.replace("['sh']\ninstances = 2", "['sh']\nenv = { A = '1' }\ninstances = 3");
        let expected = ["b.3", "", "b.1 b.2", "b has 3 instances instead of 2; replacing b"];
        assert_eq!(difference(TWO, &both, &[]), expected);
    }

    #[test]
    fn another_program_is_known_by_its_place_or_by_what_was_built() {
        let built = "[services.a]\npackage = 'x'\n[services.b]\npackage = 'y'\n";
        assert_eq!(difference(built, built, &["b"]), ["", "", "b.1", "replacing b"]);
        let other = built.replace("'x'", "'z'");
        assert_eq!(difference(built, &other, &["a"]), ["", "", "a.1", "replacing a"]);
        assert_eq!(difference(built, &other, &[]), ["", "", "a.1", "replacing a"]);
        // What is built for the first time is no other.
        let more = format!("{built}[services.c]\npackage = 'x'\nargs = ['1']\n");
        assert_eq!(difference(built, &more, &["a", "c"]), ["c.1", "", "a.1", "starting c; replacing a"]);
        let gateway = "[gateway]\ncommand = ['sh']\n";
        assert_eq!(difference("[gateway]", gateway, &[]), ["", "", "gateway", "replacing gateway"]);
    }
}
