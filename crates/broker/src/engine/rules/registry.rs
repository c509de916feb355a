//! Instances and contracts. They are for people, gateways and tools; no message needs them.

use std::sync::Arc;

use skyloom_core::{Guid, broker::BrokerError, contract::Contract, registry::Instance};

use crate::engine::{
    Conn, Engine, Output, RegistryChange,
    state::{Due, Registered},
};

impl<M> Engine<M> {
    /// Makes an instance and its contracts known, and tells everybody who watches.
    pub(crate) fn register(
        &mut self,
        conn: Conn,
        instance: Instance,
        contracts: Vec<Contract>,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        let Some(session) = self.connections.get(&conn).map(|connection| connection.session) else { return Ok(()) };
        let id = instance.id;
        let full =
            |limit, what| BrokerError::Full { what: "the registry".to_owned(), limit: format!("{limit} {what}") };
        let before = match self.directory.instances.get(&id) {
            Some(other) if other.session != session => {
                return Err(BrokerError::refused(format!("instance {id} belongs to somebody else")));
            }
            None if self.directory.instances.len() >= self.limits.instances => {
                return Err(full(self.limits.instances, "instances"));
            }
            before => before.and_then(|registered| registered.conn),
        };
        if !self.directory.make_room(&contracts, self.limits.contracts) {
            return Err(full(self.limits.contracts, "contracts"));
        }
        if let Some(before) = before.and_then(|before| self.connections.get_mut(&before)) {
            before.instances.remove(&id);
        }
        self.directory.registrations += 1;
        let until = self.now.after(self.limits.contract_idle);
        for contract in contracts {
            if let Some(change) = self.directory.remember(Arc::new(contract), until) {
                self.announce(&change, out);
            }
        }
        let instance = Arc::new(instance);
        let registered = Registered { instance: Arc::clone(&instance), session, conn: Some(conn), up: true };
        let known = self.directory.enter(registered, until);
        self.time_contracts();
        if known.is_none_or(|known| !known.up || known.instance != instance) {
            self.announce(&RegistryChange::Up(instance), out);
        }
        self.listen(conn, id);
        Ok(())
    }

    /// Forgets an instance, if it is this connection's.
    pub(crate) fn deregister(&mut self, conn: Conn, id: Guid, out: &mut Vec<Output<M>>) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && connection.instances.remove(&id)
        {
            self.forget_instance(id, out);
        }
    }

    /// Tells a connection everything that is known, and every change from now on.
    pub(crate) fn watch(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        self.directory.watchers.insert(conn);
        out.extend(self.directory.everything().map(|change| Output::Registry { conn, change }));
    }

    /// Forgets an instance.
    pub(crate) fn forget_instance(&mut self, id: Guid, out: &mut Vec<Output<M>>) {
        let until = self.now.after(self.limits.contract_idle);
        if self.directory.leave(id, until).is_some_and(|registered| registered.up) {
            self.announce(&RegistryChange::Down(id), out);
        }
        self.time_contracts();
    }

    /// Forgets the contract of a service without an instance. Returns how many were known.
    pub(crate) fn forget_contract(&mut self, service: String, out: &mut Vec<Output<M>>) -> u64 {
        let is_known = self.directory.forget(&service);
        if is_known {
            self.announce(&RegistryChange::Forgotten(service), out);
        }
        is_known.into()
    }

    /// Sees to it that contracts are forgotten in time.
    pub(crate) fn time_contracts(&mut self) {
        if !self.directory.timed
            && let Some(until) = self.directory.next_forgotten()
        {
            self.directory.timed = true;
            self.timers.others.set(until, Due::Contracts);
        }
    }

    /// Forgets the contracts of services that have had no instance for long.
    pub(crate) fn forget_contracts(&mut self, out: &mut Vec<Output<M>>) {
        self.directory.timed = false;
        for service in self.directory.forget_until(self.now) {
            self.announce(&RegistryChange::Forgotten(service), out);
        }
        self.time_contracts();
    }

    /// Reports a connection's instances down or up again, without forgetting them.
    pub(crate) fn mark(&mut self, conn: Conn, up: bool, out: &mut Vec<Output<M>>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.silent = !up;
        let ids = connection.instances.clone();
        for id in ids {
            let Some(registered) = self.directory.instances.get_mut(&id) else { continue };
            registered.up = up;
            let change =
                if up { RegistryChange::Up(Arc::clone(&registered.instance)) } else { RegistryChange::Down(id) };
            self.announce(&change, out);
        }
    }

    /// Follows the connection's signs of life for the sake of this instance.
    pub(crate) fn listen(&mut self, conn: Conn, instance: Guid) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.instances.insert(instance);
        if !connection.watched {
            connection.watched = true;
            self.timers.others.set(connection.heard.after(self.limits.silence), Due::Connection(conn));
        }
    }

    /// Looks whether a connection with instances has fallen silent. Then they count as gone, and get nothing more.
    pub(crate) fn check_silence(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let ends = connection.heard.after(self.limits.silence);
        connection.watched = !connection.instances.is_empty() && ends > self.now;
        if connection.watched {
            self.timers.others.set(ends, Due::Connection(conn));
            return;
        }
        if ends <= self.now {
            self.pass_over_all(conn);
        }
        self.mark(conn, false, out);
    }

    /// A connection that had fallen silent was heard again.
    pub(crate) fn rouse(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        self.mark(conn, true, out);
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if !connection.watched && !connection.instances.is_empty() {
            connection.watched = true;
            self.timers.others.set(connection.heard.after(self.limits.silence), Due::Connection(conn));
        }
    }
}
