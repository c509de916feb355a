//! What can be asked for, in the words of both tools.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::tools::{cargo_generate, checkout, ok, sky};

/// The brokers.
pub(crate) const BROKERS: [&str; 5] = ["local", "nats", "redis", "amqp", "beanstalk"];

/// A project that can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// The template.
    pub(crate) template: &'static str,
    pub(crate) name: String,
    pub(crate) broker: &'static str,
    /// A service's own choices.
    pub(crate) contract_first: bool,
    pub(crate) streaming: bool,
    pub(crate) event: bool,
    /// Where skyloom comes from: the way, and the place.
    pub(crate) skyloom: Option<(&'static str, String)>,
}

impl Variant {
    /// A project with the defaults, and skyloom from this checkout.
    pub(crate) fn new(template: &'static str, name: &str) -> Self {
        Self {
            template,
            name: name.to_owned(),
            broker: "local",
            contract_first: false,
            streaming: false,
            event: false,
            skyloom: Some(("path", checkout().to_str().unwrap().to_owned())),
        }
    }

    /// All forms of a service, on the brokers in turn.
    pub(crate) fn forms(name: impl Fn(&Self) -> String) -> Vec<Self> {
        (0_usize..8)
            .map(|form| {
                let mut variant = Self::new("service", "");
                variant.broker = BROKERS[form % BROKERS.len()];
                (variant.contract_first, variant.streaming, variant.event) =
                    (form & 1 != 0, form & 2 != 0, form & 4 != 0);
                variant.name = name(&variant);
                variant
            })
            .collect()
    }

    /// Makes it with `sky new` in a folder; returns the project's.
    pub(crate) fn by_sky(&self, folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let mut command = sky(folder);
        command.args(["new", &self.name, "--broker", self.broker]);
        if self.template != "service" {
            command.arg(format!("--{}", self.template));
        }
        for (flag, given) in
            [("--contract-first", self.contract_first), ("--streaming", self.streaming), ("--event", self.event)]
        {
            command.args(given.then_some(flag));
        }
        if let Some((way, place)) = &self.skyloom {
            command.arg("--skyloom").arg(format!("{way}={place}"));
        }
        ok(&mut command);
        folder.join(&self.name)
    }

    /// Makes it with `cargo generate` in a folder; returns the project's.
    pub(crate) fn by_cargo_generate(&self, folder: &Path) -> PathBuf {
        let templates = checkout().join("templates").join(self.template);
        self.generate(folder, &["--path", templates.to_str().unwrap()])
    }

    /// Makes it with `cargo generate` from a template elsewhere.
    pub(crate) fn generate(&self, folder: &Path, template: &[&str]) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let mut command = cargo_generate(folder);
        command.args(template).args(["--name", &self.name]);
        let mut define = |name: &str, value: &str| {
            command.args(["--define", &format!("{name}={value}")]);
        };
        define("broker", self.broker);
        if self.template == "service" {
            define("contract", if self.contract_first { "proto" } else { "code" });
            define("streaming", &self.streaming.to_string());
            define("event", &self.event.to_string());
        }
        if let Some((way, place)) = &self.skyloom {
            let (place, tag) = place.split_once('#').unwrap_or((place, ""));
            define("skyloom", way);
            define(&format!("skyloom_{way}"), place);
            if *way == "git" {
                define("skyloom_tag", tag);
            }
        }
        ok(&mut command);
        folder.join(&self.name)
    }
}
