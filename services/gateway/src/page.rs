//! The page at `/status`: what is running, and what to do next. No script, nothing from elsewhere. It stands at `/`, too,
//! when the program was built without the web app.

use std::fmt::Write;

use crate::{app::Inner, health::RouteHealth, web};

/// The page's style sheet, served from the same port because the policy allows nothing inline.
pub(crate) const STYLE: &str = include_str!("page.css");

const COMMANDS: [(&str, &str); 6] = [
    ("aerie demo", "see the whole thing work on sample boards"),
    ("aerie profile", "say what you are looking for"),
    ("aerie sources", "see which boards are searched, and add your own"),
    ("aerie discover", "search the boards now"),
    ("aerie jobs", "review the ranked postings"),
    ("aerie tasks", "see what runs in the background"),
];

/// The page as HTML.
pub(crate) fn render(inner: &Inner, health: &[RouteHealth], is_ready: bool) -> String {
    let mut services = String::new();
    for route in health {
        for (name, condition) in &route.services {
            let class = if route.is_serving() { "good" } else { "off" };
            let optional = if route.route.required { "" } else { " (optional)" };
            // Writing to a String cannot fail.
            let _ = write!(
                services,
                "<tr><td>{}{optional}</td><td><code>{}</code></td><td class=\"{class}\">{}</td></tr>",
                escaped(route.route.name),
                escaped(name),
                condition.words(),
            );
        }
    }
    let mut commands = String::new();
    for (command, purpose) in COMMANDS {
        let _ = write!(commands, "<tr><td><code>{command}</code></td><td>{purpose}</td></tr>");
    }
    let app = if web::is_built() {
        "<p><a href=\"/\">Open the app</a></p>"
    } else {
        "<h2>The web app</h2><p>This program was built without it. Install Node.js 18 or later with npm (on Debian: \
         <code>apt-get install nodejs npm</code>) and start Aerie again with <code>cargo xtask up</code>, which builds it. \
         Everything works from the command line, too.</p>"
    };
    let metrics =
        if inner.metrics.is_some() && inner.callers.is_local() { " · <a href=\"/metrics\">metrics</a>" } else { "" };
    let state = if is_ready { "ready" } else { "not ready" };
    let reach = if inner.callers.is_local() { "It answers on this machine only." } else { "" };
    let version = escaped(inner.version);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Aerie</title><link rel=\"stylesheet\" href=\"/style.css\"></head><body><main>\
         <h1>Aerie</h1><p>Version {version}, {state}. {reach}</p>{app}\
         <h2>Services</h2><table>{services}</table>\
         <h2>Next</h2><table>{commands}</table>\
         <h2>For programs</h2>\
         <p>This port speaks gRPC with reflection, gRPC-Web, JSON (<code>POST /package.Service/Method</code> with \
         <code>Content-Type: application/json</code>), and server-sent events for streams \
         (<code>GET</code> with <code>Accept: text/event-stream</code>).</p>\
         <p><a href=\"/livez\">alive</a> · <a href=\"/readyz\">ready</a>{metrics}</p>\
         </main></body></html>\n"
    )
}

/// Text as it may stand in a page.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
