/** The prompt at a real terminal: python3 opens a pseudo-terminal and types. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Shell } from "./command.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const hasPty = spawnSync("python3", ["-c", "import pty, termios"]).status === 0;
if (!hasPty) console.warn("prompt.test.ts: skipped, python3 with pty is not installed");

/**
 * Runs argv[2:] on a terminal; types argv[1] after the first colon; prints status, echo flag at the end, and
 * what it saw.
 */
const TYPIST = `
import os, pty, select, sys, termios
keys = sys.argv[1].encode().decode("unicode_escape").encode("latin1").split(b"|")
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, asked = b"", 0
while True:
    ready, _, _ = select.select([fd], [], [], 15)
    if not ready: break
    try: chunk = os.read(fd, 4096)
    except OSError: break
    if not chunk: break
    seen += chunk
    while keys and seen.count(b": ") > asked:
        asked += 1
        os.write(fd, keys.pop(0))
    try: echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    except termios.error: pass
_, status = os.waitpid(pid, 0)
print(status, echo)
sys.stdout.flush()
os.write(1, seen)
`;

describe.skipIf(!hasPty)("the prompt for a password", () => {
  const shell = new Shell();
  beforeAll(async () => {
    await shell.run("realm create");
  });
  afterAll(() => shell.remove());

  function type(keys: string, ...args: string[]): { status: string; seen: string } {
    const words = ["-c", TYPIST, keys, process.execPath, MAIN, ...args];
    const { stdout } = spawnSync("python3", words, { env: shell.env as NodeJS.ProcessEnv, encoding: "utf8" });
    const [status = "", ...seen] = stdout.split("\n");
    return { status, seen: seen.join("\n") };
  }

  it("does not echo, takes Backspace and Ctrl-U, and gives the terminal back", async () => {
    const { status, seen } = type("oops\\x15hunterr\\x7f2\\r|hunter2\\r", "kadmin", "addprinc", "alice");
    expect(seen).toMatch(/New password for alice@EXAMPLE.TEST: \s+Again: \s+.*added/);
    expect(seen).not.toMatch(/hunter|oops/);
    expect(status).toBe("0 True");
    const { stdout } = await shell.run("kadmin listprincs alice");
    expect(stdout).toBe("alice@EXAMPLE.TEST\n");
  });

  it("refuses two passwords that differ", async () => {
    const { status, seen } = type("one1\\r|two2\\r", "kadmin", "addprinc", "bob");
    expect(seen).toContain("the two passwords differ");
    expect(status).toBe("256 True");
  });

  it("ends with Ctrl-C as by the signal, the terminal as it was", () => {
    const { status, seen } = type("secr\\x03", "kadmin", "addprinc", "carol");
    expect(status).toBe("2 True");
    expect(seen).not.toContain("secr");
  });
});
