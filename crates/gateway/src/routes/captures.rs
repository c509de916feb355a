//! What a path says about the variables of the template that it matches.

use std::borrow::Cow;

use crate::template::{BadEscape, Piece, Slashes, Variable, decode};

/// The value of a variable in a path that matches the pieces; the path is without its leading
/// slash and without a verb.
pub(crate) fn capture<'p>(path: &'p str, pieces: &[Piece], variable: &Variable) -> Result<Cow<'p, str>, BadEscape> {
    let start = offset(path, variable.first);
    let to_the_end = pieces.get(variable.end.saturating_sub(1)) == Some(&Piece::Rest);
    // The segments end one before the slash that the next begins after.
    let end = if to_the_end { path.len() } else { offset(path, variable.end).saturating_sub(1) };
    let end = if variable.end == pieces.len() { path.len() } else { end };
    let slashes = if variable.multi { Slashes::Keep } else { Slashes::Decode };
    decode(path.get(start..end).unwrap_or_default(), slashes)
}

/// Where the segment of this number begins; beyond the end if there is none.
fn offset(path: &str, segment: usize) -> usize {
    match segment {
        0 => 0,
        _ => path.match_indices('/').nth(segment - 1).map_or(path.len() + 1, |(at, _)| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::capture;
    use crate::template::Template;

    fn captured(template: &str, path: &str) -> Vec<String> {
        let template: Template = template.parse().unwrap();
        let value = |variable| capture(path, &template.pieces, variable).unwrap().into_owned();
        template.variables.iter().map(value).collect()
    }

    #[test]
    fn variables_are_cut_out_and_decoded() {
        assert_eq!(captured("/v1/hello/{name}", "v1/hello/Ada"), ["Ada"]);
        assert_eq!(captured("/v1/{a}/x/{b.c}", "v1/1%2F2/x/3%204"), ["1/2", "3 4"]);
        assert_eq!(captured("/{name=shelves/*}/books/{id}", "shelves/7/books/9"), ["shelves/7", "9"]);
        assert_eq!(captured("/v1/{path=files/**}", "v1/files/a/b%2Fc"), ["files/a/b%2Fc"]);
        assert_eq!(captured("/v1/{path=**}", "v1/a/b"), ["a/b"]);
        assert_eq!(captured("/v1/{path=**}", "v1"), [""]);
        assert_eq!(captured("/{a}", "x"), ["x"]);
    }
}
