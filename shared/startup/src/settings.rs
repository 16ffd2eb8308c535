use std::{error::Error, fmt, str::FromStr};

use crate::Secret;

/// A setting that is missing or cannot be read. Never holds the value, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    #[error("the environment variable {name} cannot be used: {reason}")]
    Unreadable { name: &'static str, reason: String },
}

/// A setting that may be absent; an empty value counts as absent, since a deployment template
/// cannot leave a variable out.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

pub fn required(name: &'static str) -> Result<String, SettingError> {
    optional(name).ok_or(SettingError::Missing(name))
}

pub fn parsed<T>(name: &'static str) -> Result<T, SettingError>
where
    T: FromStr<Err: Error>,
{
    required(name)?.parse().map_err(|error| unreadable(name, &error))
}

pub fn secret(name: &'static str) -> Result<Secret, SettingError> {
    required(name).map(|value| Secret::new(name, value))
}

pub fn optional_secret(name: &'static str) -> Option<Secret> {
    optional(name).map(|value| Secret::new(name, value))
}

fn unreadable(name: &'static str, reason: &impl fmt::Display) -> SettingError {
    SettingError::Unreadable { name, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = required("ASSAY_SURELY_NOT_SET").unwrap_err().to_string();
        assert!(error.contains("ASSAY_SURELY_NOT_SET"), "{error}");
    }

    #[test]
    fn a_setting_of_the_wrong_kind_is_named_without_its_value() {
        // PATH is always set and never a number.
        let error = parsed::<u32>("PATH").unwrap_err().to_string();
        assert!(error.contains("PATH") && !error.contains('/'), "{error}");
    }
}
