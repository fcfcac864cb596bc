"""A generated gRPC client against the router: llm_grpc.py PROGRAM MODULES"""

import sys
import threading

import grpc

sys.path.insert(0, sys.argv[2])

from aerie.llm.v1 import chat_pb2 as chat  # noqa: E402
from aerie.llm.v1 import llm_service_pb2 as llm  # noqa: E402
from aerie.llm.v1 import llm_service_pb2_grpc as llm_grpc  # noqa: E402
from aerie.llm.v1 import routing_pb2 as routing  # noqa: E402
import error_details_pb2 as details  # noqa: E402
from llm_world import PNG, Router, Upstream, eventually, settings  # noqa: E402


def unpacked(error, kind):
    """A detail of a failed call; none when it has none of this kind."""
    for name, value in error.trailing_metadata():
        if name == "grpc-status-details-bin":
            status = details.Status.FromString(value)
            for detail in status.details:
                if detail.type_url.endswith("." + kind.DESCRIPTOR.name):
                    return kind.FromString(detail.value)
    return None


def fails(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, (error.code(), error.details())
        return error
    raise AssertionError(f"no {code}")


def ask(model="text", **more):
    return llm.CompleteRequest(prompt="hello", routing=routing.Routing(backends=["second"], model=model), **more)


def main():
    upstream = Upstream()
    with Router(sys.argv[1], settings(upstream)) as router:
        channel = grpc.insecure_channel(router.url.removeprefix("http://"))
        stub = llm_grpc.LlmServiceStub(channel)

        answer = stub.Complete(llm.CompleteRequest(prompt="hello", chain="research"))
        assert (answer.text, answer.trail.backend) == ("hello there", "second"), answer
        assert [attempt.fault for attempt in answer.trail.attempts] == ["unavailable", ""], answer.trail

        events = list(stub.StreamComplete(llm.StreamCompleteRequest(question=ask())))
        assert "".join(event.text for event in events) == "hello there"
        assert events[-1].WhichOneof("event") == "end" and events[-1].end.backend == "second"

        image = chat.Part(image=chat.Image(content=PNG))
        message = chat.Message(role=chat.ROLE_USER, text="look", parts=[image, image])
        where = routing.Routing(backends=["second"], model="image")
        answer = stub.Complete(llm.CompleteRequest(messages=[message], routing=where))
        assert answer.text == "data:image/png;base64, data:image/png;base64,", answer.text

        tool = chat.Tool(name="weather", parameters='{"type": "object"}')
        answer = stub.Complete(ask("tools", tools=[tool]))
        assert answer.tool_calls[0].arguments == '{"city": "Oslo"}'
        assert answer.finish_reason == routing.FINISH_REASON_TOOL_CALLS

        schema = '{"type": "object", "required": ["name", "years"], "properties": {"name": {"type": "string"}, "years": {"type": "integer"}}}'
        extract = lambda model: stub.Extract(
            llm.ExtractRequest(prompt="who?", schema=schema, routing=routing.Routing(backends=["second"], model=model))
        )
        assert '"Ada"' in extract("schema").document
        error = fails(grpc.StatusCode.UNAVAILABLE, lambda: extract("never-fits"))
        assert unpacked(error, details.ErrorInfo).reason == "INVALID_DOCUMENT"

        vectors = stub.Embed(llm.EmbedRequest(inputs=["a", "bcd"]))
        assert [list(vector.values) for vector in vectors.embeddings] == [[1.0, 0.5], [3.0, 0.5]]

        listed = stub.ListBackends(llm.ListBackendsRequest())
        assert [backend.name for backend in listed.backends] == ["busy", "first", "second"]
        assert all(backend.local for backend in listed.backends)
        assert stub.CheckBackend(llm.CheckBackendRequest(name="second")).models == ["text"]

        busy = llm.CompleteRequest(prompt="hello", routing=routing.Routing(backends=["busy"]))
        error = fails(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: stub.Complete(busy))
        assert unpacked(error, details.RetryInfo).retry_delay.seconds == 7
        failure = unpacked(error, routing.CallFailure)
        assert failure.trail.attempts[0].fault == "overloaded", failure
        fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: stub.Complete(ask("status-400")))

        def cut():
            for event in stub.StreamComplete(llm.StreamCompleteRequest(question=ask("cut"))):
                assert event.WhichOneof("event") != "end"

        error = fails(grpc.StatusCode.UNAVAILABLE, cut)
        assert unpacked(error, details.ErrorInfo).reason == "INCOMPLETE"

        fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: stub.Complete(ask("hang"), timeout=0.3))
        eventually(upstream.dropped.is_set)

        for model, stream in (("hang", False), ("stall", True)):
            upstream.dropped.clear()
            asked = len(upstream.requests)
            if stream:
                call = stub.StreamComplete(llm.StreamCompleteRequest(question=ask(model)))
                threading.Thread(target=lambda: [None for _ in quiet(call)], daemon=True).start()
            else:
                call = stub.Complete.future(ask(model))
            eventually(lambda: len(upstream.requests) > asked)
            call.cancel()
            assert upstream.dropped.wait(10), f"{model}: the provider goes on"
        print("generated gRPC client: ok")


def quiet(call):
    try:
        yield from call
    except grpc.RpcError:
        return


main()
