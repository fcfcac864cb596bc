//! The keys and values of images, by content.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::ReadImage;

/// An image by its content, and the variant that has read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ImageKey {
    /// SHA-256 of the encoded image.
    pub(crate) content: [u8; 32],
    pub(crate) variant: Arc<str>,
}

/// Images that were read, the longest unused leaving first. Those in use are never let go.
#[derive(Default)]
pub(crate) struct ImageCache {
    entries: HashMap<ImageKey, Entry>,
    clock: u64,
    bytes: u64,
}

struct Entry {
    image: Arc<dyn ReadImage>,
    used: u64,
}

impl ImageCache {
    /// Bytes of all images.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The image, which counts as used now.
    pub(crate) fn get(&mut self, key: &ImageKey) -> Option<Arc<dyn ReadImage>> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.image))
    }

    /// Keeps an image; one with the same key takes its place.
    pub(crate) fn insert(&mut self, key: ImageKey, image: Arc<dyn ReadImage>) {
        self.clock += 1;
        self.bytes += image.bytes();
        let entry = Entry { image, used: self.clock };
        if let Some(old) = self.entries.insert(key, entry) {
            self.bytes -= old.image.bytes();
        }
    }

    /// Lets an image go, whoever uses it.
    pub(crate) fn forget(&mut self, key: &ImageKey) {
        if let Some(old) = self.entries.remove(key) {
            self.bytes -= old.image.bytes();
        }
    }

    /// Lets the longest unused images go until all have at most `limit` bytes; whether that could be reached.
    pub(crate) fn shrink(&mut self, limit: u64) -> bool {
        while self.bytes > limit {
            if !self.evict() {
                return false;
            }
        }
        true
    }

    /// Lets the longest unused image go that nobody uses; whether there was one.
    pub(crate) fn evict(&mut self) -> bool {
        let idle = self.entries.iter().filter(|(_, entry)| Arc::strong_count(&entry.image) == 1);
        let Some(key) = idle.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) else { return false };
        if let Some(old) = self.entries.remove(&key) {
            self.bytes -= old.image.bytes();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Sized(u64);

    impl ReadImage for Sized {
        fn bytes(&self) -> u64 {
            self.0
        }

        fn positions(&self) -> usize {
            1
        }
    }

    fn key(content: u8) -> ImageKey {
        ImageKey { content: [content; 32], variant: "".into() }
    }

    fn cache(sizes: &[u64]) -> ImageCache {
        let mut cache = ImageCache::default();
        (0..).zip(sizes).for_each(|(content, size)| cache.insert(key(content), Arc::new(Sized(*size))));
        cache
    }

    #[test]
    fn the_longest_unused_leaves_first() {
        let mut cache = cache(&[10, 20, 30]);
        assert!(cache.get(&key(0)).is_some());
        assert!(cache.shrink(45));
        assert_eq!(cache.bytes(), 40);
        assert!(cache.get(&key(1)).is_none() && cache.get(&key(0)).is_some() && cache.get(&key(2)).is_some());
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut cache = cache(&[10, 20]);
        let used = cache.get(&key(0)).unwrap();
        assert!(!cache.shrink(0));
        assert_eq!((cache.bytes(), cache.evict()), (10, false));
        drop(used);
        assert!(cache.shrink(0) && cache.bytes() == 0);
    }

    #[test]
    fn variants_are_images_of_their_own_and_the_same_image_counts_once() {
        let mut cache = cache(&[10]);
        cache.insert(key(0), Arc::new(Sized(15)));
        assert_eq!(cache.bytes(), 15);
        let other = ImageKey { variant: "chart".into(), ..key(0) };
        assert!(cache.get(&other).is_none());
    }
}
