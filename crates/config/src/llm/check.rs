//! What can be wrong with the language models' settings.

use std::time::Duration;

use super::{BackendKind, Llm, LlmBackend, LlmChain, LlmTimeouts};
use crate::check::Checks;

/// Names of backends that are found without being configured: model servers on this machine and keys in the
/// environment. Chains may name them before anything was found.
pub const FOUND_NAMES: [&str; 8] =
    ["ollama", "vllm", "llama_cpp", "lm_studio", "aerie_vision", "anthropic", "openai", "gemini"];

/// Longest name of a backend or chain.
const LONGEST_NAME: usize = 64;
const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;
/// Far above every account's limit.
const MOST_A_MINUTE: u64 = 1_000_000_000;

impl Llm {
    pub(crate) fn check(&self, checks: &mut Checks) {
        for (name, backend) in &self.backends {
            let key = format!("llm.backends.{name}");
            check_name(&key, name, checks);
            backend.check(&key, checks);
        }
        for (name, chain) in &self.chains {
            let key = format!("llm.chains.{name}");
            check_name(&key, name, checks);
            self.check_chain(&key, chain, checks);
        }
        self.timeouts.check("llm.timeouts", checks);
        self.check_policies(checks);
        for (model, price) in &self.prices {
            for (field, dollars) in
                [("input", price.input), ("output", price.output), ("cached_input", price.cached_input.unwrap_or(0.0))]
            {
                checks.range(&format!("llm.prices.{model}.{field}"), dollars, 0.0, 1_000_000.0);
            }
        }
        checks.range("llm.extract_reasks", self.extract_reasks, 0, 10);
    }

    fn check_policies(&self, checks: &mut Checks) {
        let retry = &self.retry;
        checks.range("llm.retry.attempts", retry.attempts, 1, 20);
        checks.range("llm.retry.last_attempts", retry.last_attempts, 1, 20);
        checks.range("llm.retry.base_delay_ms", retry.base_delay_ms, 0, MINUTE_MS);
        checks.range("llm.retry.max_delay_ms", retry.max_delay_ms, retry.base_delay_ms, 10 * MINUTE_MS);
        checks.range("llm.retry.budget_share", retry.budget_share, 0.0, 10.0);
        let breaker = &self.breaker;
        checks.range("llm.breaker.consecutive", breaker.consecutive, 1, 10_000);
        checks.range("llm.breaker.error_share", breaker.error_share, 0.0, 1.0);
        checks.range("llm.breaker.least_calls", breaker.least_calls, 1, 100_000);
        checks.range("llm.breaker.window_ms", breaker.window_ms, 100, DAY_MS);
        checks.range("llm.breaker.cooldown_ms", breaker.cooldown_ms, 1, DAY_MS);
        checks.range("llm.breaker.max_cooldown_ms", breaker.max_cooldown_ms, breaker.cooldown_ms, DAY_MS);
        checks.range("llm.breaker.hard_down_ms", breaker.hard_down_ms, 1, 30 * DAY_MS);
        if let Some(after) = self.hedge.after_ms {
            checks.range("llm.hedge.after_ms", after, 1, 10 * MINUTE_MS);
        }
        checks.range("llm.hedge.share", self.hedge.share, 0.0, 1.0);
        checks.range("llm.stream.hold_pieces", self.stream.hold_pieces, 0, 10_000);
        checks.range("llm.stream.hold_ms", self.stream.hold_ms, 0, 10 * MINUTE_MS);
        checks.range("llm.queue.depth", self.queue.depth, 0, 1_000_000);
        checks.range("llm.queue.wait_ms", self.queue.wait_ms, 0, DAY_MS);
        checks.range("llm.cache.bytes", self.cache.bytes, 0, 1 << 40);
        checks.range("llm.cache.ttl_seconds", self.cache.ttl_seconds, 1, 365 * 86_400);
    }

