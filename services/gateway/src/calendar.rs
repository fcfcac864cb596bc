//! `/calendar.ics`: the appointments and reminders of whoever asks, for a calendar program to subscribe to.

use aerie_proto::pipeline::v1::{GetCalendarRequest, interviews_service_client::InterviewsServiceClient};
use aerie_rpc::RpcError;
use http::{HeaderMap, Response, StatusCode};
use tokio::time::Instant;
use tonic::{Extensions, Request, body::Body, metadata::MetadataMap};

use crate::{answer, app::Inner, callers::Caller, json::refuse, metadata};

/// Where it lies.
pub(crate) const PATH: &str = "/calendar.ics";
/// The call that answers it.
const METHOD: &str = "/aerie.pipeline.v1.InterviewsService/GetCalendar";

/// The calendar as a file.
pub(crate) async fn answer(inner: &Inner, caller: &Caller) -> Response<Body> {
    let _place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return refuse(inner, error.into()),
    };
    let Some(backend) = inner.services.backend(METHOD) else {
        let message = "no service here keeps appointments";
        return refuse(inner, RpcError::not_found("PATH_UNKNOWN", message).into());
    };
    let metadata = MetadataMap::from_headers(metadata::fresh(&HeaderMap::new(), &caller.person));
    let request = Request::from_parts(metadata, Extensions::default(), GetCalendarRequest {});
    let mut client = InterviewsServiceClient::new(backend).max_decoding_message_size(inner.limits.message_bytes);
    match client.get_calendar(request).await {
        Ok(response) => answer::content(StatusCode::OK, "text/calendar; charset=utf-8", response.into_inner().calendar),
        Err(status) => answer::error(&status, &inner.services.pool),
    }
}
