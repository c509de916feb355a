//! `docs/brokers.md`: its tables are what the rules have shown.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::{BrokerFixture, Guarantee, Shown, suite::on_one_thread, table::Table};

/// If it is set, what was shown is written into the page rather than compared with it.
const WRITE: &str = "SKYLOOM_WRITE_BROKERS";

/// What ends a table in the page.
const END: &str = "```\n<!-- end -->";

/// What begins the table in which a guarantee is a column. The first is also what `sky brokers` prints.
fn begins(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::LargestEnvelope | Guarantee::BoundedInBytes | Guarantee::Reconnects => MEASURED,
        _ => "<!-- sky brokers -->\n```\n",
    }
}

/// What begins the table of what was measured.
const MEASURED: &str = "<!-- measured -->\n```\n";

/// The column that says what was measured. It is written and not compared: another version keeps the same rules.
const SERVER: &str = "SERVER";

/// Holds the page's row of a broker to what the rules have shown, or writes it, if the environment says so. `suite` is
/// what `cargo test` needs to run this suite.
///
/// # Panics
/// If they differ, if a guarantee was decided by no rule or by two, or if the page cannot be read.
pub fn assert_page_shows<F: BrokerFixture>(shown: impl IntoIterator<Item = Shown>, suite: &str) {
    let shown: Vec<Shown> = shown.into_iter().collect();
    for guarantee in Guarantee::ALL {
        let deciding = shown.iter().filter(|shown| shown.guarantee == guarantee).count();
        assert_eq!(deciding, 1, "{} is decided by one rule", guarantee.title());
    }
    let (broker, server) = on_one_thread(introduction::<F>());
    // The suites of one test program write one after the other.
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/brokers.md"));
    let mut page = fs::read_to_string(&path).expect("the page can be read");
    if std::env::var_os(WRITE).is_some() {
        for Shown { guarantee, cell } in &shown {
            edit(&mut page, begins(*guarantee), |table| table.set(&broker, guarantee.title(), cell));
        }
        edit(&mut page, MEASURED, |table| table.set(&broker, SERVER, &server));
        return fs::write(&path, page).expect("the page can be written");
    }
    let command = format!("{WRITE}=1 cargo test --all-features {suite} the_page_shows");
    for Shown { guarantee, cell } in &shown {
        let title = guarantee.title();
        let table = Table::parse(find(&page, begins(*guarantee)));
        let written = table.get(&broker, title).unwrap_or("nothing");
        assert!(
            written == cell,
            "docs/brokers.md says {written:?} of {broker} under {title}, and the suite has shown {cell:?}: find out \
             which is meant; `{command}` writes what was shown"
        );
    }
}

/// What a broker is called, and its server with its version.
async fn introduction<F: BrokerFixture>() -> (String, String) {
    let fixture = F::start().await;
    let name = fixture.connect().await.broker.capabilities().broker.to_owned();
    (name, fixture.server().await.unwrap_or_else(|| "-".to_owned()))
}

/// The text of the table that begins so.
fn find<'a>(page: &'a str, begin: &str) -> &'a str {
    let (_, rest) = page.split_once(begin).expect("the table begins");
    rest.split_once(END).expect("the table ends").0
}

/// Changes the table that begins so.
fn edit(page: &mut String, begin: &str, change: impl FnOnce(&mut Table)) {
    let text = find(page, begin).to_owned();
    let mut table = Table::parse(&text);
    change(&mut table);
    *page = page.replacen(&format!("{begin}{text}{END}"), &format!("{begin}{table}{END}"), 1);
}
