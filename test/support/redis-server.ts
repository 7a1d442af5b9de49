/** A real redis-server for a test, on a free port of loopback. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether there is a redis-server here; tests that need one are skipped otherwise. */
export const HAS_REDIS = (() => {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A server that can be ended, halted and started again. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #dir = mkdtempSync(join(tmpdir(), "tessera-redis-"));
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  /** Starts one. */
  static async start(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.begin();
    return server;
  }

  /** Starts one that speaks TLS alone; the files are named as in its configuration. */
  static async startWithTls(files: Readonly<Record<string, string>>): Promise<RedisServer> {
    const port = await freePort();
    const given = Object.entries(files).flatMap(([name, file]) => [`--${name}`, file]);
    const server = new RedisServer(port, ["--port", "0", "--tls-port", String(port), ...given]);
    await server.begin();
    return server;
  }

  /** Where it is, as a replay cache takes it. */
  url(name = "replay", user = ""): string {
    return `redis://${user}127.0.0.1:${this.port}/0?name=${name}`;
  }

  /** Starts it, with nothing remembered unless its settings say otherwise. */
  async begin(): Promise<void> {
    const settings = [
      ...["--port", String(this.port), "--bind", "127.0.0.1", "--save", ""],
      // A replica comes at once: by default a primary waits five seconds for others.
      ...["--repl-diskless-sync-delay", "0"],
      ...this.#settings,
    ];
    this.#process = spawn("redis-server", settings, { cwd: this.#dir, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    for await (const chunk of this.#process.stdout!) {
      said += String(chunk);
      if (said.includes("eady to accept connections")) break;
      if (/fatal|failed to configure tls/i.test(said)) throw new Error(said);
    }
    this.#process.stdout!.on("error", () => {}).resume();
  }

  /** Ends it, without a chance to write anything down. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.kill("SIGKILL");
    await once(process, "exit");
  }

  /** Halts it (SIGSTOP), or lets it go on. */
  halt(isHalted: boolean): void {
    this.#process!.kill(isHalted ? "SIGSTOP" : "SIGCONT");
  }

  /** Runs redis-cli. */
  cli(...args: string[]): string {
    return execFileSync("redis-cli", ["-p", String(this.port), ...args])
      .toString()
      .trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
