/**
 * The Python client against a realm made on the command line; skipped, by name, where a module is missing.
 */
import { type ChildProcessWithoutNullStreams, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { Shell } from "../../test/cli/command.js";
import { PYTHON, type PythonRun, runPython } from "../../test/support/python.js";

const PASSWORD = "a horse of another colour";
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { path: python, lacks } = PYTHON;
const why = lacks === "" ? "" : ` (skipped: ${python} lacks ${lacks})`;

describe.skipIf(lacks !== "")(`a client written in Python${why}`, { timeout: 60_000 }, () => {
  let shell: Shell | undefined;
  let server: ChildProcessWithoutNullStreams | undefined;
  let addresses: Record<"as" | "tgs" | "v", string>;

  afterEach(() => {
    server?.kill("SIGKILL");
    shell?.remove();
  });

  async function startRealm(options: string): Promise<void> {
    shell = new Shell();
    expect(await shell.run(`realm create ${options}`)).toMatchObject({ code: 0 });
    await shell.run("kadmin addprinc --password-stdin alice", `${PASSWORD}\n`);
    server = shell.start("serve --as-port 0 --tgs-port 0 --v-port 0".split(" "));
    const [first] = (await once(createInterface(server.stdout), "line")) as [string];
    ({ addresses } = JSON.parse(first) as { addresses: typeof addresses });
  }

  /** Runs main.py as alice. */
  function run(words: string, password = PASSWORD): Promise<PythonRun> {
    const { as, tgs, v } = addresses;
    const args = ["alice@EXAMPLE.TEST", ...words.split(" "), "--as", as, "--tgs", tgs, "--v", v];
    return runPython(file("main.py"), args, `${password}\n`);
  }

  async function answer(words: string): Promise<unknown> {
    const { code, out, err } = await run(words);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return JSON.parse(out);
  }

  test("logs in to a realm with other iterations from a host an hour wrong, and calls V", async () => {
    await startRealm("--profile standard --iterations 100000");
    // The guess, the KDC's advice, the KDC's clock; then the ticket and the call.
    expect(await answer("who-am-i --clock-error 3600")).toMatchObject({
      requests: 5,
      client: "alice@EXAMPLE.TEST",
      server: "v/localhost@EXAMPLE.TEST",
      flags: ["pre-authent"],
    });
    expect(await answer("who-am-i --clock-error -3600")).toMatchObject({ requests: 5 });
    const note = { name: "a", text: "from-Python" };
    expect(await answer("put-note name=a text=from-Python")).toMatchObject({ requests: 4, note });
    expect(await answer("get-note name=a")).toMatchObject({ note });
  });

  test("finds the golden vectors as they are written, and refuses what must be refused", () => {
    const { status, stdout, stderr } = spawnSync(python, ["-B", file("check_vectors.py")], {
      encoding: "utf8",
    });
    expect({ status, differs: (stdout + stderr).match(/.*differs.*/)?.[0] }).toEqual({ status: 0 });
    expect(stdout.match(/: as written$/gm)!.length).toBeGreaterThan(100);
  });

  test("learns by name what was refused", async () => {
    await startRealm("--profile standard");
    expect(await run("get-note name=b")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^NOT_FOUND: /),
    });
    expect(await run("who-am-i", "another password")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^KDC_ERR_PREAUTH_FAILED: /),
    });
    expect(await run("who-am-i --service no/such")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^KDC_ERR_S_PRINCIPAL_UNKNOWN: /),
    });
  });

  test("logs in with a password typed in another normal form", async () => {
    await startRealm("--profile standard");
    await shell!.run("kadmin cpw --password-stdin alice", "cafe\u0301 cr\u00e8me\n");
    for (const typed of ["caf\u00e9 cr\u00e8me", "cafe\u0301\u00a0cre\u0300me"])
      expect(JSON.parse((await run("who-am-i", typed)).out)).toMatchObject({ requests: 3 });
  });

  test("follows the KDC to DES in a textbook realm, where it accepts DES", async () => {
    await startRealm("--profile textbook");
    expect(await answer("who-am-i --etypes 3")).toMatchObject({ requests: 3 });
    expect(await answer("who-am-i --etypes 20,19,3")).toMatchObject({ requests: 4 });
    expect(await run("who-am-i")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no encryption type that this client accepts"),
    });
  });
});
