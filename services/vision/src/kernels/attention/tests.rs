use super::*;

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Attention of one query over `(positions, head)`, in f64.
fn plain(query: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f64> {
    let wide = |a: &f32, b: &f32| f64::from(*a) * f64::from(*b);
    let scale = 1.0 / (query.len() as f64).sqrt();
    let scores: Vec<f64> =
        keys.iter().map(|key| query.iter().zip(key).map(|(a, b)| wide(a, b)).sum::<f64>() * scale).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let of = |dimension: usize| {
        values.iter().zip(&weights).map(|(value, weight)| f64::from(value[dimension]) * weight).sum::<f64>() / total
    };
    (0..query.len()).map(of).collect()
}

/// How far numbers of -2..2 may be off, where products round to bf16 and where they do not.
fn tolerance(is_narrow: bool) -> f64 {
    if is_narrow { 0.05 } else { 1e-5 }
}

#[test]
fn crops_attend_to_themselves_alone() {
    for (level, is_narrow) in Level::available().into_iter().flat_map(|level| [(level, false), (level, true)]) {
        for (crops, patches, heads, head) in [(1, 1, 1, 1), (2, 16, 2, 12), (1, 65, 3, 72), (2, 130, 1, 5)] {
            let width = heads * head;
            let qkv = random(crops * patches * 3 * width, 5);
            let mut out = vec![0.0; crops * patches * width];
            attend_crops(level, &qkv, (crops, patches), (heads, head), is_narrow, &mut out);
            let of = |row: usize, kind: usize, index: usize| {
                let start = row * 3 * width + kind * width + index * head;
                qkv[start..start + head].to_vec()
            };
            for row in 0..crops * patches {
                let crop = row / patches * patches;
                for index in 0..heads {
                    let all = |kind| (crop..crop + patches).map(|row| of(row, kind, index)).collect::<Vec<_>>();
                    let wanted = plain(&of(row, 0, index), &all(1), &all(2));
                    for (value, wanted) in out[row * width + index * head..].iter().zip(wanted) {
                        let error = (f64::from(*value) - wanted).abs();
                        assert!(error < tolerance(is_narrow), "{level:?} {patches} {head} {row}: {error}");
                    }
                }
            }
        }
    }
}

/// A sequence of two segments: what its rows see, computed with the kernel and plainly.
fn check(level: Level, (rows, heads, kv_heads, head): (usize, usize, usize, usize), before: usize, wide: bool) {
    let (capacity, first) = (before + rows + 3, before / 2);
    let counts = [first, before + rows - first];
    let numbers = kv_heads * capacity * head;
    let narrow = |values: Vec<f32>| values.into_iter().map(bf16::from_f32).collect::<Vec<_>>();
    let stored: Vec<Vec<bf16>> = (0..4).map(|seed| narrow(random(numbers, seed + 9))).collect();
    let floats: Vec<Vec<f32>> =
        stored.iter().map(|values| values.iter().map(|value| value.to_f32()).collect()).collect();
    let segment = |index: usize| {
        let part = |at: usize| if wide { KeyValue::F32(&floats[at]) } else { KeyValue::Bf16(&stored[at]) };
        Segment { keys: part(2 * index), values: part(2 * index + 1), capacity, count: counts[index] }
    };
    let stride = heads * head + 7;
    let queries = random(rows * stride, 3);
    for bidirectional in [false, true] {
        let segments = vec![segment(0), segment(1)];
        let sequence = Attention { queries: &queries, stride, rows, heads, kv_heads, head, segments, bidirectional };
        let mut out = vec![0.0; rows * heads * head];
        attend(level, &[sequence], &mut out);
        for row in 0..rows {
            let visible = if bidirectional { before + rows } else { before + row + 1 };
            for index in 0..heads {
                let kv = index / (heads / kv_heads);
                let all = |offset: usize| {
                    let position = |position: usize| {
                        let (part, at) = if position < first { (0, position) } else { (1, position - first) };
                        let start = (kv * capacity + at) * head;
                        floats[2 * part + offset][start..start + head].to_vec()
                    };
                    (0..visible).map(position).collect::<Vec<_>>()
                };
                let query = &queries[row * stride + index * head..][..head];
                let wanted = plain(query, &all(0), &all(1));
                for (value, wanted) in out[(row * heads + index) * head..].iter().zip(wanted) {
                    let what = format!("{level:?} {rows} rows, {before} before, head {head}, row {row}, {index}");
                    assert!((f64::from(*value) - wanted).abs() < tolerance(!wide), "{what}: {value} {wanted}");
                }
            }
        }
    }
}

#[test]
fn few_and_many_rows_see_what_they_may() {
    for level in Level::available() {
        for shape in [(1, 4, 2, 16), (3, 2, 2, 64), (17, 4, 1, 20), (40, 2, 2, 16), (70, 4, 2, 64), (33, 1, 1, 7)] {
            for before in [0, 1, 50] {
                check(level, shape, before, true);
            }
            check(level, shape, 13, false);
        }
    }
}

#[test]
fn sequences_do_not_depend_on_each_other() {
    let (heads, head, stride) = (2, 16, 40);
    let level = Level::detect();
    let store: Vec<Vec<f32>> = (0..6).map(|seed| random(heads * 100 * head, seed)).collect();
    let queries = random(60 * stride, 8);
    let sequence = |index: usize| {
        let rows = [1, 50, 3][index];
        let (keys, values) = (KeyValue::F32(&store[2 * index]), KeyValue::F32(&store[2 * index + 1]));
        let segments = vec![Segment { keys, values, capacity: 100, count: 60 }];
        let queries = &queries[index * stride..];
        Attention { queries, stride, rows, heads, kv_heads: heads, head, segments, bidirectional: false }
    };
    let width = heads * head;
    let mut together = vec![0.0; 54 * width];
    attend(level, &[sequence(0), sequence(1), sequence(2)], &mut together);
    let mut alone = Vec::new();
    for index in 0..3 {
        let mut out = vec![0.0; [1, 50, 3][index] * width];
        attend(level, &[sequence(index)], &mut out);
        alone.extend(out);
    }
    assert_eq!(together, alone);
}
