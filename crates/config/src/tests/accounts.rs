use super::*;

const ISSUER: &str =
    r#"[{issuer: "https://id.example", audience: aerie, jwks_url: "https://id.example/keys", algorithms: [ES256]}]"#;

fn with(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let fixed = [
        ("AERIE__SERVER__LISTEN", "0.0.0.0"),
        ("AERIE__ACCOUNTS__MODE", "tokens"),
        ("AERIE__ACCOUNTS__PUBLIC_ADDRESSES", "https://aerie.example"),
        ("AERIE__ACCOUNTS__ISSUERS", ISSUER),
    ];
    let kept = fixed.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    loader().environment(kept.chain(changes.iter().copied())).load()
}

#[test]
fn other_machines_need_tokens_and_protected_addresses() {
    let config = with(&[]).unwrap();
    let issuer = &config.accounts.issuers[0];
    assert_eq!((issuer.algorithms.as_slice(), issuer.leeway_seconds), (&[TokenAlgorithm::ES256][..], 30));
    for (changes, key) in [
        (&[("AERIE__ACCOUNTS__MODE", "local")][..], "server.listen"),
        (&[("AERIE__ACCOUNTS__PUBLIC_ADDRESSES", "http://aerie.example")], "accounts.public_addresses"),
        (&[("AERIE__ACCOUNTS__PUBLIC_ADDRESSES", "https://aerie.example/app")], "accounts.public_addresses"),
        (&[("AERIE__ACCOUNTS__HOSTS", "a b")], "accounts.hosts"),
        (&[("AERIE__ACCOUNTS__OPERATORS", "ada")], "accounts.operators"),
        (&[("AERIE__ACCOUNTS__SESSION__IDLE_MINUTES", "0")], "accounts.session.idle_minutes"),
    ] {
        assert_eq!(problems(with(changes))[0].key, key, "{changes:?}");
    }
}

#[test]
fn issuers_are_protected_and_complete() {
    for (issuers, word) in [
        ("[{issuer: 'http://id.example', audience: a, jwks_url: 'https://id.example/k'}]", "http://id.example"),
        ("[{issuer: 'https://id.example', audience: a, jwks_url: 'http://id.example/k'}]", "jwks_url"),
        ("[{issuer: 'https://id.example', audience: '', jwks_url: 'https://id.example/k'}]", "audience"),
        ("[{issuer: 'https://a', audience: a, jwks_url: 'https://a/k', algorithms: []}]", "algorithm"),
        ("[{issuer: 'https://a', audience: a, jwks_url: 'https://a/k', algorithms: [HS256]}]", "HS256"),
        ("[{issuer: 'https://a', audience: a, jwks_url: 'https://a/k', algorithms: [none]}]", "none"),
        ("[{issuer: 'https://a', audience: a, jwks_url: 'https://a/k', leeway_seconds: 900}]", "900"),
        (
            "[{issuer: 'https://a', audience: a, jwks_url: 'https://a/k'}, {issuer: 'https://a', audience: b, jwks_url: 'https://a/k'}]",
            "twice",
        ),
    ] {
        let error = with(&[("AERIE__ACCOUNTS__ISSUERS", issuers)]).unwrap_err().to_string();
        assert!(error.contains("accounts.issuers") && error.contains(word), "{issuers}: {error}");
    }
    let nobody = with(&[("AERIE__ACCOUNTS__ISSUERS", ""), ("AERIE__ACCOUNTS__API_KEYS", "false")]);
    assert_eq!(problems(nobody)[0].key, "accounts.issuers");
    assert!(with(&[("AERIE__ACCOUNTS__ISSUERS", "")]).is_ok(), "API keys alone are enough");
}

#[test]
fn signing_in_needs_a_known_issuer_and_a_client() {
    let sign_in = |issuer, client| {
        with(&[("AERIE__ACCOUNTS__SIGN_IN__ISSUER", issuer), ("AERIE__ACCOUNTS__SIGN_IN__CLIENT_ID", client)])
    };
    let config = sign_in("https://id.example", "aerie-web").unwrap();
    assert_eq!(config.accounts.sign_in_issuer().unwrap().audience, "aerie");
    assert_eq!(problems(sign_in("https://other.example", "aerie-web"))[0].key, "accounts.sign_in.issuer");
    assert_eq!(problems(sign_in("https://id.example", ""))[0].key, "accounts.sign_in.client_id");
}
