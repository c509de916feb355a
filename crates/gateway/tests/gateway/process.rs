//! A gateway as a process of its own.

use std::{io::ErrorKind, net::TcpListener};

use skyloom::{Code, Settings};
use skyloom_gateway::{GatewayOptions, serve_with};

#[tokio::test]
async fn an_address_that_is_open_to_all_is_refused_before_anything_is_connected() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    broker.set_nonblocking(true).unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "[::ffff:192.0.2.1]:0", "nowhere"] {
        let settings = Settings {
            broker: Some(format!("tcp://{}", broker.local_addr().unwrap())),
            listen: listen.to_owned(),
            ..Settings::default()
        };
        let refused = serve_with(settings, GatewayOptions::default()).await.unwrap_err();
        assert!([Code::FailedPrecondition, Code::InvalidArgument].contains(&refused.code()), "{listen}: {refused}");
        assert_eq!(skyloom::exit::code_of_status(&refused), skyloom::exit::MISTAKE, "{listen}");
        let sentence = if listen == "nowhere" { "is no address" } else { "can be reached from other hosts" };
        assert!(refused.message().contains(sentence), "{listen}: {refused}");
        assert_eq!(broker.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{listen}: the broker was asked");
    }
}
