import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";

export const CLIENT = "aerie-web";
export const SECRET = "swordfish";

function program(): string {
  const named = process.env["AERIE_TEST_ISSUER"];
  if (!named || !existsSync(named)) {
    throw new Error("AERIE_TEST_ISSUER names no program; run the tests with cargo xtask test, or build it: cargo build -p aerie-testkit --example issuer");
  }
  return named;
}

/** The issuer of the tests as a program of its own. It ends when its input does, so it does not outlive the tests. */
export class Issuer {
  #child: ChildProcess | undefined;
  url = "";

  /** Starts it; it sends people back to this address and to no other. */
  async start(redirect: string): Promise<void> {
    const child = spawn(program(), [CLIENT, SECRET, redirect], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.url = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the issuer ended with ${code}`)));
      createInterface({ input: child.stdout }).once("line", resolve);
    });
  }

  /** Who sits at the browser from now on. */
  seat(subject: string, name: string): void {
    this.#child?.stdin?.write(`${subject} ${name}\n`);
  }

  stop(): void {
    this.#child?.removeAllListeners("exit");
    this.#child?.stdin?.end();
  }
}

/** A port that nobody listens on: the issuer has to know where people come back to before the server starts. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
