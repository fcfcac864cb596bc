"""A text model of the bench's shape in llama.cpp: llama.py THREADS FOLDER KIND

Seconds for 730 positions, then tokens a second.
"""

import sys
import time
from pathlib import Path

import gguf
import numpy as np
from llama_cpp import Llama

THREADS, FOLDER, KIND = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
WIDTH, HEADS, LAYERS, INNER, CONTEXT, WORDS = 2048, 32, 24, 8192, 2048, 51200
POSITIONS, STEPS = 730, 8
# The type, the numbers and bytes of a block, and how many f16 scales stand at its start.
KINDS = {
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, 32, 34, 1),
    "q4_0": (gguf.GGMLQuantizationType.Q4_0, 32, 18, 1),
    "q4_k": (gguf.GGMLQuantizationType.Q4_K, 256, 144, 2),
}


def write(path):
    kind, numbers, size, scales = KINDS[KIND]
    random = np.random.default_rng(7)

    def matrix(outputs, inputs):
        blocks = random.integers(0, 256, (outputs * inputs // numbers, size), dtype=np.uint8)
        blocks[:, : 2 * scales] = np.frombuffer(np.full(scales, 1e-3, np.float16).tobytes(), np.uint8)
        return blocks.reshape(outputs, -1)

    writer = gguf.GGUFWriter(path, "phi2")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(32)
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(WORDS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<{word}>".encode() for word in range(WORDS)])
    writer.add_token_scores([-float(word) for word in range(WORDS)])
    writer.add_token_types([gguf.TokenType.NORMAL] * WORDS)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def plain(name, size, value):
        writer.add_tensor(name, np.full(size, value, dtype=np.float32))

    def layer(name, outputs, inputs):
        writer.add_tensor(f"{name}.weight", matrix(outputs, inputs), raw_dtype=kind)
        plain(f"{name}.bias", outputs, 0)

    def norm(name):
        plain(f"{name}.weight", WIDTH, 1)
        plain(f"{name}.bias", WIDTH, 0)

    writer.add_tensor("token_embd.weight", matrix(WORDS, WIDTH), raw_dtype=kind)
    for index in range(LAYERS):
        norm(f"blk.{index}.attn_norm")
        layer(f"blk.{index}.attn_qkv", 3 * WIDTH, WIDTH)
        layer(f"blk.{index}.attn_output", WIDTH, WIDTH)
        layer(f"blk.{index}.ffn_up", INNER, WIDTH)
        layer(f"blk.{index}.ffn_down", WIDTH, INNER)
    norm("output_norm")
    layer("output", WORDS, WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def best(times, work):
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


FOLDER.mkdir(parents=True, exist_ok=True)
file = FOLDER / f"llama-{KIND}.gguf"
write(file)
try:
    model = Llama(str(file), n_ctx=1024, n_batch=1024, n_ubatch=1024, n_threads=THREADS, n_threads_batch=THREADS, verbose=False)
    prompt = list(range(3, 3 + POSITIONS))

    def read():
        model.reset()
        model.eval(prompt)

    read_seconds = best(3, read)
    model.eval([5])
    step_seconds = best(5, lambda: [model.eval([5]) for _ in range(STEPS)])
    print(read_seconds, STEPS / step_seconds)
finally:
    file.unlink()
