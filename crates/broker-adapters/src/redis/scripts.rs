//! [`Script`]: what changes several keys as one, in Lua on the server.

use std::sync::LazyLock;

use ::redis::{Cmd, cmd};

/// A call has about so many arguments with so many bytes, besides envelopes.
const USUAL_ARGUMENTS: usize = 16;
const USUAL_BYTES: usize = 512;

/// A script on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Put,
    Publish,
    Settle,
    Reply,
    Open,
    Join,
    Leave,
    Tick,
    Stats,
    Letters,
    Registry,
}

const COMMON: &str = include_str!("lua/common.lua");

/// The scripts with what they share in front.
static ALL: LazyLock<Vec<(String, ::redis::Script)>> = LazyLock::new(|| {
    let own = [
        include_str!("lua/put.lua"),
        include_str!("lua/publish.lua"),
        include_str!("lua/settle.lua"),
        include_str!("lua/reply.lua"),
        include_str!("lua/open.lua"),
        include_str!("lua/join.lua"),
        include_str!("lua/leave.lua"),
        include_str!("lua/tick.lua"),
        include_str!("lua/stats.lua"),
        include_str!("lua/letters.lua"),
        include_str!("lua/registry.lua"),
    ];
    let whole = own.iter().map(|own| format!("{COMMON}{own}"));
    whole.map(|code| (code.clone(), ::redis::Script::new(&code))).collect()
});

/// The second half of a transaction: a script that is sent with each call, without comments. One that the server had
/// forgotten would be missed when the first half was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Added,
    Answered,
}

static ADDED: LazyLock<String> = LazyLock::new(|| bare(include_str!("lua/added.lua")));
static ANSWERED: LazyLock<String> = LazyLock::new(|| bare(include_str!("lua/answered.lua")));

fn bare(code: &str) -> String {
    let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

impl Half {
    /// A call of it for this channel; arguments follow.
    pub(super) fn call(self, base: &str) -> Cmd {
        let code = match self {
            Self::Added => &ADDED,
            Self::Answered => &ANSWERED,
        };
        let mut call = Cmd::with_capacity(USUAL_ARGUMENTS, USUAL_BYTES + code.len());
        call.arg("EVAL").arg(code.as_str()).arg(1).arg(base);
        call
    }
}

impl Script {
    /// A call of it with these keys; arguments follow.
    pub(super) fn call(self, keys: &[&str]) -> Cmd {
        let mut call = Cmd::with_capacity(USUAL_ARGUMENTS, USUAL_BYTES);
        call.arg("EVALSHA");
        call.arg(ALL.get(self as usize).map(|(_, script)| script.get_hash())).arg(keys.len()).arg(keys);
        call
    }

    /// Commands that make all scripts known to a server.
    pub(super) fn load() -> impl Iterator<Item = Cmd> {
        ALL.iter().map(|(code, _)| {
            let mut load = cmd("SCRIPT");
            load.arg("LOAD").arg(code);
            load
        })
    }
}
