//! What the error says with which a program ends, and its exit code.

use std::{any::Any, error::Error};

use skyloom_core::Status;

use crate::{
    config::ConfigError,
    connect::ConnectError,
    exit::{FAILED, MISTAKE, TEMPORARY, code_of_status},
    system::without_numbers,
};

/// What to say of an error: of a status its message, for its code is for programs, as are the system's numbers.
pub(super) fn sentence<E: std::fmt::Display + 'static>(error: &E) -> String {
    let status = (error as &dyn Any).downcast_ref::<Status>();
    match status {
        Some(status) => without_numbers(status.message()).into_owned(),
        None => without_numbers(&error.to_string()).into_owned(),
    }
}

/// The exit code of an error, as far as its type tells.
pub(super) fn code(error: &(dyn Any + 'static)) -> u8 {
    if let Some(status) = error.downcast_ref::<Status>() {
        return code_of_status(status);
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return code_of_error(&**boxed);
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error>>() {
        return code_of_error(&**boxed);
    }
    match (error.downcast_ref::<ConnectError>(), error.downcast_ref::<ConfigError>()) {
        (Some(error), _) => code_of_error(error),
        (_, Some(_)) => MISTAKE,
        _ => FAILED,
    }
}

fn code_of_error(error: &(dyn Error + 'static)) -> u8 {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(status) = error.downcast_ref::<Status>() {
            return code_of_status(status);
        }
        match error.downcast_ref::<ConnectError>() {
            Some(error) if error.is_temporary() => return TEMPORARY,
            Some(_) => return MISTAKE,
            None if error.is::<ConfigError>() => return MISTAKE,
            None => cause = error.source(),
        }
    }
    FAILED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_a_sentence_reads_no_numbers_of_the_system() {
        let refused = "no broker at nats://h: Connection refused (os error 111); start it";
        let expected = "no broker at nats://h: Connection refused; start it";
        assert_eq!(sentence(&Status::unavailable(refused)), expected);
        assert_eq!(sentence(&refused.to_owned()), expected);
    }

    #[test]
    fn an_exit_code_says_whether_to_try_again() {
        assert_eq!(code(&Status::unavailable("no broker")), TEMPORARY);
        assert_eq!(code(&Status::failed_precondition("a typo")), MISTAKE);
        assert_eq!(code(&Status::internal("a mistake of ours")), FAILED);
        let boxed: Box<dyn Error + Send + Sync> = Box::new(Status::unavailable("no broker"));
        assert_eq!(code(&boxed), TEMPORARY);
        let boxed: Box<dyn Error> = Box::new(ConfigError::Own("a typo".to_owned()));
        assert_eq!(code(&boxed), MISTAKE);
        assert_eq!(code(&ConnectError::Unknown { url: "x".to_owned() }), MISTAKE);
        assert_eq!(code(&"a text".to_owned()), FAILED);
    }
}
