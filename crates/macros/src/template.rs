//! Path templates such as `/v1/{path=files/**}:read`, as `google.api.http` defines them:
//! <https://github.com/googleapis/googleapis/blob/master/google/api/http.proto>.

use crate::words::check_identifier;

/// What is wrong with a path template, and what to do.
pub(crate) fn check(template: &str) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("{template:?} is no path: {reason}"));
    let Some(path) = template.strip_prefix('/') else {
        return wrong("start it with a slash");
    };
    let mut variables = Vec::new();
    let segments = match split(path) {
        Ok(segments) => segments,
        Err(reason) => return wrong(reason),
    };
    let last = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        let segment = if index == last { without_verb(segment) } else { segment };
        let checked = match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(variable) => check_variable(variable, index == last, &mut variables),
            None => check_segment(segment, index == last),
        };
        if let Err(reason) = checked {
            return wrong(&reason);
        }
    }
    Ok(())
}

/// What a template matches, whatever its variables are called: `/v1/*` of `/v1/{id}`.
pub(crate) fn shape(template: &str) -> String {
    let mut parts = template.split('{');
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap_or((part, ""));
        shape.push_str(variable.split_once('=').map_or("*", |(_, pattern)| pattern));
        shape.push_str(rest);
    }
    shape
}

/// Splits at the slashes that are not inside braces.
fn split(path: &str) -> Result<Vec<&str>, &'static str> {
    let (mut segments, mut start, mut inside) = (Vec::new(), 0, false);
    for (index, letter) in path.char_indices() {
        match letter {
            '{' if inside => return Err("a brace is opened inside another one"),
            '}' if !inside => return Err("a closing brace has no opening one"),
            '{' | '}' => inside = letter == '{',
            '/' if !inside => {
                segments.push(path.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    segments.push(path.get(start..).unwrap_or_default());
    if inside { Err("a brace is not closed") } else { Ok(segments) }
}

/// The last segment without its `:verb`; a colon inside braces is no verb.
fn without_verb(segment: &str) -> &str {
    let after_variable = segment.rfind('}').unwrap_or(0);
    match segment.rfind(':') {
        Some(colon) if colon > after_variable && colon + 1 < segment.len() => segment.get(..colon).unwrap_or(segment),
        _ => segment,
    }
}

fn check_variable<'a>(variable: &'a str, last: bool, variables: &mut Vec<&'a str>) -> Result<(), String> {
    let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
    for part in field.split('.') {
        check_identifier(part).map_err(|reason| format!("{field:?} is no field: {reason}"))?;
    }
    if variables.contains(&field) {
        return Err(format!("{{{field}}} appears twice"));
    }
    variables.push(field);
    let segments: Vec<&str> = pattern.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        check_segment(segment, last && index + 1 == segments.len())?;
    }
    Ok(())
}

fn check_segment(segment: &str, last: bool) -> Result<(), String> {
    let literal = |letter: char| letter.is_ascii_alphanumeric() || "-._~!$&'()+,;=@%".contains(letter);
    match segment {
        "" if last => Err("it ends with a slash".to_owned()),
        "" => Err("two slashes in a row are not allowed".to_owned()),
        "**" if !last => Err("** can only be the last segment".to_owned()),
        "*" | "**" => Ok(()),
        _ if segment.contains(['{', '}']) => Err(format!("a variable fills a whole segment, but not in {segment:?}")),
        _ => match segment.chars().find(|letter| !literal(*letter)) {
            Some(letter) => Err(format!("{letter:?} is not allowed in {segment:?}")),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn templates_of_the_specification_pass() {
        for template in [
            "/v1/hello/{name}",
            "/v1/{name=messages/*}",
            "/v1/messages/{message_id}/{sub.subfield}",
            "/v1/{path=files/**}:read",
            "/v1/links:count",
            "/v1/*/b",
            "/**",
            "/l/{code}",
        ] {
            assert_eq!(check(template), Ok(()), "{template}");
        }
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        for (template, reason) in [
            ("v1/hello", "start it with a slash"),
            ("", "start it with a slash"),
            ("/", "it ends with a slash"),
            ("/v1/", "it ends with a slash"),
            ("/v1//x", "two slashes in a row"),
            ("/v1/{name", "a brace is not closed"),
            ("/v1/name}", "a closing brace has no opening one"),
            ("/v1/{a{b}}", "a brace is opened inside another one"),
            ("/v1/{a}/{a}", "{a} appears twice"),
            ("/v1/{}", "\"\" is no field: it is empty"),
            ("/v1/{a-b}", "\"a-b\" is no field"),
            ("/v1/{a=**}/b", "** can only be the last segment"),
            ("/v1/x{a}", "a variable fills a whole segment"),
            ("/v1/a b", "' ' is not allowed in \"a b\""),
            ("/v1/a?b=c", "'?' is not allowed"),
            ("/v1/a:", "':' is not allowed"),
        ] {
            let error = check(template).unwrap_err();
            assert!(error.contains(reason), "{template}: {error}");
        }
    }
}
