//! `MaxResults` and `NextToken`.
//!
//! A token names the first item that is still to come, so items that come and go between two pages shift nothing.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;

use crate::wire::ApiError;

/// Cuts one page out of everything that was found. Items come out in the order of their keys.
pub(crate) fn cut<T>(
    mut found: Vec<T>,
    key: impl Fn(&T) -> String,
    max_results: Option<i32>,
    next_token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    found.sort_by_cached_key(&key);
    if let Some(token) = next_token {
        let start = decode(token)?;
        let from = found.partition_point(|item| key(item) < start);
        found.drain(..from);
    }
    let size = max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
    let next = found.get(size).map(|item| BASE64_URL_SAFE.encode(key(item)));
    found.truncate(size);
    Ok((found, next))
}

/// The limits that DescribeInstances and its like state in their docs, not in the model.
pub(crate) fn check_size(max_results: Option<i32>, min: i32, max: i32) -> Result<(), ApiError> {
    let bound = match max_results {
        Some(size) if size < min => format!("greater than {min}"),
        Some(size) if size > max => format!("less than {max}"),
        _ => return Ok(()),
    };
    let size = max_results.unwrap_or_default();
    Err(ApiError::invalid_parameter(format!(
        "Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}."
    )))
}

/// Code: "Error codes for the Amazon EC2 API", InvalidNextToken.
fn decode(token: &str) -> Result<String, ApiError> {
    let key = BASE64_URL_SAFE.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| ApiError::new("InvalidNextToken", "The token is invalid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_everything_once_although_items_vanish() {
        let mut items: Vec<String> = ["d", "a", "c", "b", "e"].map(String::from).into();
        let (first, token) = cut(items.clone(), String::clone, Some(2), None).unwrap();
        assert_eq!(first, ["a", "b"]);
        items.retain(|item| item != "a" && item != "c");
        let (second, token) = cut(items.clone(), String::clone, Some(2), token.as_deref()).unwrap();
        assert_eq!((second, token), (vec!["d".to_owned(), "e".to_owned()], None));
    }

    #[test]
    fn a_token_of_another_making_is_refused() {
        assert_eq!(
            cut(vec![String::new()], String::clone, None, Some("!")).unwrap_err().code,
            "InvalidNextToken"
        );
    }

    #[test]
    fn a_page_has_between_five_and_a_thousand_items() {
        assert!(check_size(None, 5, 1000).is_ok() && check_size(Some(5), 5, 1000).is_ok());
        assert!(
            check_size(Some(4), 5, 1000).unwrap_err().message.ends_with("Expecting a value greater than 5.")
        );
    }
}
