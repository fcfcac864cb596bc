//! How many crops a picture is cut into.

/// Rows and columns of local crops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Crops from top to bottom.
    pub rows: usize,
    /// Crops from left to right.
    pub columns: usize,
}

impl Tiling {
    /// The tiling of an area of `height` × `width` pixels into windows of `window` pixels, `most` of them at most.
    ///
    /// An area that fits into one window in either direction is one tile. Where the fewest tiles that cover it are
    /// too many, both numbers shrink by the same ratio, but to no less than one: a very long strip has more than `most`
    /// tiles, as in the reference. Else both grow to fill `most` in the picture's proportions.
    pub fn select(height: usize, width: usize, window: usize, most: usize) -> Self {
        if height <= window || width <= window {
            return Self { rows: 1, columns: 1 };
        }
        let (least_rows, least_columns) = (height.div_ceil(window), width.div_ceil(window));
        let budget = most as f64;
        let floor = |value: f64| value.floor() as usize;
        let product = least_rows * least_columns;
        if product > most {
            let ratio = (budget / product as f64).sqrt();
            let shrink = |least: usize| floor(least as f64 * ratio).max(1);
            return Self { rows: shrink(least_rows), columns: shrink(least_columns) };
        }
        let (tall, wide) = (height as f64, width as f64);
        let mut rows = floor((budget * tall / wide).sqrt()).max(least_rows);
        let mut columns = floor((budget * wide / tall).sqrt()).max(least_columns);
        if rows * columns > most {
            if columns > rows {
                columns = most / rows;
            } else {
                rows = most / columns;
            }
        }
        Self { rows: rows.max(1), columns: columns.max(1) }
    }

    /// Number of local crops.
    pub fn tiles(self) -> usize {
        self.rows * self.columns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tiling_keeps_to_its_budget(height in 0usize..40_000, width in 0usize..40_000, window in 1usize..400, most in 1usize..16) {
            let tiling = Tiling::select(height, width, window, most);
            prop_assert!(tiling.tiles() >= 1);
            prop_assert!(tiling.tiles() <= most || tiling.rows == 1 || tiling.columns == 1, "{tiling:?}");
        }
    }

    #[test]
    fn a_side_within_the_window_is_one_tile() {
        assert_eq!(Tiling::select(266, 5000, 266, 12), Tiling { rows: 1, columns: 1 });
        assert_eq!(Tiling::select(368, 528, 266, 12), Tiling { rows: 2, columns: 4 });
    }
}
