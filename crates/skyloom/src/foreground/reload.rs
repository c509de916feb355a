//! Takes over a configuration that has been changed.

use std::sync::Arc;

use skyloom_core::Result;

use crate::{config::Settings, telemetry};

/// What else is to happen with a new configuration: a part of the program that takes it over, or refuses.
pub(crate) type Hook = Box<dyn Fn(&Settings) -> Result<()> + Send + Sync>;

/// Reads the configuration anew, and returns the one that is in effect from now on: what can be taken over is, and what
/// takes a restart is as it was. If it has a mistake, or somebody refuses it, says so
/// and keeps the one there is.
pub(super) fn reload(current: &Settings, hooks: &[Hook]) -> Option<Arc<Settings>> {
    let newer = match current.reload() {
        Ok(Some(newer)) => newer,
        Ok(None) => {
            tracing::info!("SIGHUP: the program itself has made this configuration; there is nothing to read anew");
            return None;
        }
        Err(error) => {
            tracing::error!("SIGHUP: the configuration stays as it is, for the new one has a mistake: {error}");
            return None;
        }
    };
    // What takes a restart stays as it is, so that it is named until there has been one.
    let taken = current.taking_over(&newer, !hooks.is_empty());
    for (accepted, hook) in hooks.iter().enumerate() {
        if let Err(status) = hook(&taken) {
            for hook in hooks.iter().take(accepted) {
                go_back(hook, current);
            }
            tracing::error!("SIGHUP: the configuration stays as it is, for the new one is refused: {status}");
            return None;
        }
    }
    // What an operator has set meanwhile ends with this, too.
    if let Err(error) = telemetry::set_filter(&taken.log) {
        tracing::debug!("SIGHUP: the log stays as it is: {error}");
    }
    skyloom_core::set_busy_poll(taken.busy_poll);
    say(current, &newer, !hooks.is_empty());
    Some(Arc::new(taken))
}

/// Lets a part of the program that has taken over a new configuration take over the old one again.
fn go_back(hook: &Hook, current: &Settings) {
    if let Err(status) = hook(current) {
        tracing::error!("SIGHUP: a part of the program does not take back the configuration that it had: {status}");
    }
}

fn say(current: &Settings, newer: &Settings, hooked: bool) {
    let (mut taken, mut waiting) = (Vec::new(), Vec::new());
    for change in current.changes(newer) {
        let own = change.value.is_empty();
        let text = if own { change.key.to_owned() } else { format!("{} = {}", change.key, change.value) };
        if change.live || own && hooked { taken.push(text) } else { waiting.push(text) }
    }
    match (taken.is_empty(), waiting.is_empty()) {
        (true, true) => tracing::info!("SIGHUP: the configuration has been read anew; nothing in it has changed"),
        (_, true) => tracing::info!("SIGHUP: taken over: {}", taken.join(", ")),
        (true, false) => tracing::warn!("SIGHUP: this takes a restart: {}", waiting.join(", ")),
        (false, false) => {
            tracing::warn!("SIGHUP: taken over: {}; this takes a restart: {}", taken.join(", "), waiting.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Mutex};

    use skyloom_core::Status;

    use super::*;
    use crate::config::Sources;

    #[test]
    fn a_part_of_the_program_takes_a_configuration_over_or_refuses_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skyloom.toml");
        let write = |limit: u32| fs::write(&file, format!("[service]\nsettings = {{ limit = {limit} }}\n")).unwrap();
        write(1);
        let current = Settings::load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap();
        let limit: Arc<Mutex<u32>> = Arc::default();
        let taken = Arc::clone(&limit);
        let hooks: Vec<Hook> = vec![Box::new(move |settings| {
            let own: std::collections::BTreeMap<String, u32> = settings.own()?;
            if own["limit"] > 10 {
                return Err(Status::invalid_argument("limit: at most 10"));
            }
            *taken.lock().unwrap() = own["limit"];
            Ok(())
        })];
        write(7);
        assert!(reload(&current, &hooks).is_some());
        assert_eq!(*limit.lock().unwrap(), 7);
        write(11);
        assert!(reload(&current, &hooks).is_none());
        assert_eq!(*limit.lock().unwrap(), 7, "the old configuration stays");
    }

    #[test]
    fn what_one_part_refuses_no_other_keeps() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skyloom.toml");
        let write = |drain: u32| fs::write(&file, format!("[service]\ndrain = '{drain}s'\n")).unwrap();
        write(1);
        let current = Settings::load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap();
        let kept: Arc<Mutex<u64>> = Arc::default();
        let taken = Arc::clone(&kept);
        let hooks: Vec<Hook> = vec![
            Box::new(move |settings| {
                *taken.lock().unwrap() = settings.drain.as_secs();
                Ok(())
            }),
            Box::new(|settings| match settings.drain.as_secs() {
                9.. => Err(Status::invalid_argument("too long")),
                _ => Ok(()),
            }),
        ];
        write(7);
        let newer = reload(&current, &hooks).unwrap();
        assert_eq!(*kept.lock().unwrap(), 7);
        write(11);
        assert!(reload(&newer, &hooks).is_none());
        assert_eq!(*kept.lock().unwrap(), 7);
    }
}
