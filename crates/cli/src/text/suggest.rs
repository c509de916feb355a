//! What somebody who mistyped a name may have meant.

use skyloom::config::nearest;

/// `; did you mean x?`, or nothing if no candidate is like it.
pub(crate) fn did_you_mean<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, candidates).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_likely_name_is_suggested() {
        let known = ["greeter.v1.Greeter", "links.v1.Links", "qr.v1.Qr"];
        assert_eq!(did_you_mean("greter.v1.Greeter", known), "; did you mean greeter.v1.Greeter?");
        assert_eq!(did_you_mean("LINKS.V1.LINKS", known), "; did you mean links.v1.Links?");
        assert_eq!(did_you_mean("zzz", known), "");
        assert_eq!(did_you_mean("zzz", []), "");
    }
}
