//! Liquid, as far as our templates use it: `{{ output | filter }}`, `if`, `elsif`, `else`, `unless`, and `-`
//! beside a brace, which takes the blank space away on that side.
//!
//! The whole of Liquid is a crate with some thirty others below it, one of them with a build in C. What a template
//! has beyond this is an error here, and tests compare each variant with what `cargo generate` makes of it.

use super::{
    expression::{evaluate, holds},
    value::Values,
};

/// One piece of a template.
enum Piece<'a> {
    Text(&'a str),
    Output(&'a str),
    Tag(&'a str),
}

/// A block that is open: `if` or `unless`.
struct Block {
    opened_by: &'static str,
    /// Whether the branch that is being read counts.
    active: bool,
    /// Whether a branch has counted.
    done: bool,
}

/// The text that a template makes of these values.
///
/// # Errors
/// What in it is no Liquid, or more of Liquid than is known here.
pub(super) fn render(template: &str, values: &Values) -> Result<String, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut out = String::with_capacity(template.len());
    for piece in pieces(template)? {
        let active = blocks.iter().all(|block| block.active);
        match piece {
            Piece::Text(text) if active => out.push_str(text),
            Piece::Output(text) if active => out.push_str(&evaluate(text, values)?),
            Piece::Text(_) | Piece::Output(_) => {}
            Piece::Tag(text) => tag(text, values, &mut blocks)?,
        }
    }
    match blocks.pop() {
        Some(block) => Err(format!("`{}` has no end", block.opened_by)),
        None => Ok(out),
    }
}

fn tag(text: &str, values: &Values, blocks: &mut Vec<Block>) -> Result<(), String> {
    let (word, condition) = text.split_once(' ').unwrap_or((text, ""));
    if word == "if" || word == "unless" {
        // What is not looked at need not make sense: a variable may be missing there.
        let looked_at = blocks.iter().all(|block| block.active);
        let wanted = word == "if";
        let active = looked_at && holds(condition, values)? == wanted;
        let opened_by = if wanted { "if" } else { "unless" };
        blocks.push(Block { opened_by, active, done: active || !looked_at });
        return Ok(());
    }
    let block = blocks.last_mut().ok_or_else(|| format!("`{word}` stands outside of a block"))?;
    match word {
        "elsif" => {
            block.active = !block.done && holds(condition, values)?;
            block.done |= block.active;
        }
        "else" => {
            block.active = !block.done;
            block.done = true;
        }
        end if end.strip_prefix("end") == Some(block.opened_by) => drop(blocks.pop()),
        other => return Err(format!("there is no tag `{other}` here")),
    }
    Ok(())
}

/// Cuts a template into its pieces, blank space taken away where a `-` asks for it.
fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trim = false;
    loop {
        let start = match (rest.find("{{"), rest.find("{%")) {
            (Some(output), Some(tag)) => output.min(tag),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => break,
        };
        let (text, opened) = rest.split_at(start);
        let (opening, opened) = opened.split_at(2);
        let closing = if opening == "{{" { "}}" } else { "%}" };
        let (inside, after) = opened.split_once(closing).ok_or_else(|| format!("`{opening}` has no `{closing}`"))?;
        let text = if trim { text.trim_start() } else { text };
        let (text, inside) = match inside.strip_prefix('-') {
            Some(inside) => (text.trim_end(), inside),
            None => (text, inside),
        };
        let (inside, trims) = inside.strip_suffix('-').map_or((inside, false), |inside| (inside, true));
        pieces.push(Piece::Text(text));
        pieces.push(if opening == "{{" { Piece::Output(inside.trim()) } else { Piece::Tag(inside.trim()) });
        (rest, trim) = (after, trims);
    }
    pieces.push(Piece::Text(if trim { rest.trim_start() } else { rest }));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaffold::value::Value;

    fn rendered(template: &str) -> Result<String, String> {
        let values = [("name", Value::from("orders")), ("event", true.into()), ("streaming", false.into())];
        render(template, &values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    #[test]
    fn branches_are_taken_by_their_conditions() {
        let cases = [
            ("a {{ name }} b\n", "a orders b\n"),
            ("{% if event %}x{% else %}y{% endif %}", "x"),
            ("{% if streaming %}x{% elsif event %}z{% else %}y{% endif %}", "z"),
            ("{% if event %}x{% elsif event %}z{% else %}y{% endif %}", "x"),
            ("{% unless event %}x{% else %}y{% endunless %}", "y"),
            ("{% if streaming %}{% if event %}x{% else %}y{% endif %}{% endif %}.", "."),
            ("{% if streaming %}{{ missing }}{% if missing %}{% elsif missing %}{% endif %}{% endif %}.", "."),
        ];
        for (template, text) in cases {
            assert_eq!(rendered(template).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn a_hyphen_takes_blank_space_away() {
        assert_eq!(rendered("a\n{%- if event %}\nb\n{%- endif %}\nc\n").as_deref(), Ok("a\nb\nc\n"));
        assert_eq!(rendered("a \n {{- name -}} \n b").as_deref(), Ok("aordersb"));
        assert_eq!(rendered("a {% if event -%} \n b {%- endif -%} \n c").as_deref(), Ok("a bc"));
    }

    #[test]
    fn what_is_unknown_is_an_error() {
        for template in [
            "{{ name",
            "{% if event %}",
            "{% endif %}",
            "{% if event %}{% endunless %}",
            "{% for x in y %}{% endfor %}",
            "{% if event %}{% assign x = 1 %}{% endif %}",
            "{{ missing }}",
        ] {
            assert!(rendered(template).is_err(), "{template}");
        }
    }
}
