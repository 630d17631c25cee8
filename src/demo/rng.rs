//! Pseudo-random numbers that are the same in every run: FNV-1a of a name is the seed, splitmix64 the generator.

#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// Seeds from a name. It has parts, so that `("a", "bc")` and `("ab", "c")` are different names.
    pub(super) fn seeded(name: &[&str]) -> Rng {
        let bytes = name.iter().flat_map(|part| part.bytes().chain([0xff]));
        Rng(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        // The modulo bias is negligible for such short ranges.
        low + self.next_u64() % (high.saturating_sub(low) + 1)
    }

    /// True with a probability of `times` in a thousand.
    pub(super) fn per_mille(&mut self, times: u64) -> bool {
        self.next_u64() % 1000 < times
    }

    /// A random item, `None` if there are none.
    pub(super) fn choose<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        items.get(self.between(0, items.len().saturating_sub(1) as u64) as usize).copied()
    }

    /// Fisher-Yates shuffle.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u64) as usize);
        }
    }

    /// An id with the characters of YouTube's ids, base64url.
    pub(super) fn id(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(ALPHABET[self.next_u64() as usize % ALPHABET.len()])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_seed() {
        let id = |name: &[&str]| Rng::seeded(name).id(11);
        assert_eq!(id(&["a", "bc"]), id(&["a", "bc"]));
        assert_ne!(id(&["a", "bc"]), id(&["ab", "c"]));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut rng = Rng::seeded(&["bounds"]);
        assert!((0..1000).all(|_| (3..=7).contains(&rng.between(3, 7))));
        assert_eq!(rng.choose::<u8>(&[]), None);
        let mut items: Vec<u32> = (0..50).collect();
        rng.shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..50));
    }
}
