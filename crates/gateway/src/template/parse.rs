//! Parses path templates.
//!
//! ```text
//! Template  = "/" Segments [ ":" LITERAL ] ;
//! Segments  = Segment { "/" Segment } ;
//! Segment   = "*" | "**" | LITERAL | Variable ;
//! Variable  = "{" FieldPath [ "=" Segments ] "}" ;
//! FieldPath = IDENT { "." IDENT } ;
//! ```

use std::str::FromStr;

use super::{Piece, Template, Variable};

/// The longest template, in bytes; contracts come from other processes.
const MAX_LENGTH: usize = 1024;
/// The most segments.
const MAX_PIECES: usize = 32;

/// Why a text is no path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// No leading slash.
    #[error("it does not start with a slash")]
    NoSlash,
    /// Too long or too many segments.
    #[error("it is longer than 1024 bytes or 32 segments")]
    TooLong,
    /// A brace is missing, or there is one too many.
    #[error("its braces do not match")]
    Braces,
    /// Two slashes in a row, or one at the end.
    #[error("it has an empty segment")]
    EmptySegment,
    /// `**` is not at the end.
    #[error("** is not its last segment")]
    RestNotLast,
    /// A variable without a field, or with one that is no field path.
    #[error("a variable does not name a field")]
    Field,
    /// Two variables bind one field.
    #[error("it binds one field twice")]
    Twice,
    /// An empty verb after a colon.
    #[error("its verb is empty or contains a slash")]
    Verb,
    /// A star inside a text.
    #[error("a star stands within a segment")]
    Star,
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_LENGTH {
            return Err(TemplateError::TooLong);
        }
        let body = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        let (body, verb) = split_verb(body)?;
        let mut template = Self { pieces: Vec::new(), variables: Vec::new(), verb };
        if !body.is_empty() {
            for part in split_outside_braces(body)? {
                template.push(part)?;
            }
        } else if template.verb.is_some() {
            return Err(TemplateError::EmptySegment);
        }
        template.check()
    }
}

impl Template {
    fn push(&mut self, part: &str) -> Result<(), TemplateError> {
        let Some(inner) = part.strip_prefix('{') else {
            self.pieces.push(piece(part)?);
            return Ok(());
        };
        let inner = inner.strip_suffix('}').ok_or(TemplateError::Braces)?;
        let (field, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
        let first = self.pieces.len();
        for segment in pattern.split('/') {
            self.pieces.push(piece(segment)?);
        }
        let own = self.pieces.get(first..).unwrap_or_default();
        let multi = own.len() > 1 || own.contains(&Piece::Rest);
        self.variables.push(Variable { field: field_path(field)?, first, end: self.pieces.len(), multi });
        Ok(())
    }

    fn check(self) -> Result<Self, TemplateError> {
        if self.pieces.len() > MAX_PIECES {
            return Err(TemplateError::TooLong);
        }
        if self.pieces.iter().rev().skip(1).any(|piece| *piece == Piece::Rest) {
            return Err(TemplateError::RestNotLast);
        }
        for (index, variable) in self.variables.iter().enumerate() {
            if self.variables.iter().take(index).any(|earlier| earlier.field == variable.field) {
                return Err(TemplateError::Twice);
            }
        }
        Ok(self)
    }
}

fn piece(text: &str) -> Result<Piece, TemplateError> {
    match text {
        "" => Err(TemplateError::EmptySegment),
        "*" => Ok(Piece::One),
        "**" => Ok(Piece::Rest),
        _ if text.contains('*') => Err(TemplateError::Star),
        _ if text.contains(['{', '}']) => Err(TemplateError::Braces),
        _ => Ok(Piece::Literal(text.into())),
    }
}

fn field_path(text: &str) -> Result<Vec<Box<str>>, TemplateError> {
    let identifier = |part: &str| {
        let starts_well = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts_well && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split('.').map(|part| if identifier(part) { Ok(part.into()) } else { Err(TemplateError::Field) }).collect()
}

/// A template without its leading slash, and its verb.
type Split<'a> = (&'a str, Option<Box<str>>);

/// The verb follows the last colon that is outside of braces.
fn split_verb(body: &str) -> Result<Split<'_>, TemplateError> {
    let outside = body.rfind('}').map_or(0, |at| at + 1);
    let Some(at) = body.rfind(':').filter(|at| *at >= outside) else { return Ok((body, None)) };
    let (path, verb) = body.split_at_checked(at).ok_or(TemplateError::Verb)?;
    let verb = verb.trim_start_matches(':');
    if verb.is_empty() || verb.contains('/') {
        return Err(TemplateError::Verb);
    }
    Ok((path, Some(verb.into())))
}

fn split_outside_braces(body: &str) -> Result<Vec<&str>, TemplateError> {
    let mut inside = false;
    let mut balanced = true;
    let parts = body
        .split(|c: char| {
            balanced &= !(c == '{' && inside || c == '}' && !inside);
            inside = if c == '{' { true } else { inside && c != '}' };
            c == '/' && !inside
        })
        .collect();
    if balanced && !inside { Ok(parts) } else { Err(TemplateError::Braces) }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Template, TemplateError, Variable};

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.into())
    }

    #[test]
    fn the_grammar_of_google_api_http() {
        let template: Template = "/v1/{name=shelves/*/books/**}:read".parse().unwrap();
        assert_eq!(template.pieces, [literal("v1"), literal("shelves"), Piece::One, literal("books"), Piece::Rest]);
        assert_eq!(template.verb.as_deref(), Some("read"));
        assert_eq!(template.variables, [Variable { field: vec!["name".into()], first: 1, end: 5, multi: true }]);

        let template: Template = "/l/{link.code}/qr".parse().unwrap();
        assert_eq!(template.pieces, [literal("l"), Piece::One, literal("qr")]);
        let field = vec!["link".into(), "code".into()];
        assert_eq!(template.variables, [Variable { field, first: 1, end: 2, multi: false }]);

        assert_eq!("/".parse::<Template>().unwrap().pieces, []);
        assert_eq!("/a/*/**".parse::<Template>().unwrap().pieces, [literal("a"), Piece::One, Piece::Rest]);
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_reason() {
        for (text, expected) in [
            ("v1", TemplateError::NoSlash),
            ("", TemplateError::NoSlash),
            ("/a//b", TemplateError::EmptySegment),
            ("/a/", TemplateError::EmptySegment),
            ("/{a", TemplateError::Braces),
            ("/a}", TemplateError::Braces),
            ("/{a{b}}", TemplateError::Braces),
            ("/x{a}", TemplateError::Braces),
            ("/{a=}", TemplateError::EmptySegment),
            ("/**/a", TemplateError::RestNotLast),
            ("/{a=**}/b", TemplateError::RestNotLast),
            ("/{}", TemplateError::Field),
            ("/{a..b}", TemplateError::Field),
            ("/{1a}", TemplateError::Field),
            ("/{a}/{a}", TemplateError::Twice),
            ("/a:", TemplateError::Verb),
            ("/:b", TemplateError::EmptySegment),
            ("/a*b", TemplateError::Star),
        ] {
            assert_eq!(text.parse::<Template>(), Err(expected), "{text}");
        }
        assert_eq!("/a".repeat(33).parse::<Template>(), Err(TemplateError::TooLong));
        assert_eq!("/a".repeat(1000).parse::<Template>(), Err(TemplateError::TooLong));
    }
}
