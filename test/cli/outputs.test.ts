/**
 * What becomes of the command when its outputs can't be written: a reader that is gone, a full disk. The
 * story: `tessera serve --json | head -1`, as a log shipper does that starts again, ended AS, TGS and V at
 * the next login, with exit code 0.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.js";
import { type Outcome, Shell, TESSERA } from "./command.js";

const shell = new Shell();
afterAll(() => shell.remove());
beforeAll(async () => {
  await shell.run("realm create");
  await shell.run("kadmin addprinc --password-stdin alice", "apple");
});

/** What a line of the system's shell comes to, in which `tessera` is the built command. */
async function sh(line: string): Promise<Outcome> {
  const script = `tessera() { "${process.execPath}" "${TESSERA}" "$@"; }; ${line}`;
  const child = spawn("bash", ["-c", script], { cwd: shell.dir, env: shell.env as NodeJS.ProcessEnv });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk: Buffer) => {
      printed[name] += chunk.toString();
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...printed };
}

const FULL = "no space left on device (ENOSPC)";

describe("a command that ends", () => {
  it("ends quietly when its reader has seen enough", async () => {
    const { stdout, stderr } = await sh(`tessera --help | head -1; echo "\${PIPESTATUS[0]}"`);
    expect([stdout.split("\n").at(-2), stderr]).toEqual(["0", ""]);
  });

  it.runIf(process.platform === "linux")("says why its data can't be written, and fails", async () => {
    for (const json of ["", "--json"])
      expect(await sh(`tessera kadmin listprincs ${json} > /dev/full`)).toEqual({
        code: 1,
        stdout: "",
        stderr: `tessera: the output can't be written: ${FULL}\n`,
      });
  });

  it.runIf(process.platform === "linux")("does its work without a place for notices", async () => {
    const { code, stdout } = await sh("tessera kadmin getprinc --json alice 2> /dev/full");
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { principal: "alice@EXAMPLE.TEST" }]);
  });
});

const login = () => shell.run("kinit --password-stdin alice", "apple");

describe("servers", () => {
  /** Starts servers; what they say on stderr is in `said`. */
  async function serve(...more: string[]) {
    const server = shell.start([..."serve --json --as-port 0 --tgs-port 0 --v-port 0".split(" "), ...more]);
    onTestFinished(() => void server.kill("SIGKILL"));
    const said: string[] = [];
    createInterface(server.stderr).on("line", (line) => said.push(line));
    const [first] = (await once(createInterface(server.stdout), "line")) as [string];
    const { addresses } = JSON.parse(first) as { addresses: Record<string, string> };
    shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
    const end = async () => {
      const closed = once(server, "close");
      server.kill("SIGTERM");
      return { code: (await closed)[0] as number | null, said };
    };
    return { server, said, end };
  }

  it("outlast the reader of their log, say so once, and end as they are asked to", async () => {
    const { server, end } = await serve();
    server.stdout.destroy();
    for (let i = 0; i < 3; i++) expect((await login()).code).toBe(0);
    const { code, said } = await end();
    expect(code).toBe(0);
    expect(said.filter((line) => line.includes("can't be written"))).toEqual([
      "tessera: stdout can't be written: broken pipe (EPIPE); the servers go on",
    ]);
  });

  it("read their files again at SIGHUP, as often as it comes, and go on", async () => {
    const { server, said, end } = await serve();
    for (let times = 1; times <= 2; times++) {
      server.kill("SIGHUP");
      await eventually(() =>
        expect(said.filter((line) => line.startsWith("tessera: SIGHUP: "))).toHaveLength(times),
      );
    }
    expect((await login()).code).toBe(0);
    expect((await end()).code).toBe(0);
  });

  it("outlast the readers of both outputs", async () => {
    const { server, end } = await serve();
    server.stdout.destroy();
    server.stderr.destroy();
    for (let i = 0; i < 3; i++) expect((await login()).code).toBe(0);
    expect((await end()).code).toBe(0);
  });

  it.runIf(process.platform === "linux")("outlast the disk that their log is on", async () => {
    const { end } = await serve("--log", "/dev/full");
    for (let i = 0; i < 3; i++) expect((await login()).code).toBe(0);
    const { code, said } = await end();
    expect(code).toBe(0);
    expect(said).toContain(`tessera: the log can't be written: ${FULL}; the servers go on`);
  });

  it.runIf(process.platform === "linux").each([
    ["on a full disk", "/dev/full", FULL],
    ["where no file can be made", "/proc/x", "no such file or directory (ENOENT)"],
    ["a folder", "/tmp", "illegal operation on a directory (EISDIR)"],
  ])("do what they are asked to without a trace that is %s, and clients say so", async (_, target, why) => {
    const { end } = await serve();
    shell.env.TESSERA_TRACE = target;
    const { code, stderr } = await login();
    shell.env.TESSERA_TRACE = undefined;
    expect([code, stderr.split("\n")[0]]).toEqual([
      0,
      `tessera: the trace ${target} can't be written: ${why}`,
    ]);
    await end();
  });
});
