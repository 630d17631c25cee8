//! The request for one page of one chart, and the reading of its answer.
//!
//! Source: "Videos: list", <https://developers.google.com/youtube/v3/docs/videos/list>.

use jiff::Timestamp;

use crate::model::error::ErrorKind;
use crate::model::region::Region;
use crate::normalize::{self, Page, PageError, PageRange};
use crate::youtube::client::Response;
use crate::youtube::error_response;
use crate::youtube::failure::AttemptFailure;

/// The most items that a page may have.
pub const PAGE_SIZE: u32 = 50;

/// One page to ask for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Whose chart.
    pub region: Region,
    /// `None` is the chart of all categories.
    pub category_id: Option<u32>,
    /// Places before this page.
    pub offset: u32,
    /// Places wanted from this page, at most [`PAGE_SIZE`].
    pub size: u32,
    /// `nextPageToken` of the page before.
    pub token: Option<String>,
    /// Whether descriptions are wanted.
    pub description: bool,
}

impl PageRequest {
    /// The query, without the key: that travels in a header.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("part", "snippet,contentDetails,statistics,status".to_owned()),
            ("chart", "mostPopular".to_owned()),
            ("regionCode", self.region.code().to_owned()),
            ("maxResults", self.size.to_string()),
            ("fields", normalize::selected_fields(self.description)),
            ("prettyPrint", "false".to_owned()),
        ];
        query.extend(self.category_id.map(|id| ("videoCategoryId", id.to_string())));
        query.extend(self.token.clone().map(|token| ("pageToken", token)));
        query
    }
}

/// Reads an answer that arrived at `now`.
///
/// # Errors
/// Whatever is not a page, as the failure of this attempt.
pub fn read_response(reply: &Response, request: &PageRequest, now: Timestamp) -> Result<Page, AttemptFailure> {
    if reply.head.status != 200 {
        return Err(error_response::read(reply, now));
    }
    let window =
        PageRange { offset: request.offset, size: request.size, description: request.description, fetched_at: now };
    normalize::parse_page(&reply.body, window).map_err(|malformed| match malformed {
        PageError::Truncated => {
            AttemptFailure::new(ErrorKind::Truncated, "the answer's JSON ends early").with_status(200)
        }
        PageError::WrongShape => error_response::read_other(reply),
    })
}
