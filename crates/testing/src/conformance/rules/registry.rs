//! Instances and contracts.

use std::{collections::BTreeSet, sync::Arc};

use skyloom_core::{
    Guid, QueueName,
    contract::Contract,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Snapshot, Watch},
};

use crate::conformance::{RegistryFixture, kit::soon};

fn contract(name: &str, queue: &str, version: u32) -> Contract {
    let queue = QueueName::new(queue).expect("a valid queue");
    let (docs, descriptors) = ("Greets.".to_owned(), bytes::Bytes::from_static(&[0, 1, 254, 255]));
    Contract { name: name.to_owned(), queue, version, docs, methods: Vec::new(), events: Vec::new(), descriptors }
}

fn greeter() -> Contract {
    contract("greeter.v1.Greeter", "greeter.v1", 1)
}

fn instance(contracts: &[Contract], region: &str, host: &str) -> Instance {
    Instance {
        id: Guid::private(),
        services: contracts.iter().map(Contract::service_ref).collect(),
        host: host.to_owned(),
        region: region.to_owned(),
        pid: 42,
        started: 1_700_000_000,
    }
}

async fn register(registry: &Arc<dyn Registry>, instance: &Instance, contract: Contract) -> Box<dyn Registration> {
    let registered = soon("register", registry.register(instance.clone(), vec![contract])).await;
    registered.expect("the instance is registered")
}

async fn watch(registry: &Arc<dyn Registry>) -> Watch {
    soon("watch", registry.watch()).await.expect("the registry can be watched")
}

async fn until(watch: &mut Watch, what: &str, condition: impl Fn(&Snapshot) -> bool) {
    soon(what, watch.wait_for(|snapshot| condition(snapshot))).await.expect("the watch goes on");
}

async fn ids(registry: &Arc<dyn Registry>, filter: Filter) -> BTreeSet<Guid> {
    let found = soon("list", registry.list(&filter)).await.expect("instances can be listed");
    found.iter().map(|instance| instance.id).collect()
}