    fn check_chain(&self, key: &str, chain: &LlmChain, checks: &mut Checks) {
        let names: Vec<&String> = chain.names().collect();
        checks.require(!names.is_empty(), key, || "is empty".into(), "name at least one backend, or leave it out");
        for (index, name) in names.iter().enumerate() {
            let repeated = names.iter().take(index).any(|earlier| earlier == name);
            checks.require(!repeated, key, || format!("names \"{name}\" twice"), "leave one of them out");
            let remedy = format!("write one of: {}", self.known_names().join(", "));
            checks.require(
                self.knows(name),
                key,
                || format!("names the backend \"{name}\", which does not exist"),
                &remedy,
            );
        }
        if let LlmChain::Weighted { weights } = chain {
            let some = weights.is_empty() || weights.values().any(|weight| *weight > 0);
            checks.require(some, key, || "has no weight above 0".into(), "give at least one backend a weight");
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.backends.contains_key(name) || (self.detect && FOUND_NAMES.contains(&name))
    }

    fn known_names(&self) -> Vec<&str> {
        let found = FOUND_NAMES.into_iter().filter(|name| self.detect && !self.backends.contains_key(*name));
        self.backends.keys().map(String::as_str).chain(found).collect()
    }
}

impl LlmBackend {
    fn check(&self, key: &str, checks: &mut Checks) {
        let field = |name: &str| format!("{key}.{name}");
        match &self.base_url {
            Some(address) => checks.http_address(&field("base_url"), address),
            None => checks.require(
                self.kind.usual_address().is_some() || self.kind == BackendKind::Vision,
                &field("base_url"),
                || "is missing".into(),
                "write the server's address, as in http://127.0.0.1:8080/v1",
            ),
        }
        let keys = [self.key.is_set(), self.key_env.is_some(), self.key_file.is_some()];
        checks.require(
            keys.iter().filter(|given| **given).count() <= 1,
            key,
            || "gives its key in several ways".into(),
            "keep one of key, key_env and key_file",
        );
        checks.require(
            self.key_env.as_ref().is_none_or(|name| !name.is_empty() && !name.contains(['=', '\0', ' '])),
            &field("key_env"),
            || "is not the name of an environment variable".into(),
            "write a name such as ANTHROPIC_API_KEY, not the key itself",
        );
        checks.require(
            !self.model.trim().is_empty(),
            &field("model"),
            || "is empty".into(),
            "name a model, or __auto__",
        );
        for (name, value, most) in [
            ("context_tokens", self.context_tokens.map(u64::from), 1 << 31),
            ("embedding_dimensions", self.embedding_dimensions.map(u64::from), 1 << 20),
            ("concurrency", self.concurrency.map(u64::from), 1 << 20),
            ("requests_per_minute", self.requests_per_minute.map(u64::from), MOST_A_MINUTE),
            ("tokens_per_minute", self.tokens_per_minute, MOST_A_MINUTE * 1000),
            ("health_check_seconds", self.health_check_seconds, 86_400),
        ] {
            if let Some(value) = value {
                checks.range(&field(name), value, 1, most);
            }
        }
        if let Some(dollars) = self.dollars_per_day {
            checks.range(&field("dollars_per_day"), dollars, 0.0, 1_000_000_000.0);
        }
        if let Some(timeouts) = &self.timeouts {
            timeouts.check(&field("timeouts"), checks);
        }
    }
}

impl LlmTimeouts {
    fn check(&self, key: &str, checks: &mut Checks) {
        for (name, value) in [
            ("connect_ms", self.connect_ms),
            ("headers_ms", self.headers_ms),
            ("first_token_ms", self.first_token_ms),
            ("between_tokens_ms", self.between_tokens_ms),
            ("total_ms", self.total_ms),
        ] {
            checks.range(&format!("{key}.{name}"), value, 1, DAY_MS);
        }
    }

    /// Longest time of a whole call.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}

fn check_name(key: &str, name: &str, checks: &mut Checks) {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    checks.require(
        !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain),
        key,
        || "has a name that cannot be used".into(),
        "write 1 to 64 letters, digits, hyphens, dots and underscores",
    );
}
