//! What connections that speak of jobs and tubes ask and order.

mod tubes;
mod put;
mod settle;
mod look;
mod command;
