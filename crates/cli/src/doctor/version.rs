//! Whether a server is new enough.

use super::finding::Finding;

/// The oldest versions that the adapters are tested with.
const OLDEST: [(&str, [u32; 3]); 5] = [
    ("nats-server", [2, 9, 10]),
    ("Redis", [7, 0, 0]),
    ("Valkey", [7, 2, 0]),
    ("RabbitMQ", [3, 10, 0]),
    ("beanstalkd", [1, 12, 0]),
];

/// What there is to say about a server that calls itself so, such as `RabbitMQ 3.10.8`.
pub(super) fn judge(server: Option<&str>) -> Finding {
    const CHECK: &str = "version";
    let Some(server) = server else {
        return Finding::note(
            CHECK,
            "the broker does not say which version it is",
            "check it by the broker's own tools",
        );
    };
    let embedded = server.strip_prefix("the embedded broker, protocol ").and_then(|rest| rest.split_once(" of "));
    if let Some((spoken, newest)) = embedded {
        return if spoken == newest {
            Finding::ok(CHECK, format!("{} {spoken}", "the broker and this sky speak protocol"))
        } else {
            let found = format!("the broker speaks protocol {spoken} and this sky {newest}, so they speak {spoken}");
            Finding::note(CHECK, found, "start the broker anew with this version of sky")
        };
    }
    let (name, version) = server.rsplit_once(' ').unwrap_or((server, ""));
    let known = OLDEST.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match (known, numbers(version)) {
        (Some((name, oldest)), Some(found)) if found < *oldest => Finding::broken(
            CHECK,
            format!("{name} {version} is older than {}", dotted(*oldest)),
            format!("upgrade it to {name} {} or newer", dotted(*oldest)),
        ),
        (Some((name, _)), Some(_)) => Finding::ok(CHECK, format!("{name} {version}")),
        _ => Finding::note(CHECK, format!("the broker calls itself {server:?}"), "it was not tested with Skyloom"),
    }
}

/// The first three numbers of a version; what follows a number, such as `-beta`, does not count.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end)?.parse().ok()
    });
    let first = numbers.next()??;
    let mut next = || numbers.next().flatten().unwrap_or(0);
    Some([first, next(), next()])
}

fn dotted([major, minor, patch]: [u32; 3]) -> String {
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn the_oldest_that_work_are_known() {
        for (server, state) in [
            ("nats-server 2.9.10", State::Ok),
            ("nats-server 2.9.9", State::Broken),
            ("nats-server 2.10.0-beta.1", State::Ok),
            ("Redis 7.0.15", State::Ok),
            ("Redis 6.2.14", State::Broken),
            ("Valkey 8.0.1", State::Ok),
            ("RabbitMQ 3.10.8", State::Ok),
            ("RabbitMQ 3.9.27", State::Broken),
            ("RabbitMQ 4.0.2", State::Ok),
            ("beanstalkd 1.12", State::Ok),
            ("beanstalkd 1.11", State::Broken),
            ("beanstalkd unknown", State::Note),
            ("LavinMQ 2.0", State::Note),
            ("the embedded broker, protocol 1 of 1", State::Ok),
            ("the embedded broker, protocol 1 of 2", State::Note),
        ] {
            assert_eq!(judge(Some(server)).state, state, "{server}");
        }
        assert_eq!(judge(None).state, State::Note);
        let old = judge(Some("Redis 6.2.14"));
        assert_eq!(old.found, "Redis 6.2.14 is older than 7.0");
        assert_eq!(old.advice.as_deref(), Some("upgrade it to Redis 7.0 or newer"));
    }
}
