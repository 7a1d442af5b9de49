import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../../src/cli/frame/run.js";
import { onDisk } from "../on-disk.js";

const shell = onDisk();

describe("kadmin listprincs", () => {
  beforeAll(async () => {
    for (const name of ["notes/a", "notes/b"]) await shell.run(`kadmin addprinc -randkey ${name}`);
  });

  it("lists every principal", async () => {
    const { code, stdout } = await shell.run("kadmin listprincs");
    expect([code, stdout.trim().split("\n").sort()]).toEqual([
      0,
      [
        "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
        "notes/a@EXAMPLE.TEST",
        "notes/b@EXAMPLE.TEST",
        "v/localhost@EXAMPLE.TEST",
      ],
    ]);
  });

  it("lists those that a pattern fits, and nothing where none does", async () => {
    expect((await shell.run("kadmin listprincs notes/*")).stdout).toBe(
      "notes/a@EXAMPLE.TEST\nnotes/b@EXAMPLE.TEST\n",
    );
    expect(await shell.run("kadmin listprincs x*")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("gives all that getprinc shows as JSON", async () => {
    const { principals } = JSON.parse((await shell.run("kadmin listprincs --json *localhost*")).stdout) as {
      principals: unknown[];
    };
    expect(principals).toMatchObject([
      {
        principal: "v/localhost@EXAMPLE.TEST",
        kind: "random key",
        kvno: 1,
        keys: [{ etype: "des-cbc-md5" }],
      },
    ]);
  });
});

describe("kadmin listprincs of many", () => {
  const lines = (text: string) => text.split("\n").length - 1;

  beforeAll(async () => {
    const rows = Array.from({ length: 1500 }, (_, i) => `many/${String(i).padStart(4, "0")}`);
    await shell.run("kadmin addprinc --from -", ["principal", ...rows].join("\n"));
  });

  /**
   * Runs it with an output that holds as much as it is given and says that it is full until it is emptied.
   */
  async function running(line: string) {
    let text = "";
    let isFull = true;
    const waiting = new Set<() => void>();
    let waits = () => {};
    const isWaiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const stdout = {
      write: (part: string) => {
        text += part;
      },
      get writableNeedDrain() {
        return isFull;
      },
      on: (_event: string, listener: () => void) => {
        waiting.add(listener);
        waits();
      },
      off: (_event: string, listener: () => void) => void waiting.delete(listener),
    };
    const around = {
      stdin: async function* () {},
      env: shell.env,
      now: Date.now,
      signal: () => isWaiting,
    };
    const code = run(line.split(" "), { ...around, stdout, stderr: { write: () => {} } } as never);
    await isWaiting;
    const before = text;
    const drain = () => {
      isFull = false;
      for (const listener of waiting) listener();
    };
    return { before, drain, code, all: () => text, waiting };
  }

  it("prints the first before it has read the last, and waits for a slow reader", async () => {
    const { before, drain, code, all, waiting } = await running("kadmin listprincs many/*");
    expect(lines(before)).toBe(256);
    drain();
    expect(await code).toBe(0);
    expect(lines(all())).toBe(1500);
    expect(waiting.size).toBe(0);
  });

  it("does so with --json, and what it prints in all is one document", async () => {
    const { before, drain, code, all } = await running("kadmin listprincs --json many/*");
    expect(before.match(/"principal":/g)).toHaveLength(256);
    drain();
    expect(await code).toBe(0);
    const parsed = JSON.parse(all()) as { principals: unknown[] };
    expect(parsed.principals).toHaveLength(1500);
    expect(all()).toBe(`${JSON.stringify(parsed, undefined, 2)}\n`);
  });

  it("is one document where there is none, and one line in a file of commands", async () => {
    expect((await shell.run("kadmin listprincs --json x*")).stdout).toBe('{\n  "principals": []\n}\n');
    const { stdout } = await shell.run("kadmin --json -f -", "listprincs many/000[12]\nlistprincs x*\n");
    expect(
      stdout
        .split("\n")
        .slice(0, 2)
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      {
        line: 1,
        principals: [{ principal: "many/0001@EXAMPLE.TEST" }, { principal: "many/0002@EXAMPLE.TEST" }],
      },
      { line: 2, principals: [] },
    ]);
  });
});
