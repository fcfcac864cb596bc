//! Comparing vectors with a whole list of others at once.

use candle_core::{Device, Tensor};

use crate::{EmbeddingError, embedder::inference};

/// Vectors of length one, ready to be compared with others by one matrix product.
#[derive(Debug)]
pub struct VectorTable {
    /// One column a vector.
    columns: Tensor,
}

impl VectorTable {
    /// A table of these vectors.
    ///
    /// # Errors
    /// Vectors of different lengths, or none.
    pub fn new(vectors: &[Vec<f32>]) -> Result<Self, EmbeddingError> {
        Ok(Self { columns: matrix(vectors)?.t().map_err(inference)? })
    }

    /// For each query its cosine with every vector of the table, in the table's order.
    ///
    /// # Errors
    /// Queries of another length than the table's vectors.
    pub fn cosines(&self, queries: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        matrix(queries)?.matmul(&self.columns).and_then(|product| product.to_vec2()).map_err(inference)
    }
}

fn matrix(rows: &[Vec<f32>]) -> Result<Tensor, EmbeddingError> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 || rows.iter().any(|row| row.len() != width) {
        return Err(inference("a table needs vectors of one length"));
    }
    Tensor::from_vec(rows.concat(), (rows.len(), width), &Device::Cpu).map_err(inference)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_query_meets_every_vector() {
        let table = VectorTable::new(&[vec![1.0, 0.0], vec![0.0, 1.0], vec![0.6, 0.8]]).unwrap();
        assert_eq!(table.cosines(&[vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap(), [[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]]);
        assert!(table.cosines(&[]).unwrap().is_empty());
        assert!(table.cosines(&[vec![1.0]]).is_err());
        assert!(VectorTable::new(&[vec![1.0], vec![1.0, 2.0]]).is_err());
    }
}
