//! What of a cluster file cannot change while its cluster runs.

use super::file::{BrokerPart, ClusterFile, GatewayPart};

/// Puts back in a file that has changed what cannot change, to what runs; which keys and sections it was.
///
/// Every process has been told where the broker is, and the gateway's socket is held since the start.
pub(super) fn keep_fixed(file: &mut ClusterFile, running: &ClusterFile) -> Vec<&'static str> {
    let mut kept = Vec::new();
    keep_broker(&mut file.broker, running.broker.as_ref(), &mut kept);
    keep_gateway(&mut file.gateway, running.gateway.as_ref(), &mut kept);
    kept
}

fn keep_broker(broker: &mut Option<BrokerPart>, running: Option<&BrokerPart>, kept: &mut Vec<&'static str>) {
    match (broker.as_ref(), running) {
        (Some(now), Some(before)) => {
            let keys = [("listen in [broker]", now.listen != before.listen)];
            let keys = keys.into_iter().chain([("snapshot in [broker]", now.snapshot != before.snapshot)]);
            kept.extend(keys.filter(|(_, differs)| *differs).map(|(key, _)| key));
        }
        (None, None) => {}
        _ => kept.push("[broker]"),
    }
    *broker = running.cloned();
}

fn keep_gateway(gateway: &mut Option<GatewayPart>, running: Option<&GatewayPart>, kept: &mut Vec<&'static str>) {
    match (gateway.as_mut(), running) {
        (Some(now), Some(before)) => {
            let keys = [("port in [gateway]", now.port != before.port), ("hold in [gateway]", now.hold != before.hold)];
            kept.extend(keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key));
            (now.port, now.hold) = (before.port, before.hold);
        }
        (None, None) => {}
        _ => {
            kept.push("[gateway]");
            *gateway = running.cloned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_restart_is_named_and_stays() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("[broker]", "[broker]", &[]),
            ("[broker]\n[services.a]\ncommand = ['x']", "[services.a]\ncommand = ['x']", &["[broker]"]),
            ("[gateway]", "[gateway]\n[broker]", &["[broker]"]),
            (
                "[broker]",
                "[broker]\nlisten = 'local:'\nsnapshot = 's'",
                &["listen in [broker]", "snapshot in [broker]"],
            ),
            ("[broker]", "[broker]\n[gateway]", &["[gateway]"]),
            ("[broker]\n[gateway]", "[broker]", &["[gateway]"]),
            ("[gateway]", "[gateway]\nport = 1\nhold = false", &["port in [gateway]", "hold in [gateway]"]),
            ("[gateway]", "[gateway]\nport = 8080", &[]),
        ];
        for (before, after, expected) in cases {
            let (before, mut file) = (ClusterFile::parse(before).unwrap(), ClusterFile::parse(after).unwrap());
            assert_eq!(keep_fixed(&mut file, &before), expected, "{after}");
            assert_eq!((file.broker, file.gateway), (before.broker, before.gateway), "{after}");
        }
    }

    #[test]
    fn the_program_of_the_gateway_may_change() {
        let before = ClusterFile::parse("[gateway]").unwrap();
        let mut file = ClusterFile::parse("[gateway]\ncommand = ['x']\nport = 1").unwrap();
        assert_eq!(keep_fixed(&mut file, &before), ["port in [gateway]"]);
        let gateway = file.gateway.unwrap();
        assert_eq!((gateway.command, gateway.port), (vec!["x".to_owned()], 8080));
    }
}
