//! Agreement of two rankings within groups.

/// Agreement over several groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankAgreement {
    /// Mean over groups of Spearman's rank correlation, ties sharing their mean rank; a group in which we score
    /// everything alike counts 0, one in which the gold scores are all alike is left out.
    pub mean_spearman: f64,
    /// Share of pairs with different gold scores that we order alike; ties count half.
    pub pair_accuracy: f64,
}

/// Measures groups of `(ours, gold)`; `None` when no group has two different gold scores.
pub fn rank_agreement(groups: &[Vec<(f64, f64)>]) -> Option<RankAgreement> {
    let (mut correlations, mut right, mut pairs) = (Vec::new(), 0.0, 0.0);
    for group in groups {
        let gold: Vec<f64> = group.iter().map(|(_, gold)| *gold).collect();
        let ours: Vec<f64> = group.iter().map(|(ours, _)| *ours).collect();
        if gold.iter().all(|value| Some(value) == gold.first()) {
            continue;
        }
        correlations.push(correlation(&ranks(&ours), &ranks(&gold)));
        for (index, left) in group.iter().enumerate() {
            for other in group.iter().skip(index + 1).filter(|other| other.1 != left.1) {
                pairs += 1.0;
                let agreement = (left.0 - other.0) * (left.1 - other.1);
                right += if agreement > 0.0 {
                    1.0
                } else if agreement < 0.0 {
                    0.0
                } else {
                    0.5
                };
            }
        }
    }
    let count = correlations.len() as f64;
    (count > 0.0).then(|| RankAgreement {
        mean_spearman: correlations.iter().sum::<f64>() / count,
        pair_accuracy: right / pairs,
    })
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        below + (equal + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (left_mean, right_mean) = (mean(left), mean(right));
    let sum = |first: &[f64], first_mean: f64, second: &[f64], second_mean: f64| {
        first.iter().zip(second).map(|(first, second)| (first - first_mean) * (second - second_mean)).sum::<f64>()
    };
    let spread = (sum(left, left_mean, left, left_mean) * sum(right, right_mean, right, right_mean)).sqrt();
    if spread > 0.0 { sum(left, left_mean, right, right_mean) / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn agreement_is_counted_by_hand() {
        let groups =
            vec![vec![(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)], vec![(5.0, 1.0), (5.0, 2.0)], vec![(1.0, 4.0), (9.0, 4.0)]];
        let agreement = rank_agreement(&groups).unwrap();
        assert!((agreement.mean_spearman - 0.5).abs() < 1e-9);
        assert!((agreement.pair_accuracy - 3.5 / 4.0).abs() < 1e-9);
        assert_eq!(rank_agreement(&[]), None);
    }

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, 7.0]), vec![2.5, 1.0, 2.5, 4.0]);
    }
}
