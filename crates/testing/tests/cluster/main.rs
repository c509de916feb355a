//! Tests over real processes: the cluster as a newcomer uses it, and what happens when parts of it
//! die, hang or fill up.

mod faults;
mod kit;
mod walkthrough;
