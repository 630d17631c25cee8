//! The request for one page of one chart, and the reading of its response.
//!
//! Source: "Videos: list", <https://developers.google.com/youtube/v3/docs/videos/list>.

use jiff::Timestamp;

use crate::model::error::ErrorKind;
use crate::model::region::Region;
use crate::normalize::{self, Page, PageError, PageRange};
use crate::youtube::client::Response;
use crate::youtube::error_response;
use crate::youtube::failure::AttemptFailure;

/// The most items of a page.
pub(crate) const PAGE_SIZE: u32 = 50;

#[derive(Debug, Clone)]
pub struct PageRequest {
    pub region: Region,
    /// `None` is the chart of all categories.
    pub category_id: Option<u32>,
    /// Entries before this page.
    pub offset: u32,
    /// Requested entries, at most `PAGE_SIZE`.
    pub size: u32,
    /// `nextPageToken` of the previous page.
    pub token: Option<String>,
    /// Whether descriptions are requested.
    pub description: bool,
}

impl PageRequest {
    /// The query without the key, which travels in a header.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("part", "snippet,contentDetails,statistics,status".to_owned()),
            ("chart", "mostPopular".to_owned()),
            ("regionCode", self.region.code().to_owned()),
            ("maxResults", self.size.to_string()),
            ("fields", normalize::selected_fields(self.description).to_owned()),
            ("prettyPrint", "false".to_owned()),
        ];
        query.extend(self.category_id.map(|id| ("videoCategoryId", id.to_string())));
        query.extend(self.token.clone().map(|token| ("pageToken", token)));
        query
    }
}

/// Reads the response to `request`, which arrived at `now`.
///
/// # Errors
/// The failure of this attempt, if the response is not a page.
pub fn read_response(response: &Response, request: &PageRequest, now: Timestamp) -> Result<Page, AttemptFailure> {
    if response.head.status != 200 {
        return Err(error_response::read(response, now));
    }
    let range =
        PageRange { offset: request.offset, size: request.size, description: request.description, fetched_at: now };
    normalize::parse_page(&response.body, range).map_err(|error| match error {
        PageError::Truncated => {
            AttemptFailure::new(ErrorKind::Truncated, "the response's JSON ends early").with_status(200)
        }
        PageError::WrongShape => error_response::read_not_a_chart(response),
    })
}
