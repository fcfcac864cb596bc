"""A model provider that does what the model's name says, and a router process in front of it."""

import json
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


class Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Provider)
        self.requests = []
        self.dropped = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, {"object": "list", "data": [{"id": "text", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(body)
        model = body["model"]
        if self.path.endswith("/embeddings"):
            vectors = [{"object": "embedding", "index": i, "embedding": [float(len(t)), 0.5]} for i, t in enumerate(body["input"])]
            self.answer(200, {"object": "list", "model": model, "data": vectors, "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        elif model.startswith("status-"):
            status = int(model.split("-")[1])
            headers = {"retry-after": "7"} if status == 429 else {}
            self.answer(status, {"error": {"message": f"as asked {status}", "type": "x", "code": "x"}}, headers)
        elif model == "hang":
            self.wait_for_drop()
        elif body.get("stream"):
            try:
                self.stream(model)
            except (BrokenPipeError, ConnectionResetError):
                # The other side may go while something is still being written.
                self.close_connection = True
                self.server.dropped.set()
        else:
            self.answer(200, self.completion(model, body))

    def completion(self, model, body):
        message = {"role": "assistant", "content": "hello there"}
        finish = "stop"
        if model == "tools":
            name = body["tools"][0]["function"]["name"]
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Oslo"}'}}],
            }
            finish = "tool_calls"
        elif model == "image":
            parts = body["messages"][-1]["content"]
            urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            message["content"] = " ".join(url[:22] for url in urls)
        elif model == "schema":
            message["content"] = 'Sure! ```json\n{"name": "Ada", "years": 36}\n```'
        elif model == "never-fits":
            message["content"] = '{"name": 5}'
        return {
            "id": "chatcmpl-up",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }

    def stream(self, model):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        chunk = lambda delta, finish=None: {
            "id": "chatcmpl-up",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        self.event(chunk({"role": "assistant", "content": ""}))
        if model == "tools":
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
            self.event(chunk({"tool_calls": [call]}))
            for piece in ['{"ci', 'ty": "Oslo"}']:
                self.event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
            self.event(chunk({}, "tool_calls"))
        else:
            for piece in ["hel", "lo ", "there"]:
                self.event(chunk({"content": piece}))
            if model == "cut":
                self.wfile.flush()
                self.connection.shutdown(2)
                self.close_connection = True
                return
            if model == "stall":
                self.wait_for_drop()
                return
            self.event(chunk({}, "stop"))
        usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
        self.event({"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage})
        self.piece(b"data: [DONE]\n\n")
        self.piece(b"")

    def event(self, value):
        self.piece(b"data: " + json.dumps(value).encode() + b"\n\n")

    def piece(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def wait_for_drop(self):
        """Answers nothing more; notes when the other side goes."""
        self.close_connection = True
        self.connection.settimeout(60)
        try:
            if self.connection.recv(1) == b"":
                self.server.dropped.set()
        except ConnectionResetError:
            self.server.dropped.set()

    def answer(self, status, value, headers=None):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


class Router:
    """`aerie llm-router` on a free port, in a home of its own."""

    def __init__(self, program, llm):
        self.home = tempfile.TemporaryDirectory()
        home = Path(self.home.name)
        settings = home / "aerie.yaml"
        # JSON is YAML too.
        settings.write_text(json.dumps({"llm": {"listen": "127.0.0.1:0", "detect": False, **llm}}))
        environment = {"HOME": str(home), "AERIE_HOME": str(home / "data"), "PATH": "/usr/bin:/bin"}
        command = [program, "--config", str(settings), "llm-router"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        marker, line = "listens on ", "\n"
        while marker not in line:
            assert line, "the router ended without listening"
            line = self.process.stdout.readline()
        self.url = line.split(marker)[1].split(" ")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def settings(upstream):
    backend = {"kind": "openai_compatible", "base_url": upstream.url, "model": "text", "images": True}
    return {
        # Whoever asks for a pause is left alone for it, so that one has a backend of its own.
        "backends": {
            "busy": {**backend, "model": "status-429"},
            "first": {**backend, "model": "status-500"},
            "second": backend,
        },
        "chains": {"default": ["second"], "research": ["first", "second"], "embedding": ["second"]},
        "retry": {"last_attempts": 1},
        "extract_reasks": 1,
    }


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
