/** `tessera lab` as a command: what it prints, how it ends, and what it refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../support/eventually.js";
import { InProcess, type Running } from "../in-process.js";

let shell: InProcess;
let running: Running | undefined;
beforeEach(() => {
  shell = new InProcess();
});
afterEach(async () => {
  running?.end();
  await running?.outcome;
  running = undefined;
  shell.remove();
});

/** Starts the lab and gives its address. */
async function start(words = ""): Promise<URL> {
  running = shell.start(`lab ${words}`.split(" ").filter((word) => word !== ""));
  return new URL(await running.firstLine);
}

describe("the lab", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"])("prints its address, and ends in order at %s", async (name) => {
    const url = await start();
    expect([url.hostname, url.searchParams.get("token")]).toEqual([
      "127.0.0.1",
      expect.stringMatching(/^[\w-]{43}$/),
    ]);
    const response = await fetch(url, { redirect: "manual" });
    const cookie = response.headers.get("set-cookie")!.split(";")[0]!;
    const page = await fetch(new URL(".", url), { headers: { cookie } });
    expect(await page.text()).toContain("<title>Tessera lab</title>");
    for (const path of ["live.js", "live.css", "notices.txt", "favicon.svg"])
      expect((await fetch(new URL(path, url), { headers: { cookie } })).status, path).toBe(200);
    running?.signal(name);
    expect(await running?.outcome).toMatchObject({ code: 0, stderr: "" });
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it("says it in JSON", async () => {
    running = shell.start(["lab", "--json", "--scene", "standard"]);
    await eventually(() => expect(running?.stdout()).toMatch(/\n}\n$/));
    expect(JSON.parse(running.stdout())).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\/\?token=[\w-]{43}$/),
      scene: "standard",
    });
  });

  it.runIf(process.platform === "linux")("opens the browser only where it is asked to", async () => {
    const opened = shell.file("opened");
    mkdirSync(shell.file("bin"));
    const script = `#!/bin/sh\necho "$1" > "${opened}"\n`;
    writeFileSync(shell.file("bin/xdg-open"), script, { mode: 0o755 });
    shell.env.PATH = shell.file("bin");
    const url = await start("--open");
    await eventually(() => expect(readFileSync(opened, "utf8")).toBe(`${url}\n`));
    running?.end();
    await running?.outcome;
    rmSync(opened);
    await start();
    running?.end();
    await running?.outcome;
    expect(existsSync(opened)).toBe(false);
  });

  it.runIf(process.platform === "linux")("says where it can't open one, and goes on", async () => {
    shell.env.PATH = shell.dir;
    const url = await start("--open");
    await eventually(() =>
      expect(running?.stderr()).toBe(
        "tessera: the browser was not opened: xdg-open: no such file or directory (ENOENT)\n",
      ),
    );
    expect((await fetch(url, { redirect: "manual" })).status).toBe(303);
  });
});

describe("the lab's port", () => {
  it("is one lab's: a second says so in one line, and leaves nothing behind", async () => {
    vi.stubEnv("TMPDIR", shell.dir);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { port } = await start();
    const before = folders();
    expect(before).toHaveLength(1);
    const second = await shell.run(`lab --port ${port}`);
    expect(second).toEqual({
      code: 1,
      stdout: "",
      stderr: `tessera: 127.0.0.1:${port} is in use: another server listens there; stop it or choose another port\n`,
    });
    expect(folders()).toEqual(before);
  });

  it.each(["x", "-1", "65536", "127.0.0.1:8810"])("is not %s", async (port) => {
    const { code, stderr } = await shell.run(`lab --port=${port}`);
    expect([code, stderr.split("\n")[0]]).toEqual([
      2,
      "tessera: lab: --port: expected a port from 0 to 65535",
    ]);
  });
});

it("plays the scenes that there are", async () => {
  const { code, stdout } = await shell.run("lab --scene constructor --json");
  expect([code, JSON.parse(stdout)]).toEqual([
    2,
    {
      error: {
        reason: "usage",
        text: "there is no scene constructor; there are textbook-ecb, textbook, standard",
      },
    },
  ]);
});

/** The folders of realms that run. */
function folders(): string[] {
  return readdirSync(shell.dir).filter((name) => /^tessera-\w{6}$/.test(name));
}
