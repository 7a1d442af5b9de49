/** Shells into which a test types the commands of a page. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createServer } from "node:net";

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A shell into which commands are typed, one after the other. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #seen = "";
  #changed = () => {};

  constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.#shell = spawn("bash", ["--noprofile", "--norc"], { cwd: dir, env, detached: true });
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream.on("data", (chunk: Buffer) => {
        this.#seen += chunk.toString();
        this.#changed();
      });
  }

  /** Types a command; returns what appears until `awaited` does, by default the command's end. */
  async type(command: string, awaited: RegExp = /^exit (\d+)\n/m): Promise<string> {
    this.#seen = "";
    this.#shell.stdin.write(`${command}\necho exit $?\n`);
    while (!awaited.test(this.#seen) && this.#shell.exitCode === null && !FAILED.test(this.#seen))
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    return this.#seen;
  }

  /** Ends the shell and all that it has started. */
  end(): void {
    process.kill(-this.#shell.pid!, "SIGKILL");
  }
}

/** The end of a command that was to go on. */
const FAILED = /^exit [1-9]\d*\n/m;
