import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A question that a model was asked, and its streamed answer as far as the test gave it. */
export class Asked {
  #isOver = false;
  /** Whether the other side gave the answer up. */
  isDropped = false;

  constructor(
    readonly backend: string,
    readonly prompt: string,
    readonly response: ServerResponse,
  ) {
    response.on("close", () => (this.isDropped = !this.#isOver));
  }

  say(text: string): void {
    this.#event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
  }

  end(): void {
    this.#isOver = true;
    this.#event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    this.response.end("data: [DONE]\n\n");
  }

  #event(event: object): void {
    this.response.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "small", ...event })}\n\n`);
  }
}

/**
 * A provider of models in OpenAI's form, whose streamed answers a test gives piece by piece. Its backends differ by the
 * first part of the path; a question that is to be answered whole is answered with the backend's name.
 */
export class Model {
  readonly #server: HttpServer = createServer((request, response) => void this.#serve(request, response));
  readonly asked: Asked[] = [];
  #url = "";

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The settings of these backends. */
  settings(...names: string[]): string {
    const entry = (name: string) => ({ kind: "openai_compatible", base_url: `${this.#url}/${name}/v1`, model: "small" });
    return JSON.stringify(Object.fromEntries(names.map((name) => [name, entry(name)])));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const backend = request.url?.split("/")[1] ?? "";
    const json = (value: object) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (request.method === "GET") {
      json({ object: "list", data: [{ id: "small", object: "model" }] });
      return;
    }
    const question = JSON.parse(Buffer.concat(chunks).toString()) as { stream?: boolean; messages: object[] };
    if (question.stream) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      this.asked.push(new Asked(backend, JSON.stringify(question.messages), response));
      return;
    }
    const message = { role: "assistant", content: `This is ${backend}.` };
    json({ id: "1", object: "chat.completion", model: "small", choices: [{ index: 0, message, finish_reason: "stop" }] });
  }
}
