use FaultKind::*;

use super::*;

/// Errors as providers document or send them: status, body, whose fault.
const ERRORS: &[(u16, &str, FaultKind)] = &[
    // OpenAI: https://platform.openai.com/docs/guides/error-codes
    (
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-1.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        KeyRefused,
    ),
    (
        429,
        r#"{"error":{"message":"Rate limit reached for gpt-4o on tokens per min","type":"tokens","code":"rate_limit_exceeded"}}"#,
        Overloaded,
    ),
    (
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        UsageCap,
    ),
    (
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ContextTooLong,
    ),
    (
        400,
        r#"{"error":{"message":"Your request was rejected as a result of our safety system.","code":"content_policy_violation"}}"#,
        ContentPolicy,
    ),
    (
        404,
        r#"{"error":{"message":"The model `gpt-9` does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
        ModelUnknown,
    ),
    (
        400,
        r#"{"error":{"message":"Invalid value: 'foo'","type":"invalid_request_error","param":"tool_choice","code":"invalid_value"}}"#,
        Caller,
    ),
    (500, r#"{"error":{"message":"The server had an error","type":"server_error"}}"#, Unavailable),
    (403, r#"{"error":{"message":"Country not supported","code":"unsupported_country_region_territory"}}"#, KeyRefused),
    // Azure OpenAI wraps its filter's words.
    (
        400,
        r#"{"error":{"code":"content_filter","message":"The response was filtered","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
        ContentPolicy,
    ),
    // OpenRouter
    (402, r#"{"error":{"code":402,"message":"This request requires more credits"}}"#, UsageCap),
    (402, "", UsageCap),
    // Anthropic: https://docs.anthropic.com/en/api/errors
    (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
        UsageCap,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}"#,
        UsageCap,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        ContextTooLong,
    ),
    (
        403,
        r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission"}}"#,
        KeyRefused,
    ),
    (404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#, ModelUnknown),
    (
        413,
        r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        Caller,
    ),
    // llama.cpp server
    (
        400,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#,
        ContextTooLong,
    ),
    (503, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, Unavailable),
    (
        500,
        r#"{"error":{"code":500,"message":"image input is not supported - hint: provide the mmproj","type":"server_error"}}"#,
        Unsupported,
    ),
    // vLLM, older and newer form
    (
        400,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","param":null,"code":400}"#,
        ContextTooLong,
    ),
    (
        404,
        r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}}"#,
        ModelUnknown,
    ),
    (400, r#"{"error":{"message":"x is not a multimodal model","type":"BadRequestError","code":400}}"#, Unsupported),
    // Ollama
    (404, r#"{"error":"model \"llama9\" not found, try pulling it first"}"#, ModelUnknown),
    (400, r#"{"error":"registry.ollama.ai/library/gemma:2b does not support tools"}"#, Unsupported),
    (503, r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#, Overloaded),
    // TGI
    (
        422,
        r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000","error_type":"validation"}"#,
        ContextTooLong,
    ),
    (429, r#"{"error":"Model is overloaded","error_type":"overloaded"}"#, Overloaded),
    (424, r#"{"error":"Request failed during generation","error_type":"generation"}"#, Unavailable),
    // Google
    (
        400,
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#,
        KeyRefused,
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        ContextTooLong,
    ),
    (
        503,
        r#"[{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]"#,
        Overloaded,
    ),
    // FastAPI's own refusals
    (422, r#"{"detail":[{"loc":["body","messages"],"msg":"Field required","type":"missing"}]}"#, Caller),
    // Gateways
    (500, r#"{"error":{"message":"upstream said: Too Many Requests","code":429}}"#, Overloaded),
    (500, r#"{"error":"litellm.RateLimitError: rate limit reached"}"#, Overloaded),
    (500, r#"{"error":{"message":"Error code: 429 - {'error': 'slow down'}"}}"#, Overloaded),
    (403, r#"{"code":"permission-denied","error":"Your team has used all available credits."}"#, UsageCap),
    (502, "<html><body>Bad Gateway</body></html>", Unavailable),
    (400, "", Caller),
    (405, "", ModelUnknown),
    (408, "", Unavailable),
    (409, "", Unavailable),
    (301, "", Unavailable),
    // Inside a 200
    (200, r#"{"message":"Provider returned error","code":429}"#, Overloaded),
    (200, r#"{"message":"Provider returned error","code":502}"#, Unavailable),
    (200, r#"{"message":"bad schema","code":400}"#, Caller),
    (200, r#""engine died""#, Unavailable),
];

#[test]
fn every_providers_errors_are_attributed() {
    for (status, body, expected) in ERRORS {
        assert_eq!(kind(*status, &Report::read(body.as_bytes())), *expected, "{status} {body}");
    }
}

#[test]
fn the_providers_words_are_kept_and_web_pages_are_not() {
    let fault = fault("Ollama", 404, &Report::read(br#"{"error":"model x not found"}"#), None);
    assert_eq!(fault.to_string(), "Ollama answered 404: model x not found");
    assert_eq!(fault.status, Some(404));
    assert_eq!(Report::read(b"<html>oh</html>").message, "");
    assert_eq!(Report::read(b"upstream connect error").message, "upstream connect error");
    let fastapi = Report::read(br#"{"detail":[{"msg":"Field required"}]}"#);
    assert_eq!(fastapi.message, "Field required");
}

#[test]
fn a_waiting_time_in_the_body_counts_where_it_is_longer() {
    let body = br#"{"error":{"code":429,"message":"x","details":[{"@type":"t","retryDelay":"34.5s"}]}}"#;
    let report = Report::read(body);
    let waits = |given| fault("Gemini", 429, &report, given).retry_after;
    assert_eq!(waits(None), Some(Duration::from_millis(34_500)));
    assert_eq!(waits(Some(Duration::from_secs(60))), Some(Duration::from_secs(60)));
}
