//! Connections: how they are made, and what is checked before one is used.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    TlsCertificates,
    aio::{MultiplexedConnection, PubSub},
};
use tokio::time::timeout;

use super::{
    options::{Address, Options},
    scripts::Script,
};

/// How long a server may take to accept a connection.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(3);

/// How long a server may take to answer before its connection is given up: the heartbeat.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(4);

fn client(options: &Options, address: &Address) -> Result<Client, RedisError> {
    let to = match address {
        Address::Tcp(host, port) if options.tls => tls_address(options, host, *port)?,
        Address::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
        Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
    };
    let mut login = RedisConnectionInfo::default().set_db(options.database).set_skip_set_lib_name();
    if let Some(user) = &options.user {
        login = login.set_username(user);
    }
    if let Some(password) = &options.password {
        login = login.set_password(password);
    }
    Client::open(to.into_connection_info()?.set_redis_settings(login))
}

fn tls_address(options: &Options, host: &str, port: u16) -> Result<ConnectionAddr, RedisError> {
    let bare = ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: None };
    if options.tls_parameters.get().is_none() {
        // Another provider may be installed already; it serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        let TlsCertificates { client_tls, root_cert } = &options.certificates;
        let certificates = TlsCertificates { client_tls: client_tls.clone(), root_cert: root_cert.clone() };
        let client = Client::build_with_tls(bare.clone(), certificates)?;
        // Another task may have been quicker, with the same result.
        drop(options.tls_parameters.set(client.get_connection_info().addr().clone()));
    }
    match options.tls_parameters.get() {
        Some(ConnectionAddr::TcpTls { tls_params, .. }) => {
            Ok(ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: tls_params.clone() })
        }
        _ => Ok(bare),
    }
}

/// A connection on which an answer may take this long on top of [`ANSWER_TIME`], as blocking reads do.
pub(super) async fn connect(
    options: &Options,
    address: &Address,
    blocking: Duration,
) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIME))
        .set_response_timeout(Some(ANSWER_TIME + blocking));
    client(options, address)?.get_multiplexed_async_connection_with_config(&config).await
}

/// A connection for publish/subscribe.
pub(super) async fn listen(options: &Options, address: &Address) -> Result<PubSub, RedisError> {
    let connected = timeout(CONNECT_TIME, client(options, address)?.get_async_pubsub()).await;
    connected.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}

/// A connection whose server knows the scripts.
pub(super) async fn connect_with_scripts(
    options: &Options,
    address: &Address,
) -> Result<MultiplexedConnection, RedisError> {
    let mut connection = connect(options, address, Duration::ZERO).await?;
    load_scripts(&mut connection).await?;
    Ok(connection)
}

/// Makes the scripts known.
pub(super) async fn load_scripts(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut load = ::redis::pipe();
    for command in Script::load() {
        load.add_command(command).ignore();
    }
    load.query_async(connection).await
}
