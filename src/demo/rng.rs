//! Chance that is the same in every run: FNV-1a of a name is the seed, splitmix64 the sequence.

/// A sequence of numbers that depends on its name alone.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The sequence of this name, which is made of parts so that `("a", "bc")` is not `("ab", "c")`.
    pub(super) fn named(parts: &[&str]) -> Dice {
        let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
        Dice(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// Any number.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        // The slight favour of small numbers is of no matter for spans this short.
        low + self.roll() % (high.saturating_sub(low) + 1)
    }

    /// True so many times in a thousand.
    pub(super) fn per_mille(&mut self, times: u64) -> bool {
        self.roll() % 1000 < times
    }

    /// One of them; nothing of nothing.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.between(0, of.len().saturating_sub(1) as u64) as usize).copied()
    }

    /// Any order (Fisher-Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u64) as usize);
        }
    }

    /// So many characters of YouTube's ids: base64 in the alphabet for addresses.
    pub(super) fn id(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(ALPHABET[self.roll() as usize % ALPHABET.len()])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_sequence() {
        let rolls = |parts: &[&str]| Dice::named(parts).id(11);
        assert_eq!(rolls(&["a", "bc"]), rolls(&["a", "bc"]));
        assert_ne!(rolls(&["a", "bc"]), rolls(&["ab", "c"]));
    }

    #[test]
    fn rolls_stay_within_their_bounds() {
        let mut dice = Dice::named(&["bounds"]);
        assert!((0..1000).all(|_| (3..=7).contains(&dice.between(3, 7))));
        assert_eq!(dice.pick::<u8>(&[]), None);
        let mut items: Vec<u32> = (0..50).collect();
        dice.shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..50));
    }
}
