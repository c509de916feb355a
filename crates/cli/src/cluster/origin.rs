//! Which keys say where the program of a part comes from.

/// Where a part's program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// There is a command.
    Command,
    /// It is built.
    Sources,
    /// The keys do not say.
    Nowhere,
}

/// The keys that say it.
pub(super) struct Keys<'a> {
    command: &'a [String],
    named: [(&'static str, Option<&'a String>); 3],
    has_args: bool,
}

impl<'a> Keys<'a> {
    /// The values of the keys of one part.
    pub(super) fn of(
        command: &'a [String],
        package: &'a Option<String>,
        source: &'a Option<String>,
        bin: &'a Option<String>,
        args: &[String],
    ) -> Self {
        let named = [("package", package.as_ref()), ("source", source.as_ref()), ("bin", bin.as_ref())];
        Self { command, named, has_args: !args.is_empty() }
    }

    /// Checks that they agree.
    ///
    /// # Errors
    /// A sentence that says which do not, and what to do.
    pub(super) fn check(&self) -> Result<Origin, String> {
        if self.command.first().is_some_and(String::is_empty) {
            return Err("command is empty; give a program and its arguments".to_owned());
        }
        let mut given = self.named.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
        if let Some((name, _)) = given.clone().find(|(_, value)| value.trim().is_empty()) {
            return Err(format!("{name} is empty; give a name, or take it away"));
        }
        let is_built = given.clone().any(|(name, _)| name != "bin");
        match (self.command.is_empty(), is_built, given.next()) {
            (false, _, Some((name, _))) => Err(format!("both command and {name} say what runs; take one of them away")),
            (false, ..) if self.has_args => {
                Err("args belong to a program that is built; write them into the command".to_owned())
            }
            (false, ..) => Ok(Origin::Command),
            (true, true, _) => Ok(Origin::Sources),
            (true, false, Some(_)) => Err("bin is a program of a package; say which, with package".to_owned()),
            (true, false, None) => Ok(Origin::Nowhere),
        }
    }
}
