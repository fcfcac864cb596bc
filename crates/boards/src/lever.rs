//! Probe.
use crate::collect::each_board;
use crate::fetch::{Fetcher, Request};
use crate::source::*;
/// x
#[derive(Debug)]
pub struct Lever {
    info: SourceInfo,
}
#[async_trait::async_trait]
impl Source for Lever {
    fn info(&self) -> &SourceInfo {
        &self.info
    }
    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink, async |collector, _board| {
            let url = url::Url::parse("https://x").map_err(|_| SourceError::Disabled { name: String::new() })?;
            collector.whole(Request::get(url)).await
        })
        .await
    }
    fn parse(&self, _page: &Page) -> Result<Parsed, ParseError> {
        Ok(Parsed::default())
    }
}
