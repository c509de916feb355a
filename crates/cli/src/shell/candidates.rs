//! What the Tab key offers.

use std::{ffi::OsString, sync::Arc};

use clap::CommandFactory as _;
use clap_complete::engine::complete;
use rustyline::{
    Context, Helper,
    completion::{Completer, Pair},
    highlight::Highlighter,
    hint::Hinter,
    validate::Validator,
};
use skyloom::{
    contract::Shape,
    registry::{Snapshot, Watch},
    transcode::{Transcoder, outline},
};

use super::{
    action::{Line, Message, message_of},
    fields::{Offer, offers},
    json_place::{Step, place},
    words::{Word, begun_field, is_json, split_unfinished},
};
use crate::{
    complete::{Names, Source, with_names},
    method::{Target, bare, event_shapes, kind},
};

/// Completes by what the registry knows at the moment.
pub(super) struct Candidates(pub(super) Watch);

impl Candidates {
    /// Where the word at the cursor begins, and what it may become.
    pub(super) fn of(&self, line: &str) -> (usize, Vec<Pair>) {
        let snapshot = Arc::clone(&self.0.borrow());
        let words = split_unfinished(line);
        let Some(last) = words.last() else { return (line.len(), Vec::new()) };
        let is_field = begun_field(line.get(last.start..).unwrap_or_default()).is_some();
        if is_json(&last.text) || is_field {
            return fields(&snapshot, &words, last, line).unwrap_or((line.len(), Vec::new()));
        }
        if let Some(pairs) = names(&snapshot, &words) {
            return (last.start, pairs);
        }
        (last.start, of_words(&snapshot, &words))
    }
}

fn of_words(snapshot: &Arc<Snapshot>, words: &[Word]) -> Vec<Pair> {
    let names = Names::of(snapshot);
    let source: Source = Arc::new(move || names.clone());
    let mut command = with_names(Line::command(), &source);
    let last = words.len().saturating_sub(1);
    // Flags are offered to those who begin one.
    let is_flag = words.last().is_some_and(|word| word.text.starts_with('-'));
    let words: Vec<OsString> = words.iter().map(|word| word.text.clone().into()).collect();
    let found = complete(&mut command, words, last, None).unwrap_or_default();
    let visible = found.into_iter().filter(|candidate| !candidate.is_hide_set());
    let words = visible.map(|candidate| candidate.get_value().to_string_lossy().into_owned());
    let words = words.filter(|word| is_flag || !word.starts_with('-'));
    words.map(|word| Pair { replacement: format!("{word} "), display: word }).collect()
}

fn fields(snapshot: &Snapshot, words: &[Word], last: &Word, line: &str) -> Option<(usize, Vec<Pair>)> {
    let shapes = shapes(snapshot, words)?;
    let written = line.get(last.start..)?;
    let (name, json) = begun_field(written).unwrap_or(("", written));
    let mut place = place(json)?;
    place.path.splice(..0, name.split('.').filter(|name| !name.is_empty()).map(|name| Step::Field(name.to_owned())));
    let mut all: Vec<Offer> = Vec::new();
    for offer in shapes.iter().flat_map(|shape| offers(shape, &place)) {
        // Those who listen to one topic mostly agree on its fields.
        if all.iter().all(|known| known.text != offer.text) {
            all.push(offer);
        }
    }
    let pairs = all.into_iter().map(|offer| Pair { display: offer.shown, replacement: offer.text });
    Some((line.len() - json.len() + place.start, pairs.collect()))
}

/// The fields that may be written next as `name=`, if the line is there.
fn names(snapshot: &Snapshot, words: &[Word]) -> Option<Vec<Pair>> {
    let (last, before) = words.split_last()?;
    // What follows an option is its value.
    if before.last()?.text.starts_with('-') || last.text.starts_with('-') {
        return None;
    }
    let mut pairs: Vec<Pair> = Vec::new();
    for shape in shapes(snapshot, words)? {
        let Shape::Object { fields, .. } = bare(&shape) else { continue };
        let wanted = fields.iter().map(|field| (format!("{}=", field.name), &field.shape));
        let given = |name: &str| before.iter().any(|word| word.text.starts_with(name));
        for (name, shape) in wanted.filter(|(name, _)| name.starts_with(&last.text) && !given(name)) {
            if pairs.iter().all(|pair| pair.replacement != name) {
                pairs.push(Pair { display: format!("{name} {}", kind(shape)), replacement: name });
            }
        }
    }
    Some(pairs)
}

/// The shapes of the message that the line writes.
fn shapes(snapshot: &Snapshot, words: &[Word]) -> Option<Vec<Shape>> {
    match message_of(words)? {
        Message::Method(name) => Some(vec![request(snapshot, name)?]),
        Message::Topic(topic) => Some(event_shapes(snapshot, topic).collect()),
    }
}

