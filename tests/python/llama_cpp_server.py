"""A real llama.cpp server behind the router: llama_cpp_server.py PROGRAM MODULES

The model has random weights and is made here, so what it says means nothing; that it streams, keeps to a grammar, makes
vectors and stops when nobody listens does.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import gguf
import grpc
import numpy as np

sys.path.insert(0, sys.argv[2])

from aerie.llm.v1 import llm_service_pb2 as llm  # noqa: E402
from aerie.llm.v1 import llm_service_pb2_grpc as llm_grpc  # noqa: E402
from aerie.llm.v1 import routing_pb2 as routing  # noqa: E402
from llm_world import Router, eventually  # noqa: E402

WIDTH, HEADS, LAYERS, INNER, CONTEXT = 64, 4, 2, 128, 512
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "boolean"}, "colour": {"enum": ["red", "green"]}},
    "required": ["answer", "colour"],
    "additionalProperties": False,
}


# The server has no option for it, and without it there is a vector for every token.
WITH_POOLING = """
import runpy, llama_cpp
made = llama_cpp.Llama.__init__
def init(self, *arguments, **settings):
    made(self, *arguments, **{**settings, "pooling_type": llama_cpp.LLAMA_POOLING_TYPE_MEAN})
llama_cpp.Llama.__init__ = init
runpy.run_module("llama_cpp.server", run_name="__main__")
"""


def vocabulary():
    """The special tokens, every byte, and every printable ASCII character as a piece of its own."""
    tokens = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", gguf.TokenType.BYTE) for byte in range(256)]
    tokens += [("\u2581", gguf.TokenType.NORMAL)]
    tokens += [(chr(code), gguf.TokenType.NORMAL) for code in range(33, 127)]
    return tokens


def write_model(path):
    random = np.random.default_rng(7)
    weights = lambda *shape: (random.standard_normal(shape) * 0.4).astype(np.float32)
    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.encode() for token, _ in tokens])
    writer.add_token_scores([-float(index) for index in range(len(tokens))])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    for layer in range(LAYERS):
        name = lambda part: f"blk.{layer}.{part}.weight"
        writer.add_tensor(name("attn_norm"), np.ones(WIDTH, dtype=np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(name(part), weights(WIDTH, WIDTH))
        writer.add_tensor(name("ffn_norm"), np.ones(WIDTH, dtype=np.float32))
        writer.add_tensor(name("ffn_gate"), weights(INNER, WIDTH))
        writer.add_tensor(name("ffn_up"), weights(INNER, WIDTH))
        writer.add_tensor(name("ffn_down"), weights(WIDTH, INNER))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("output.weight", weights(len(tokens), WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Server:
    """`llama_cpp.server` on a free port."""

    def __init__(self, model, log, program, *arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, *program, "--model", str(model), "--port", str(self.port)]
        command += ["--host", "127.0.0.1", "--n_ctx", str(CONTEXT), "--n_threads", "1", "--model_alias", "random", *arguments]
        self.log = open(log, "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        end = time.monotonic() + 120
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, Path(log).read_text()[-4000:]
            time.sleep(0.1)

    def answers(self):
        try:
            return json.load(urllib.request.urlopen(f"{self.url}/models", timeout=2))["data"]
        except OSError:
            return False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self):
        self.process.kill()
        self.process.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "random.gguf"
        write_model(model)
        chat = Server(model, Path(folder) / "chat.log", ["-m", "llama_cpp.server"], "--chat_format", "chatml")
        vectors = Server(model, Path(folder) / "vectors.log", ["-c", WITH_POOLING], "--embedding", "true")
        try:
            run(chat, vectors)
        finally:
            chat.stop()
            vectors.stop()


def run(chat, vectors):
    backends = {
        "llama": {"kind": "llama_cpp", "base_url": chat.url, "model": "__auto__"},
        "vectors": {"kind": "llama_cpp", "base_url": vectors.url, "model": "random"},
    }
    chains = {"default": ["llama"], "extraction": ["llama"], "embedding": ["vectors"]}
    with Router(sys.argv[1], {"backends": backends, "chains": chains, "retry": {"last_attempts": 1}}) as router:
        stub = llm_grpc.LlmServiceStub(grpc.insecure_channel(router.url.removeprefix("http://")))
        drawn = {"max_tokens": 24, "temperature": 1.0, "seed": 3}

        answer = stub.Complete(llm.CompleteRequest(prompt="hello", sampling=drawn), timeout=120)
        assert answer.text and answer.usage.output_tokens > 0, answer
        assert answer.trail.backend == "llama", answer.trail

        question = llm.CompleteRequest(prompt="hello", sampling=drawn)
        events = list(stub.StreamComplete(llm.StreamCompleteRequest(question=question), timeout=120))
        assert sum(1 for event in events if event.text) > 3, events
        assert events[-1].WhichOneof("event") == "end"

        # A model that knows nothing writes a document that fits, because the grammar leaves it nothing else.
        extracted = stub.Extract(llm.ExtractRequest(prompt="which?", schema=json.dumps(SCHEMA), sampling={"max_tokens": 200}), timeout=120)
        document = json.loads(extracted.document)
        assert set(document) == {"answer", "colour"} and document["colour"] in ("red", "green"), document

        embedded = stub.Embed(llm.EmbedRequest(inputs=["kiln", "glaze"]), timeout=120)
        assert [len(vector.values) for vector in embedded.embeddings] == [WIDTH, WIDTH]

        # Whoever goes away frees the server: the next question is answered long before the first would have been.
        endless = llm.CompleteRequest(prompt="hello", sampling={"max_tokens": 400, "temperature": 1.0})
        call = stub.StreamComplete(llm.StreamCompleteRequest(question=endless), timeout=120)
        first = threading.Event()

        def read():
            try:
                for event in call:
                    if event.text:
                        first.set()
            except grpc.RpcError:
                pass

        threading.Thread(target=read, daemon=True).start()
        eventually(first.is_set, 60)
        call.cancel()
        again = stub.Complete(llm.CompleteRequest(prompt="hello", sampling={"max_tokens": 2}), timeout=60)
        assert again.trail.backend == "llama"
        checked = stub.CheckBackend(llm.CheckBackendRequest(name="llama"))
        assert list(checked.models) == ["random"], checked
        print("llama.cpp server: ok")


main()
