//! Tokens that callers show, and the key sets of issuers. The first byte chooses: a token as it is, one put together from a
//! header and claims (parted by a line end), or a set of keys, each of which then looks at a signature.
#![no_main]

use aerie_gateway::{Jws, Key};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [choice, data @ ..] = data else { return };
    match choice % 3 {
        0 => std::str::from_utf8(data).into_iter().for_each(check),
        1 => {
            let mut parts = data.splitn(2, |byte| *byte == b'\n').map(|part| URL_SAFE_NO_PAD.encode(part));
            let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            check(&format!("{header}.{claims}.c2lnbmF0dXJl"));
        }
        _ => {
            for key in Key::read_set(data).unwrap_or_default() {
                assert!(!key.verifies(b"signed", data), "nobody finds a signature by chance");
            }
        }
    }
});

/// Whatever is accepted can be read in one way only: written again, it is the same.
fn check(token: &str) {
    let Ok(jws) = Jws::parse(token) else { return };
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    assert_eq!((jws.signed, URL_SAFE_NO_PAD.encode(&jws.signature).as_str()), (signed.as_bytes(), signature));
    assert!(jws.key_id.is_none_or(|id| id.len() <= token.len()));
}
