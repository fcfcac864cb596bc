//! A real model where one is at hand (`AERIE_TEST_EMBEDDING_MODEL` names its folder), and folders that are none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use aerie_embedding::{Embedder, EmbeddingError, cosine};

fn model() -> Option<PathBuf> {
    let folder = std::env::var_os("AERIE_TEST_EMBEDDING_MODEL").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: AERIE_TEST_EMBEDDING_MODEL names no model folder");
    }
    folder
}

#[test]
fn near_meanings_lie_nearer_and_every_chunk_counts() {
    let Some(folder) = model() else { return };
    let embedder = Embedder::load(folder).unwrap();
    let texts = ["nurse in a hospital ward", "registered nurse, intensive care", "diesel truck mechanic", ""];
    let vectors = embedder.embed(&texts).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        assert_eq!(vector.len(), embedder.dimensions());
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
    }
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.2);

    let filler = "We sell garden furniture in three shops. ".repeat(60);
    let with_end = format!("{filler} Registered nurse, intensive care, ward, patients. ").repeat(1);
    let long = embedder.embed(&[&filler, &with_end]).unwrap();
    assert!(cosine(&long[1], &vectors[1]) > cosine(&long[0], &vectors[1]), "the end of a long text counts");
    assert!(embedder.embed_chunks(&with_end).unwrap().len() > 3);
}

#[test]
fn a_vector_does_not_depend_on_its_batch() {
    let Some(folder) = model() else { return };
    let embedder = Embedder::load(folder).unwrap();
    let alone = embedder.embed(&["warehouse clerk"]).unwrap();
    let together =
        embedder.embed(&["a much longer sentence about work in a large warehouse", "warehouse clerk"]).unwrap();
    assert!((cosine(&alone[0], &together[1]) - 1.0).abs() < 1e-4);
}

#[test]
fn a_bare_vocabulary_gives_the_same_vectors_as_the_tokenizer_file() {
    let Some(folder) = model() else { return };
    if !folder.join("vocab.txt").is_file() || !folder.join("model.safetensors").is_file() {
        println!("skipped: the model folder has no vocab.txt");
        return;
    }
    let bare = tempfile::tempdir().unwrap();
    for name in ["config.json", "vocab.txt", "model.safetensors"] {
        std::fs::copy(folder.join(name), bare.path().join(name)).unwrap();
    }
    let text = ["Zürich: C++ développeur, $90k (résumé)"];
    let from_file = Embedder::load(&folder).unwrap().embed(&text).unwrap();
    let from_vocabulary = Embedder::load(bare.path()).unwrap().embed(&text).unwrap();
    assert!((cosine(&from_file[0], &from_vocabulary[0]) - 1.0).abs() < 1e-4);
}

#[test]
fn a_missing_or_wrong_file_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let message = |folder: &std::path::Path| Embedder::load(folder).unwrap_err().to_string();
    assert!(matches!(Embedder::load(folder.path().join("absent")), Err(EmbeddingError::NoFolder { .. })));
    assert!(message(folder.path()).contains("config.json"));
    std::fs::write(folder.path().join("config.json"), "{\"hidden_size\": 3}").unwrap();
    assert!(message(folder.path()).contains("config.json is not usable"));
    let config = r#"{"vocab_size":10,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":8,
        "hidden_act":"gelu","hidden_dropout_prob":0.1,"max_position_embeddings":16,"type_vocab_size":2,
        "initializer_range":0.02,"layer_norm_eps":1e-12,"pad_token_id":0}"#;
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    assert!(message(folder.path()).contains("tokenizer.json, vocab.txt"));
    std::fs::write(folder.path().join("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwork\n").unwrap();
    assert!(message(folder.path()).contains("model.safetensors"));
    std::fs::write(folder.path().join("model.safetensors"), b"not weights").unwrap();
    assert!(message(folder.path()).contains("model.safetensors is not usable"));
}
