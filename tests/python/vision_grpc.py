"""A generated gRPC client against the vision service, alone and behind the gateway: vision_grpc.py PROGRAM MODULES"""

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zlib
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

PROGRAM = sys.argv[1]
sys.path.insert(0, sys.argv[2])

from aerie.llm.v1 import chat_pb2 as chat  # noqa: E402
from aerie.llm.v1 import llm_service_pb2 as llm  # noqa: E402
from aerie.llm.v1 import llm_service_pb2_grpc as llm_grpc  # noqa: E402
from aerie.vision.v1 import vision_service_pb2 as pb  # noqa: E402
from aerie.vision.v1 import vision_service_pb2_grpc as vision_grpc  # noqa: E402


def png(seed):
    width, height = 60, 40
    rows = b"".join(b"\0" + bytes((x * 3 + y * 5 + c * seed) % 256 for x in range(width) for c in range(3)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


GREEDY = pb.Sampling(temperature=0, max_tokens=8)


class Process:
    """`aerie` in a home of its own, until it says where it listens."""

    def __init__(self, home, marker, *arguments):
        environment = {"HOME": str(home), "AERIE_HOME": str(home / "data"), "PATH": "/usr/bin:/bin"}
        command = [PROGRAM, *arguments]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        line = "\n"
        while marker not in line:
            assert line, f"{arguments} ended without listening"
            line = self.process.stdout.readline()
        self.url = line.split(marker)[1].split()[0]
        self.channel = grpc.insecure_channel(self.url.removeprefix("http://"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def until_ready(stub, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            return stub.GetModel(pb.GetModelRequest(), timeout=5)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, (error.code(), error.details())
            assert time.monotonic() < end, error.details()
            time.sleep(0.05)


def fails(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, (error.code(), error.details())
        return error.details()
    raise AssertionError(f"no {code}")


def every_call(channel):
    stub = vision_grpc.VisionServiceStub(channel)
    model = until_ready(stub)
    assert model.name.startswith("moondream2@") and model.device == "cpu", model

    image = png(7)
    caption = pb.CaptionRequest(image=image, length=pb.CAPTION_LENGTH_SHORT, sampling=GREEDY)
    first = stub.Caption(caption)
    again = stub.Caption(caption)
    assert first.caption and first.caption == again.caption
    assert again.usage.image_cached and again.usage.output_tokens > 0, again
    pieces = list(stub.StreamCaption(pb.StreamCaptionRequest(caption=caption)))
    assert "".join(piece.text for piece in pieces) == first.caption
    assert pieces[-1].WhichOneof("event") == "end" and pieces[-1].end.finish_reason == first.finish_reason

    place = pb.SpatialReference(box=pb.ImageBox(x_min=0.1, y_min=0.2, x_max=0.6, y_max=0.9))
    query = pb.QueryRequest(image=image, question="What is it?", references=[place], reasoning=True, sampling=GREEDY)
    whole = stub.Query(query)
    pieces = list(stub.StreamQuery(pb.StreamQueryRequest(query=query)))
    assert pieces[0].reasoning == whole.reasoning
    assert "".join(piece.text for piece in pieces) == whole.answer
    assert stub.Query(pb.QueryRequest(question="Why?", sampling=GREEDY)).usage.image_tokens == 0

    boxes = stub.Detect(pb.DetectRequest(image=image, object="cat", max_objects=3))
    assert all(box.x_min <= box.x_max and box.y_min <= box.y_max for box in boxes.boxes), boxes
    points = stub.Point(pb.PointRequest(image=image, object="cat", max_objects=3))
    assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 for point in points.points), points

    words = fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: stub.Caption(pb.CaptionRequest(image=b"no image")))
    assert "send JPEG, PNG, WebP or GIF" in words, words
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: stub.Caption(pb.CaptionRequest(image=png(8)), timeout=0.00001))


def alone(home, model):
    arguments = ["vision", "up", "--model", str(model), "--device", "cpu", "--listen", "127.0.0.1:0"]
    with Process(home, "listens on ", *arguments) as service:
        every_call(service.channel)
        services = ProtoReflectionDescriptorDatabase(service.channel).get_services()
        assert "aerie.vision.v1.VisionService" in services, services
        health = json.load(urllib.request.urlopen(service.url + "/health"))
        assert (health["status"], health["loaded"]) == ("ok", True), health
        body = json.dumps({"prompt": "What is it?", "image_base64": b64encode(png(7)).decode()}).encode()
        request = urllib.request.Request(service.url + "/analyze", body, {"content-type": "application/json"})
        assert isinstance(json.load(urllib.request.urlopen(request))["text"], str)
        metrics = urllib.request.urlopen(service.url + "/metrics").read().decode()
        assert "aerie_vision_batch_size" in metrics and 'hit="true"' in metrics, metrics


def children(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def behind_the_gateway(home, model):
    settings = home / "aerie.yaml"
    # JSON is YAML too.
    settings.write_text(json.dumps({
        "server": {"port": 0},
        "vision": {"model": str(model), "device": "cpu", "listen": "127.0.0.1:0"},
        "llm": {"detect": False, "backends": {"eyes": {"kind": "vision"}}, "chains": {"vision": ["eyes"]}},
    }))
    with Process(home, "Aerie listens on ", "--config", str(settings), "up") as server:
        every_call(server.channel)
        part = chat.Part(image=chat.Image(content=png(7)))
        message = chat.Message(role=chat.ROLE_USER, text="What is it?", parts=[part])
        router = llm_grpc.LlmServiceStub(server.channel)
        answer = router.Complete(llm.CompleteRequest(messages=[message], chain="vision"))
        assert answer.text and answer.trail.backend == "eyes", answer

        # Whatever happens to the model's process, everything else goes on, and the process comes back.
        stub = vision_grpc.VisionServiceStub(server.channel)
        [child] = children(server.process.pid)
        os.kill(child, signal.SIGKILL)
        fails(grpc.StatusCode.UNAVAILABLE, lambda: [stub.GetModel(pb.GetModelRequest()) for _ in range(1000)])
        assert urllib.request.urlopen(server.url + "/readyz").status == 200
        until_ready(stub)
        assert children(server.process.pid) != [child]
        assert stub.Caption(pb.CaptionRequest(image=png(9), sampling=GREEDY)).caption


class Hub(ThreadingHTTPServer):
    """A hub with the files of a model, its tokenizer in a repository of its own, and a first answer that breaks off."""

    daemon_threads = True

    def __init__(self, model):
        super().__init__(("127.0.0.1", 0), HubAnswer)
        read = lambda name: (model / name).read_bytes()
        self.repositories = {
            "me/model": {name: read(name) for name in ("config.json", "model.safetensors")},
            "me/tokenizer": {"tokenizer.json": read("tokenizer.json")},
        }
        self.breaks_off = True
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HubAnswer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0].strip("/").split("/")
        if path[:2] == ["api", "models"]:
            self.list(self.server.repositories["/".join(path[2:4])])
        else:
            data = self.server.repositories["/".join(path[:2])][path[4]]
            self.send(data, path[4])

    def list(self, files):
        def entry(name, data):
            if name.endswith(".safetensors"):
                return {"rfilename": name, "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            return {"rfilename": name, "size": len(data), "blobId": blob}

        self.send(json.dumps({"sha": "c0ffee" + "0" * 34, "siblings": [entry(*file) for file in files.items()]}).encode())

    def send(self, data, name=""):
        start = int(self.headers.get("range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("content-length", str(len(data) - start))
        self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        end = len(data)
        if name.endswith(".safetensors") and self.server.breaks_off:
            self.server.breaks_off = False
            end = len(data) // 2
        self.wfile.write(data[start:end])


def fetched(home, model):
    hub = Hub(model)
    environment = {"HOME": str(home), "AERIE_HOME": str(home / "data"), "PATH": "/usr/bin:/bin"}
    arguments = ["--repository", "me/model", "--revision", "v1", "--tokenizer", "me/tokenizer", "--json"]

    def fetch(*more):
        command = [PROGRAM, "vision", "fetch", *arguments, *more]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, cwd=home).stdout)

    found = fetch("--endpoint", f"http://127.0.0.1:{hub.server_port}")
    assert not hub.breaks_off and sorted(found["files"]) == ["config.json", "model.safetensors", "tokenizer.json"], found
    hub.shutdown()
    assert fetch("--offline")["folder"] == found["folder"]
    command = [PROGRAM, "vision", "model", "--model", found["folder"], "--json"]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, cwd=home).stdout)
    assert answer["name"].startswith("moondream2@c0ffee"), answer


def main():
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        model = home / "tiny"
        subprocess.run([PROGRAM, "vision", "random", str(model)], check=True, stdout=subprocess.DEVNULL, cwd=home)
        fetched(home, model)
        alone(home, model)
        behind_the_gateway(home, model)
    print("every call was answered, alone and behind the gateway")


main()
