//! Addresses behind the words of a page: "LinkedIn" that leads to a profile.

use hayro_font::hayro_syntax::{
    Pdf,
    object::{Array, Dict, String as PdfString, dict::keys},
};

use crate::extract::{ExtractError, Limits, TextBuilder, builder::Look};

/// Most links that are looked at.
const MOST_LINKS: usize = 200;

/// Writes the addresses that the text does not show, each on a line at its end.
pub(super) fn write(pdf: &Pdf, limits: &Limits, builder: &mut TextBuilder) -> Result<(), ExtractError> {
    let mut addresses: Vec<String> = Vec::new();
    for page in pdf.pages().iter().take(limits.pages) {
        let Some(annotations) = page.raw().get::<Array<'_>>(keys::ANNOTS) else { continue };
        for annotation in annotations.iter::<Dict<'_>>().take(MOST_LINKS) {
            let action = annotation.get::<Dict<'_>>(keys::A);
            let Some(address) = action.and_then(|action| action.get::<PdfString<'_>>("URI")) else { continue };
            let Ok(address) = std::str::from_utf8(address.as_bytes()) else { continue };
            let known = addresses.iter().any(|known| known == address);
            if is_outside(address) && !known && addresses.len() < MOST_LINKS {
                addresses.push(address.to_owned());
            }
        }
    }
    addresses.retain(|address| !builder.shows(address));
    if !addresses.is_empty() {
        builder.block();
    }
    for address in addresses {
        builder.line(&address, Look::default())?;
    }
    Ok(())
}

fn is_outside(address: &str) -> bool {
    let is_web = address.starts_with("http://") || address.starts_with("https://") || address.starts_with("mailto:");
    is_web && address.len() < 300 && !address.contains(char::is_whitespace)
}
