import {
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Screen } from "../../../src/cli/screen/screen.js";
import { type ReportChoice, ServerOutputs } from "../../../src/cli/serving/server-outputs.js";

const NOW = Date.UTC(2026, 2, 1, 12);
let dir: string;
let printed: { out: string; err: string };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "outputs-"));
  printed = { out: "", err: "" };
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The end of the turn, when lines of the log are written. */
const turn = () => new Promise<void>((resolve) => process.nextTick(resolve));

function outputs(choice: Partial<ReportChoice> = {}, isTTY = false, out?: (text: string) => void) {
  const screen = new Screen(
    { isTTY, write: out ?? ((text) => (printed.out += text)) },
    { write: (text) => (printed.err += text) },
    {},
  );
  return new ServerOutputs(
    screen,
    { json: false, logFile: undefined, logLevel: "info", ...choice },
    () => NOW,
  );
}

describe("the log", () => {
  it("is lines of JSON on stdout, or text for a person who is watching", async () => {
    await using program = outputs();
    program.log({ level: "info", exchange: "AS", result: "OK" });
    await using person = outputs({}, true);
    person.log({ level: "info", exchange: "AS", result: "OK" });
    await turn();
    expect(printed.out).toBe('{"level":"info","exchange":"AS","result":"OK"}\nAS  OK\n');
  });

  it("goes to a file of mode 0600 if one is named, at its end, and announcements to stdout", async () => {
    const logFile = join(dir, "log");
    writeFileSync(logFile, "before\n");
    const other = join(dir, "other");
    await using appended = outputs({ logFile }, true);
    await using made = outputs({ logFile: other });
    appended.log({ level: "info", n: 1 });
    made.log({ level: "info", n: 2 });
    appended.screen.print("ready");
    await turn();
    expect(readFileSync(logFile, "utf8")).toBe('before\n{"level":"info","n":1}\n');
    expect([readFileSync(other, "utf8"), statSync(other).mode & 0o777]).toEqual([
      '{"level":"info","n":2}\n',
      0o600,
    ]);
    expect(printed.out).toBe("ready\n");
  });

  it("is opened again where it was moved away", async () => {
    const logFile = join(dir, "log");
    await using one = outputs({ logFile });
    one.log({ level: "info", n: 1 });
    renameSync(logFile, `${logFile}.1`);
    one.log({ level: "info", n: 2 });
    one.reopen();
    one.log({ level: "info", n: 3 });
    await turn();
    expect(readFileSync(`${logFile}.1`, "utf8")).toBe('{"level":"info","n":1}\n{"level":"info","n":2}\n');
    expect(readFileSync(logFile, "utf8")).toBe('{"level":"info","n":3}\n');
  });

  it("stays open where it can't be opened again, and a notice says so", async () => {
    const logFile = join(dir, "log");
    await using one = outputs({ logFile });
    renameSync(logFile, `${logFile}.1`);
    mkdirSync(logFile);
    one.reopen();
    one.log({ level: "info", n: 1 });
    await turn();
    expect(readFileSync(`${logFile}.1`, "utf8")).toBe('{"level":"info","n":1}\n');
    expect(printed.err).toMatch(
      /^tessera: the log file \S+ can't be opened: .*\(EISDIR\); the old one goes on\n$/,
    );
  });

  it.each([
    ["a folder", ""],
    ["a file below a file", "file/log"],
    ["a file in no folder", "none/log"],
  ])("is refused at the start where it is %s", (_, name) => {
    writeFileSync(join(dir, "file"), "");
    expect(() => outputs({ logFile: join(dir, name) })).toThrow(
      expect.objectContaining({
        name: "CommandError",
        message: expect.stringContaining("can't be opened: "),
      }),
    );
  });

  it.runIf(process.platform === "linux")("on a full disk is said on stderr, and ends nothing", async () => {
    await using one = outputs({ logFile: "/dev/full" });
    for (let i = 0; i < 3; i++) one.log({ level: "info", i });
    await turn();
    expect(printed.err).toBe(
      "tessera: the log can't be written: no space left on device (ENOSPC); the servers go on\n",
    );
  });
});

it("stdout by its descriptor is written without a stream, whose errors would end the process", async () => {
  const path = join(dir, "stdout");
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT);
  const screen = new Screen({ fd, write: () => expect.unreachable() }, { write: () => {} }, {});
  await using one = new ServerOutputs(
    screen,
    { json: true, logFile: undefined, logLevel: "info" },
    () => NOW,
  );
  one.screen.print("ready");
  expect(readFileSync(path, "utf8")).toBe("ready\n");
});

it("writes the lines of a turn together, and before whatever else is written", async () => {
  const writes: string[] = [];
  await using one = outputs({}, false, (text) => void writes.push(text));
  one.log({ level: "info", n: 1 });
  one.log({ level: "info", n: 2 });
  expect(writes).toEqual([]);
  one.screen.print("ready");
  expect(writes).toEqual(['{"level":"info","n":1}\n{"level":"info","n":2}\n', "ready\n"]);
  one.log({ level: "info", n: 3 });
  await turn();
  expect(writes.slice(2)).toEqual(['{"level":"info","n":3}\n']);
});

it("loses no line of a long turn", async () => {
  let out = "";
  await using one = outputs({}, false, (text) => {
    out += text;
  });
  for (let n = 0; n < 1_000; n++) one.log({ level: "info", text: "x".repeat(500) });
  await turn();
  expect(out.match(/\n/g)).toHaveLength(1_000);
});

it("says in the log's own form how many lines are missing", async () => {
  let room = 0;
  let out = "";
  await using one = outputs({}, false, (text) => {
    if (room === 0) throw Object.assign(new Error("write"), { code: "EPIPE", errno: -32 });
    out += text;
  });
  for (let i = 0; i < 300; i++) one.log({ level: "info", text: "x".repeat(997) });
  room = 1;
  one.log({ level: "info", text: "this one too" });
  await turn();
  const lines = out.trim().split("\n");
  expect(JSON.parse(lines.at(-1)!)).toEqual({
    time: "2026-03-01T12:00:00.000Z",
    level: "warn",
    exchange: "log",
    text: "45 lines are missing here: broken pipe (EPIPE)",
  });
  expect(lines).toHaveLength(257);
});
