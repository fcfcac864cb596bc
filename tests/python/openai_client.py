"""OpenAI's own Python library against the router: openai_client.py PROGRAM"""

import asyncio
import base64
import sys
import time

import openai
from llm_world import PNG, Router, Upstream, settings
from openai import OpenAI
from pydantic import BaseModel

ASK = [{"role": "user", "content": "hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


class Person(BaseModel):
    name: str
    years: int


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def plain(client):
    answer = client.chat.completions.with_raw_response.create(model="chain:research", messages=ASK)
    assert answer.headers["x-aerie-backend"] == "second", answer.headers
    assert answer.headers["x-aerie-attempts"].startswith("first;unavailable;"), answer.headers
    completion = answer.parse()
    assert completion.choices[0].message.content == "hello there"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == 7


def stream(client):
    events = list(client.chat.completions.create(model="second", messages=ASK, stream=True, stream_options={"include_usage": True}))
    assert events[0].choices[0].delta.role == "assistant"
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    assert text == "hello there", text
    assert [event.choices[0].finish_reason for event in events if event.choices][-1] == "stop"
    assert events[-1].usage.total_tokens == 8 and events[-1].choices == []


def tools(client):
    answer = client.chat.completions.create(model="second/tools", messages=ASK, tools=TOOLS)
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Oslo"}')
    assert answer.choices[0].finish_reason == "tool_calls"
    events = client.chat.completions.create(model="second/tools", messages=ASK, tools=TOOLS, stream=True)
    parts = [part for event in events for choice in event.choices for part in choice.delta.tool_calls or []]
    assert (parts[0].id, parts[0].function.name) == ("call_1", "weather")
    assert "".join(part.function.arguments or "" for part in parts) == '{"city": "Oslo"}'
    back = [*ASK, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    assert client.chat.completions.create(model="second", messages=back, tools=TOOLS).choices[0].message.content


def images(client):
    data = "data:image/jpeg;base64," + base64.b64encode(PNG).decode()
    parts = [{"type": "text", "text": "what?"}] + [{"type": "image_url", "image_url": {"url": data}}] * 2
    answer = client.chat.completions.create(model="second/image", messages=[{"role": "user", "content": parts}])
    # Both arrive, and the type is what the bytes say.
    assert answer.choices[0].message.content == "data:image/png;base64, data:image/png;base64,", answer
    bad = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAAAAAAAAAAAAAA"}}]
    error = raises(openai.BadRequestError, lambda: client.chat.completions.create(model="second", messages=[{"role": "user", "content": bad}]))
    assert error.code == "invalid_image", error


def structured(client):
    answer = client.chat.completions.parse(model="second/schema", messages=ASK, response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", years=36), answer
    error = raises(openai.APIStatusError, lambda: client.chat.completions.parse(model="second/never-fits", messages=ASK, response_format=Person))
    assert error.code == "invalid_document", error.body


def embeddings(client):
    answer = client.embeddings.create(model="second", input=["a", "bcd"])
    assert [entry.embedding for entry in answer.data] == [[1.0, 0.5], [3.0, 0.5]]
    floats = client.embeddings.create(model="second", input="ab", encoding_format="float")
    assert floats.data[0].embedding == [2.0, 0.5]


def models(client):
    ids = {model.id for model in client.models.list()}
    assert {"chain:default", "chain:research", "first", "second", "text"} <= ids, ids
    assert client.models.retrieve("chain:research").id == "chain:research"
    raises(openai.NotFoundError, lambda: client.models.retrieve("none"))


def errors(client):
    ask = lambda model, **more: lambda: client.chat.completions.create(model=model, messages=ASK, **more)
    assert raises(openai.NotFoundError, ask("gpt-none")).code == "model_not_found"
    assert raises(openai.BadRequestError, ask("second/status-400")).code == "invalid_request"
    limited = raises(openai.RateLimitError, ask("busy"))
    assert limited.response.headers["retry-after"] == "7", limited.response.headers
    assert limited.body["aerie"]["attempts"][0]["fault"] == "overloaded", limited.body
    assert raises(openai.InternalServerError, ask("second/status-500")).status_code == 503
    assert raises(openai.BadRequestError, ask("second", temperature=9)).param == "temperature"
    # Before the first token a streamed question fails as a plain one does.
    raises(openai.BadRequestError, ask("second/status-400", stream=True))


def broken_stream(client):
    texts = []

    def read():
        for event in client.chat.completions.create(model="second/cut", messages=ASK, stream=True):
            texts.append(event.choices[0].delta.content or "")

    error = raises(openai.APIError, read)
    assert "".join(texts) == "hello there", texts
    assert error.type == "incomplete", error.body


def cancellation(upstream, url):
    """Going away reaches the provider, plain and streaming."""

    async def plain_gone():
        client = openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0)
        asked = len(upstream.requests)
        task = asyncio.create_task(client.chat.completions.create(model="second/hang", messages=ASK))
        while len(upstream.requests) == asked:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()

    async def stream_gone():
        client = openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0)
        events = await client.chat.completions.create(model="second/stall", messages=ASK, stream=True)
        async for event in events:
            if event.choices[0].delta.content == "there":
                break
        await events.close()
        await client.close()

    for gone in (plain_gone, stream_gone):
        upstream.dropped.clear()
        asyncio.run(gone())
        began = time.monotonic()
        assert upstream.dropped.wait(10), f"{gone.__name__}: the provider goes on"
        print(f"{gone.__name__}: {(time.monotonic() - began) * 1000:.1f} ms")


def main():
    upstream = Upstream()
    with Router(sys.argv[1], settings(upstream)) as router:
        url = f"{router.url}/v1"
        client = OpenAI(base_url=url, api_key="any", max_retries=0)
        for check in (plain, stream, tools, images, structured, embeddings, models, errors, broken_stream):
            check(client)
            print(f"{check.__name__}: ok")
        cancellation(upstream, url)


main()
