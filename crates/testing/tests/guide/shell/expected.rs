//! What a command prints, beside what the page says that it prints.

/// Whether the output is what the page shows. `...` stands for anything within a line, and alone in a line
/// for any lines; GUIDs and times are not compared, nor is how much space is between words.
pub(crate) fn agrees(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<String>, Vec<String>) = (lines(shown), lines(printed));
    lines_agree(&shown, &printed)
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(line).collect()
}

/// A line without what differs from run to run; the unit of a time may stand by itself, as in `1.96 ms`.
fn line(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(number) if is_time(&format!("{number}{word}")) => "<time>".clone_into(number),
            _ => words.push(plain(word)),
        }
    }
    words.join(" ")
}

fn lines_agree(shown: &[String], printed: &[String]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((any, after)), _) if any == "..." => {
            (0..=printed.len()).any(|skipped| lines_agree(after, &printed[skipped..]))
        }
        (Some((one, after)), Some((other, rest))) => line_agrees(one, other) && lines_agree(after, rest),
        (Some(_), None) => false,
    }
}

fn line_agrees(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split("...");
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A word, without what differs from run to run.
fn plain(word: &str) -> String {
    let core = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    if is_short_guid(core) {
        return word.replace(core, "<guid>");
    }
    if is_time(core) {
        return word.replace(core, "<time>");
    }
    let mut plain = String::new();
    let mut rest = word;
    while let Some(letter) = rest.chars().next() {
        match rest.get(..GUID).filter(|text| text.parse::<skyloom::Guid>().is_ok()) {
            Some(_) => {
                plain.push_str("<guid>");
                rest = &rest[GUID..];
            }
            None => {
                plain.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    plain
}

/// How many characters a GUID has.
const GUID: usize = 36;

/// The eight digits that `sky` shows of a GUID.
fn is_short_guid(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|letter| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter))
}

/// A number with a unit of time.
fn is_time(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    unit.len() < word.len() && ["ns", "µs", "us", "ms", "s", "m", "h", "d"].contains(&unit)
}

#[test]
fn what_differs_is_found_and_what_may_differ_is_not() {
    assert!(agrees("{\"text\":\"Hello\"}\n", "{\"text\":\"Hello\"}"));
    assert!(agrees("a  b\n...\nz", "a b\n1\n2\nz\n"));
    assert!(agrees(
        "took 3ms, id 0190a1b2-0000-7000-8000-000000000000",
        "took 1.25s, id 0190a1b2-0000-4000-8000-00000000000f"
    ));
    assert!(agrees("pid ... on ...!", "pid 12 on host a!"));
    assert!(
        agrees("61a636a1  1.96 ms  -", "eecc3533  15.4 ms  -") && !agrees("61a636a1  1.96 ms", "eecc3533  15.4 kg")
    );
    assert!(!agrees("a", "b") && !agrees("a\n", "a\nb\n") && !agrees("a\nb", "a"));
    assert!(!agrees("pid ... on x", "pid 12 on y") && !agrees("took 3ms", "took 3 apples"));
}
