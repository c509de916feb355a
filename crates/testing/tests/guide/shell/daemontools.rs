//! The page whose commands want daemontools and systemd.

use super::run::{SUPERVISORS, run};
use crate::page::pages;

#[test]
fn the_page_about_supervisors_does_what_it_says() {
    run(pages().iter().find(|page| page.path == SUPERVISORS).expect("the page is there"));
}
