//! `/calendar.ics`: the appointments and reminders of whoever asks, for a calendar program to subscribe to.

use aerie_proto::pipeline::v1::{GetCalendarRequest, interviews_service_client::InterviewsServiceClient};
use aerie_rpc::RpcError;
use http::{HeaderMap, Response, StatusCode};
use tonic::{Extensions, Request, body::Body, metadata::MetadataMap};

use crate::{answer, app::Inner, json::refuse, metadata};

/// The call that answers it.
const METHOD: &str = "/aerie.pipeline.v1.InterviewsService/GetCalendar";

/// The calendar as a file.
pub(crate) async fn answer(inner: &Inner) -> Response<Body> {
    let Some(backend) = inner.services.backend(METHOD) else {
        let message = "no service here keeps appointments";
        return refuse(inner, RpcError::not_found("PATH_UNKNOWN", message).into());
    };
    let metadata = MetadataMap::from_headers(metadata::fresh(&HeaderMap::new(), &inner.person));
    let request = Request::from_parts(metadata, Extensions::default(), GetCalendarRequest {});
    let mut client = InterviewsServiceClient::new(backend).max_decoding_message_size(inner.limits.message_bytes);
    match client.get_calendar(request).await {
        Ok(response) => answer::content(StatusCode::OK, "text/calendar; charset=utf-8", response.into_inner().calendar),
        Err(status) => answer::error(&status, &inner.services.pool),
    }
}