/// An instance is known to everybody, as it was registered, until its guard is dropped.
pub async fn a_registered_instance_is_listed_until_its_guard_is_dropped<F: RegistryFixture>(fixture: F) {
    let ((_peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let registered = instance(&[greeter()], "eu", "alpha");
    let guard = register(&registry, &registered, greeter()).await;
    let mut seen = watch(&elsewhere).await;
    until(&mut seen, "the instance is seen", |now| now.instances.contains_key(&registered.id)).await;
    let listed = soon("list", elsewhere.list(&Filter::default())).await.expect("instances can be listed");
    assert_eq!(listed, [Arc::new(registered.clone())]);
    drop(guard);
    until(&mut seen, "the instance is gone", |now| now.instances.is_empty()).await;
    let guard = register(&registry, &registered, greeter()).await;
    soon("deregister", guard.deregister()).await;
    until(&mut seen, "the instance is gone", |now| now.instances.is_empty()).await;
    assert!(ids(&elsewhere, Filter::default()).await.is_empty());
}

/// Each part of a filter narrows what is found.
pub async fn instances_are_found_by_service_version_region_and_host<F: RegistryFixture>(fixture: F) {
    let ((_peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let second = contract("greeter.v2.Greeter", "greeter.v2", 2);
    let one = instance(&[greeter()], "eu", "alpha");
    let two = instance(std::slice::from_ref(&second), "eu", "beta");
    let three = instance(&[contract("qr.v1.Qr", "qr.v1", 1)], "us", "alpha");
    let _guards = [
        register(&registry, &one, greeter()).await,
        register(&registry, &two, second).await,
        register(&registry, &three, contract("qr.v1.Qr", "qr.v1", 1)).await,
    ];
    let mut seen = watch(&elsewhere).await;
    until(&mut seen, "all instances are seen", |now| now.instances.len() == 3).await;
    let any = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (any(), vec![one.id, two.id, three.id]),
        (Filter { service: text("greeter.v1.Greeter"), ..any() }, vec![one.id]),
        (Filter { service: text("greeter.v2"), ..any() }, vec![two.id]),
        (Filter { version: Some(1), ..any() }, vec![one.id, three.id]),
        (Filter { region: text("eu"), ..any() }, vec![one.id, two.id]),
        (Filter { host: text("alpha"), ..any() }, vec![one.id, three.id]),
        (Filter { host: text("alpha"), region: text("us"), ..any() }, vec![three.id]),
        (Filter { service: text("greeter.v1"), version: Some(2), ..any() }, vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&elsewhere, filter.clone()).await, expected.into_iter().collect(), "{filter:?}");
    }
}

/// A watch starts with everything there is and follows what comes and goes.
pub async fn a_watch_follows_every_change<F: RegistryFixture>(fixture: F) {
    let ((_peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let mut seen = watch(&elsewhere).await;
    assert!(seen.borrow_and_update().instances.is_empty(), "there is nobody yet");
    let (one, two) = (instance(&[greeter()], "", "a"), instance(&[greeter()], "", "b"));
    let first = register(&registry, &one, greeter()).await;
    until(&mut seen, "the first is seen", |now| now.is_live("greeter.v1.Greeter")).await;
    let second = register(&registry, &two, greeter()).await;
    until(&mut seen, "both are seen", |now| now.instances.len() == 2).await;
    drop(first);
    until(&mut seen, "one is left", |now| now.instances.keys().eq([&two.id])).await;
    let late = watch(&elsewhere).await;
    assert!(late.borrow().instances.contains_key(&two.id), "a later watch is complete too");
    drop(second);
    until(&mut seen, "nobody is left", |now| !now.is_live("greeter.v1.Greeter")).await;
}

/// A contract is found by the service's name and by its queue, also when nobody serves it any more.
pub async fn a_contract_outlives_its_instance<F: RegistryFixture>(fixture: F) {
    let ((_peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let guard = register(&registry, &instance(&[greeter()], "", "a"), greeter()).await;
    soon("deregister", guard.deregister()).await;
    let mut seen = watch(&elsewhere).await;
    until(&mut seen, "the contract is known", |now| now.contracts.contains_key("greeter.v1.Greeter")).await;
    for name in ["greeter.v1.Greeter", "greeter.v1"] {
        let found = soon("contract", elsewhere.contract(name)).await.expect("a contract can be asked for");
        assert_eq!(found.map(|found| Contract::clone(&found)), Some(greeter()), "{name}");
    }
    let unknown = soon("contract", elsewhere.contract("nobody.v1")).await;
    assert_eq!(unknown, Ok(None));
}

/// A contract is forgotten if somebody says so, unless an instance runs; and is known again when one comes.
pub async fn a_contract_is_forgotten_when_its_service_does_not_run<F: RegistryFixture>(fixture: F) {
    let ((_peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let name = "greeter.v1.Greeter";
    let registered = instance(&[greeter()], "", "a");
    let guard = register(&registry, &registered, greeter()).await;
    let mut seen = watch(&elsewhere).await;
    until(&mut seen, "the instance is seen", |now| now.is_live(name)).await;
    let refused = soon("forget", elsewhere.forget(name)).await;
    assert_eq!(refused, Err(RegistryError::Refused(format!("an instance of {name} runs"))));
    soon("deregister", guard.deregister()).await;
    until(&mut seen, "nobody is left", |now| !now.is_live(name)).await;
    assert_eq!(soon("forget", elsewhere.forget("nobody.v1")).await, Ok(false));
    assert_eq!(soon("forget", elsewhere.forget("greeter.v1")).await, Ok(true), "by its queue, too");
    until(&mut seen, "the contract is forgotten", |now| now.contracts.is_empty()).await;
    assert!(watch(&elsewhere).await.borrow().contracts.is_empty(), "a later watch does not know it either");
    let _guard = register(&registry, &registered, greeter()).await;
    until(&mut seen, "it is known again", |now| now.is_live(name) && now.contracts.contains_key(name)).await;
}

/// The instances of a process that dies are gone within three seconds.
pub async fn a_lost_connection_takes_its_instances_along<F: RegistryFixture>(fixture: F) {
    let ((peer, registry), (_other, elsewhere)) = (fixture.registry().await, fixture.registry().await);
    let registered = instance(&[greeter()], "", "a");
    let guard = register(&registry, &registered, greeter()).await;
    let mut seen = watch(&elsewhere).await;
    until(&mut seen, "the instance is seen", |now| now.instances.len() == 1).await;
    peer.crash();
    let gone = until(&mut seen, "the instance is gone", |now| now.instances.is_empty());
    let limit = std::time::Duration::from_secs(3);
    tokio::time::timeout(limit, gone).await.expect("a dead process is gone within three seconds");
    assert!(seen.borrow().contracts.contains_key("greeter.v1.Greeter"), "its contract stays");
    drop(guard);
}
