//! What a person sees when signing in did not work.

use aerie_rpc::{ErrorCode, RpcError};
use http::{Response, StatusCode};
use tonic::body::Body;

use super::LOGIN;
use crate::{answer, page::escaped};

/// The page. No script, nothing from elsewhere.
pub(super) fn failed(error: &RpcError) -> Response<Body> {
    let status = match error.code {
        // A browser would ask for a password if it were told 401 with a challenge; there is none, so it shows the page.
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        code => code.http(),
    };
    let message = escaped(&error.message);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Aerie: sign in</title><link rel=\"stylesheet\" href=\"/style.css\"></head><body><main>\
         <h1>You are not signed in</h1><p>{message}.</p>\
         <p><a href=\"{LOGIN}\">Try again</a> · <a href=\"/\">To the first page</a></p>\
         </main></body></html>\n"
    );
    answer::content(status, "text/html; charset=utf-8", page)
}
