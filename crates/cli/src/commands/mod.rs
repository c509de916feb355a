//! The commands, one file or folder each.

mod background;
mod broker;
mod brokers;
mod config;
mod gateway;
mod hold;
mod services;
mod routes;
mod instances;
mod queues;
mod ping;
mod drain;
mod log;
mod sending;
mod call;
mod cast;
mod publish;
mod listen;
mod bench;
mod dead;
mod question;

pub(crate) use self::{
    background::BackgroundArgs,
    bench::{BenchArgs, bench},
    broker::{BrokerArgs, broker},
    brokers::{BrokersArgs, brokers},
    call::{CallArgs, call},
    cast::{CastArgs, cast},
    config::{ConfigArgs, config},
    dead::{DeadArgs, dead},
    drain::{DrainArgs, drain},
    gateway::{GatewayArgs, gateway},
    hold::{HoldArgs, hold},
    instances::{InstancesArgs, instances},
    listen::{Ear, ListenArgs, listen},
    log::{LogArgs, log},
    ping::{PingArgs, ping},
    publish::{PublishArgs, publish},
    question::{Question, ask},
    queues::{QueuesArgs, queues},
    routes::{RoutesArgs, routes},
    services::{ServicesArgs, services},
};
