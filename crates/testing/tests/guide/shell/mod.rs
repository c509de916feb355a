//! `sh` and `console`: run by a shell, page by page, in the order of the page.
//!
//! A page's commands share one shell in a directory of their own, with `sky` and the example's programs in
//! `PATH`, a broker's socket and a gateway's port that nobody else has, and its own places of the machine, `/etc` and
//! `/run` among them, with a `systemctl` that has systemd look at units and enable them there. In `sh` every command has to
//! succeed. In `console` lines that begin with `$ ` are commands and the rest is what they print; a command
//! has to succeed unless the next is `echo $?`. Files that a page shows by name, `toml cluster.toml`, are
//! there when the commands after them run. `CODE` is the code of the link that was shortened last, `INSTANCE` an
//! instance of the greeter, `PID` the program of the block that runs on. What an HTML comment before a block says:
//!
//! - `<!-- cluster -->`: the example cluster runs from here on.
//! - `<!-- no cluster -->`: and up to here.
//! - `<!-- background: TEXT -->`: the block runs on, and the next begins when it has printed the text, if one is given.

mod expected;
mod session;
mod ground;
mod run;
mod daemontools;
