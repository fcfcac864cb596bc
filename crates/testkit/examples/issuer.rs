//! The test issuer as a program, for tests that are not written in Rust: `issuer CLIENT_ID CLIENT_SECRET REDIRECT_ADDRESS`.
//!
//! It prints its address. Each line of its input says who sits at the browser from then on, as `subject name`; it ends with
//! its input.

use std::{env, io};

use aerie_testkit::issuer::{Client, TestIssuer};

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [id, secret, redirect] = arguments.as_slice() else {
        return Err(io::Error::other("give a client id, a client secret and a redirect address"));
    };
    let issuer = TestIssuer::start().await?;
    issuer.register(Client { id: id.clone(), secret: secret.clone(), redirect: redirect.clone() });
    println!("{}", issuer.url());
    let seats = tokio::task::spawn_blocking(move || {
        for line in io::stdin().lines() {
            let line = line?;
            let (subject, name) = line.split_once(' ').unwrap_or((&line, ""));
            issuer.seat(subject, name);
        }
        Ok(())
    });
    seats.await.map_err(io::Error::other)?
}
