/** Runs the built command as a user types it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built command. */
export const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a command came to. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own with an environment that points into it; everything a command prints is kept. */
export class Shell {
  readonly dir = mkdtempSync(join(tmpdir(), "tessera-cli-"));
  readonly env: Record<string, string | undefined> = {
    ...process.env,
    TESSERA_REALM_DIR: join(this.dir, "realm"),
    TESSERA_CCACHE: `FILE:${join(this.dir, "cc")}`,
    TESSERA_CONFIG: "",
    TESSERA_KEYTAB: undefined,
    TESSERA_KDC: undefined,
    TESSERA_TRACE: undefined,
    TZ: "UTC",
  };
  /** All that was printed, by all commands. */
  printed = "";

  /** Starts a command. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [TESSERA, ...args], { cwd: this.dir, env: this.env });
    const keep = (chunk: Buffer) => {
      this.printed += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    return child;
  }

  /** Runs a command line; words are split at spaces. */
  run(line: string, stdin = ""): Promise<Outcome> {
    return this.runWords(
      line.split(" ").filter((word) => word !== ""),
      stdin,
    );
  }

  /** Runs the words of a command line to the end. */
  async runWords(words: readonly string[], stdin = ""): Promise<Outcome> {
    const child = this.start(words);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.on("error", () => {}); // a command that reads no stdin may end before it is written
    child.stdin.end(stdin);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, stdout, stderr };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
