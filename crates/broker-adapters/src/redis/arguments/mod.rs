//! What scripts are told of many operations: those that share an entry of a stream are told as one.

mod bundle;

pub(super) mod put;

pub(super) mod settle;
