#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

#[test]
fn text_of_html() {
    for (given, expected) in [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br>b<br/><br />c", "a\nb\n\nc"),
        ("<ul><li>One</li><li><p>Two</p></li><li></li></ul><p>End</p>", "• One\n• Two\n\nEnd"),
        ("<ul><li>One<li>• Two</ul>After", "• One\n• Two\n\nAfter"),
        ("<ul><li>One<ul><li>Inner</li></ul></li><li>Two</li></ul>", "• One\n• Inner\n• Two"),
        ("<script>var a = '<p>x</p>';</script><style>p{}</style>Shown<!-- not -->", "Shown"),
        ("Fish &amp; Chips&nbsp;&nbsp;&#8211; &#146;", "Fish & Chips – ’"),
        ("&lt;p&gt;R&amp;amp;D &amp;lt; all&lt;/p&gt;&lt;ul&gt;&lt;li&gt;x&lt;/li&gt;&lt;/ul&gt;", "R&D < all\n\n• x"),
        ("&amp;lt;p&amp;gt;Twice&amp;lt;/p&amp;gt;", "Twice"),
        ("Vec<T> and a < b", "Vec<T> and a < b"),
        ("line one\r\nline two\n\n\n\nline three", "line one\nline two\n\nline three"),
        ("<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>", "A B\nC"),
        ("<a title=\"x > y\" href='z'>link</a> text", "link text"),
        ("<p>unclosed <b", "unclosed"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("", ""),
    ] {
        assert_eq!(html_to_text(given), expected, "{given}");
    }
}

#[test]
fn safe_html_keeps_structure_and_nothing_that_acts() {
    let given = "<h2 onclick=x>Role</h2><p style='a'>Do <strong>things</strong> <a href=\"https://example.org/a\" \
                 onmouseover=y>here</a> <a href='javascript:alert(1)'>no</a><img src=x onerror=z></p><script>1</script>\
                 <form action=x><input name=y></form><iframe src=q>in</iframe>";
    let safe = safe_html(given);
    assert_eq!(
        safe,
        "<h2>Role</h2><p>Do <strong>things</strong> <a href=\"https://example.org/a\" rel=\"noopener noreferrer \
         nofollow\">here</a> <a rel=\"noopener noreferrer nofollow\">no</a></p>"
    );
    assert_eq!(safe_html("&lt;p&gt;Hi&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;"), "<p>Hi</p>");
    assert_eq!(text_to_html("a < b\nc\n\nd"), "<p>a &lt; b<br>c</p><p>d</p>");
}

#[test]
fn deep_and_repetitive_input_is_handled_in_linear_time() {
    let deep = "<div>".repeat(60_000);
    assert_eq!(html_to_text(&deep), "");
    assert_eq!(safe_html(&format!("{deep}x")), "<p>x</p>");
    assert_eq!(html_to_text(&"<svg>".repeat(60_000)), "");
    assert_eq!(html_to_text(&"<a \"".repeat(60_000)), "");
    assert!(html_to_text(&"&lt;".repeat(90_000)).len() < MAX_HTML_BYTES);
    assert!(safe_html(&"<p><font size=1>".repeat(20_000)).len() < MAX_HTML_BYTES);
}

proptest! {
    #[test]
    fn text_has_no_stray_white_space(html in "(<(p|br|li|ul|div|script|/p|/li|/ul|!--|b class=\"x\")>?|&(amp|lt|nbsp);?|[a-z \n\r<>&\"';]|\\PC){0,60}") {
        let text = html_to_text(&html);
        prop_assert!(!text.contains("\n\n\n"));
        prop_assert!(!text.contains(" \n"));
        prop_assert_eq!(text.trim(), text.as_str());
        prop_assert!(plain_text(&text) == text);
    }

    #[test]
    fn safe_html_never_acts(html in "(<(script|img src=x onerror=y|a href='javascript:x'|svg|style|p|b|/b|form)>|&lt;script&gt;|[a-z<>\"'=/ ]){0,40}") {
        let safe = safe_html(&html).to_lowercase();
        prop_assert!(!safe.contains("<script") && !safe.contains("<img") && !safe.contains("<svg"));
        prop_assert!(!safe.contains("<form") && !safe.contains("href=\"javascript"));
    }

    #[test]
    fn any_input_is_survived(html in any::<String>()) {
        let _ = (html_to_text(&html), safe_html(&html), decode_entities(&html), unescape_markup(&html).len());
    }
}
