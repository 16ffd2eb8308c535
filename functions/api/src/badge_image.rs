//! What a badge says, and its picture.

use axum::http::{HeaderMap, header};
use domain::Tier;
use sha2::{Digest, Sha256};
use shields::{BadgeParams, BadgeStyle, render_badge_svg};

const LABEL: &str = "assay";

/// What a badge may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Certified(Tier),
    /// Passed, and no tier was earned.
    Verified,
    NotVerified,
    Expired,
    NotFound,
    /// The database does not answer.
    Unknown,
}

/// An attestation that expired says nothing any more, whatever it said.
pub(crate) fn state(passed: bool, expired: bool, tier: Tier) -> State {
    match (expired, passed, tier) {
        (true, _, _) => State::Expired,
        (false, false, _) => State::NotVerified,
        (false, true, Tier::None) => State::Verified,
        (false, true, Tier::Bronze | Tier::Silver | Tier::Gold | Tier::Platinum) => {
            State::Certified(tier)
        }
    }
}

impl State {
    pub(crate) fn message(self) -> String {
        match self {
            Self::Certified(tier) => format!("{tier} certified"),
            Self::Verified => "verified".to_owned(),
            Self::NotVerified => "not verified".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::NotFound => "not found".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// Values, not names: the names mean other colours in shields.io's present palette.
    fn color(self) -> &'static str {
        match self {
            Self::Certified(Tier::Platinum) => "#007ec6",
            Self::Certified(Tier::Gold) => "#d8b800",
            Self::Certified(Tier::Silver) => "#939393",
            Self::Certified(Tier::Bronze) => "#ea7233",
            Self::Certified(Tier::None) | Self::Verified => "#4b0",
            Self::NotVerified => "#dd4343",
            Self::Expired | Self::NotFound | Self::Unknown => "#939393",
        }
    }
}

/// The picture, in one of shields' styles; an unknown style is drawn flat.
pub(crate) fn render(style: &str, state: State) -> String {
    let message = state.message();
    render_badge_svg(&BadgeParams {
        style: style.parse().unwrap_or(BadgeStyle::Flat),
        message_color: Some(state.color()),
        ..BadgeParams::new(LABEL, &message)
    })
}

/// A strong entity tag: equal bytes, equal tag.
pub(crate) fn entity_tag(svg: &str) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(svg.as_bytes())[..16]))
}

/// Whether `If-None-Match` lists the tag (RFC 9110, 13.1.2: weak comparison).
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_badge_says_what_its_attestation_says_and_nothing_once_that_expired() {
        let cases = [
            ((true, false, Tier::Gold), "gold certified"),
            ((true, false, Tier::None), "verified"),
            ((false, false, Tier::Gold), "not verified"),
            ((true, true, Tier::Platinum), "expired"),
            ((false, true, Tier::None), "expired"),
        ];
        for ((passed, expired, tier), message) in cases {
            assert_eq!(state(passed, expired, tier).message(), message);
        }
    }

    #[test]
    fn every_style_is_a_picture_that_says_it() {
        for style in ["flat", "flat-square", "plastic", "for-the-badge", "social", "no such style"]
        {
            let svg = render(style, State::Certified(Tier::Gold));
            assert!(svg.starts_with("<svg") && svg.to_lowercase().contains("gold"), "{style}");
        }
    }

    #[test]
    fn a_tag_is_known_alone_or_in_a_list_and_weak_or_strong() {
        let tag = entity_tag("<svg/>");
        let cases = [
            (tag.clone(), true),
            (format!("\"x\", {tag}"), true),
            (format!("W/{tag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ];
        for (value, known) in cases {
            let value = HeaderValue::from_str(&value).unwrap();
            let headers: HeaderMap = [(header::IF_NONE_MATCH, value.clone())].into_iter().collect();
            assert_eq!(is_known(&headers, &tag), known, "{value:?}");
        }
    }
}