/// The shape of what a method takes.
fn request(snapshot: &Snapshot, name: &str) -> Option<Shape> {
    let target = Target::find(snapshot, name).ok()?;
    let transcoder = Transcoder::new(&target.contract).ok()?;
    Some(outline(transcoder.method(target.method.name.as_str())?.input()))
}

impl Completer for Candidates {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self.of(line.get(..pos).unwrap_or(line)))
    }
}

impl Hinter for Candidates {
    type Hint = String;
}

impl Highlighter for Candidates {}

impl Validator for Candidates {}

impl Helper for Candidates {}

#[cfg(test)]
mod tests {
    use skyloom::contract::Contract;
    use tokio::sync::watch;

    use super::*;

    fn offered(line: &str) -> (usize, Vec<String>) {
        let contract: Contract = serde_json::from_value(serde_json::json!({
            "name": "greeter.v1.Greeter", "queue": "greeter.v1", "version": 1,
            "methods": [
                { "name": "Hello", "codec": "json", "input": "Hello", "output": "Greeting",
                  "request": { "type": "object", "name": "Hello",
                               "fields": [{ "name": "name", "shape": { "type": "string" } }] } },
                { "name": "Help", "codec": "json", "input": "Hello", "output": "Greeting" },
            ],
            "events": [
                { "topic": "links.visited", "shape": { "type": "object", "name": "Visited", "fields": [
                    { "name": "code", "shape": { "type": "string" } }, { "name": "times", "shape": { "type": "integer" } },
                ] } },
                { "topic": "links.visited", "group": "other", "shape": { "type": "object", "name": "Visit", "fields": [
                    { "name": "code", "shape": { "type": "string" } }, { "name": "url", "shape": { "type": "string" } },
                ] } },
                { "topic": "links.made" },
                { "topic": "orders.placed", "shape": { "type": "object", "name": "Order", "fields": [
                    { "name": "item", "shape": { "type": "object", "name": "Item", "fields": [
                        { "name": "code", "shape": { "type": "string" } }, { "name": "count", "shape": { "type": "integer" } },
                    ] } },
                ] } },
            ],
        }))
        .unwrap();
        let mut snapshot = Snapshot::default();
        snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        let (_sender, watch) = watch::channel(Arc::new(snapshot));
        let (start, pairs) = Candidates(watch).of(line);
        (start, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    #[test]
    fn commands_services_methods_topics_and_fields_are_offered() {
        assert_eq!(offered("ca"), (0, vec!["call ".to_owned(), "cast ".to_owned()]));
        let methods = ["greeter.v1.Greeter/Hello ", "greeter.v1.Greeter/Help "].map(str::to_owned).to_vec();
        assert_eq!(offered("call gre"), (5, methods.clone()));
        assert_eq!(offered("call "), (5, methods));
        assert_eq!(offered("listen links.v"), (7, vec!["links.visited ".to_owned()]));
        assert_eq!(offered("log 7d de"), (7, vec!["debug ".to_owned()]));
        assert_eq!(offered("instances --ser"), (10, vec!["--service ".to_owned()]));
        let line = "call greeter.v1.Greeter/Hello {";
        assert_eq!(offered(line), (line.len(), vec!["\"name\": \"".to_owned()]));
        assert_eq!(offered("call greeter.v1/Hello {\"na"), (23, vec!["\"name\": \"".to_owned()]));
        assert_eq!(offered("call nobody/Hello {\"na"), (22, vec![]));
        let fields = ["\"code\": \"", "\"times\": ", "\"url\": \""].map(str::to_owned).to_vec();
        assert_eq!(offered("publish links.visited {"), (23, fields));
        assert_eq!(offered("publish links.visited {\"code\": \"a\", \"t"), (36, vec!["\"times\": ".to_owned()]));
        assert_eq!(offered("publish links.made {"), (20, vec![]));
        assert_eq!(offered("call greeter.v1/Hello "), (22, vec!["name=".to_owned()]));
        assert_eq!(offered("call greeter.v1/Hello name=Ada "), (31, vec![]));
        assert_eq!(offered("call greeter.v1/Hello --timeout n"), (32, vec![]));
        assert_eq!(offered("publish links.visited code=a u"), (29, vec!["url=".to_owned()]));
        let fields = ["\"code\": \"", "\"count\": "].map(str::to_owned).to_vec();
        assert_eq!(offered("publish orders.placed item={"), (28, fields));
        assert_eq!(offered("publish orders.placed item={\"code\": \"a b\", \"c"), (43, vec!["\"count\": ".to_owned()]));
        assert_eq!(offered("publish orders.placed item={\"count\": 1} it"), (40, vec![]));
    }
}
