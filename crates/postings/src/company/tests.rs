#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

#[test]
fn keys_drop_what_does_not_name() {
    for (name, key) in [
        ("Acme, Inc.", "acme"),
        ("ACME Corp", "acme"),
        ("The Acme & Söhne GmbH & Co. KG", "acme and sohne"),
        ("Acme and Söhne", "acme and sohne"),
        ("Orbital Widgets (YC W21)", "orbital widgets"),
        ("Société Exemple S.A.R.L.", "societe exemple"),
        ("Przykład Sp. z o.o.", "przyklad"),
        ("Example Pty Ltd", "example"),
        ("Esimerkki Oy", "esimerkki"),
        ("Voorbeeld B.V.", "voorbeeld"),
        ("株式会社", "zhu shi hui she"),
        ("Booking.com B.V.", "booking com"),
        ("O'Neill's", "oneills"),
        ("The Group", "group"),
        ("Company", "company"),
        ("(YC S20)", "yc s20"),
        ("Foo Holdings Group plc", "foo"),
        ("Ernest & Co.", "ernest"),
        ("", ""),
    ] {
        assert_eq!(company_key(name), key, "{name}");
    }
}

#[test]
fn display_form_is_clean() {
    assert_eq!(display_name("  Fish &amp; Chips\n Ltd "), "Fish & Chips Ltd");
}

proptest! {
    #[test]
    fn keys_are_stable(name in "\\PC{0,40}") {
        let key = company_key(&name);
        prop_assert_eq!(company_key(&key), key);
    }
    #[test]
    fn any_name_is_survived(name in any::<String>()) {
        prop_assert!(display_name(&name).chars().count() <= MAX_COMPANY_CHARACTERS);
        let _ = company_key(&name);
    }
}
