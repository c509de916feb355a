//! The commands, one file or folder each.

mod background;
mod broker;
mod brokers;
mod config;
mod gateway;
mod hold;
mod services;
mod instances;
mod queues;
mod ping;
mod drain;
mod log;
mod sending;
mod call;
mod cast;
mod publish;
mod bench;
mod dead;

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
    log::{LogArgs, log},
    ping::{PingArgs, ping},
    publish::{PublishArgs, publish},
    queues::{QueuesArgs, queues},
    services::{ServicesArgs, services},
};
