/**
 * Servers that go wrong in every way but the protocol's: one clear line each, in time, and nothing is left.
 */
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { MarkOptions, StageResult } from "../../../src/lab/exercise/mark.js";
import { Shell } from "../../cli/command.js";
import { InProcess } from "../../cli/in-process.js";
import { eventually } from "../../support/eventually.js";
import { compiled, failures, learnerFolder, mark, remove } from "./learners.js";

const folder = mkdtempSync(join(tmpdir(), "tessera-bad-servers-"));
afterAll(() => remove(folder));

/** A command that runs a program for Node. */
function program(name: string, text: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, text);
  return `exec node ${path}`;
}

/** The one stage that ran, and failed. */
async function failed(command: string, times: Partial<MarkOptions> = {}): Promise<StageResult> {
  const results = await mark(command, { keepGoing: false, ...times });
  expect(results).toHaveLength(1);
  expect(results[0]?.passed).toBe(false);
  return results[0]!;
}

const LISTEN = "listen(Number(process.env.EXERCISE_PORT), '127.0.0.1')";

describe("before it listens", () => {
  test.each([
    ["ends at once", "exit 0", /^the server ended with exit code 0 before it listened on 127/, []],
    ["crashes", "echo boom >&2; exit 3", /^the server ended with exit code 3 before/, ["boom"]],
    ["is killed", "kill -SEGV $$", /^the server was ended by SIGSEGV before it listened/, []],
    ["is not there", "/no/such/tgs", /^the server ended with exit code 127 before/, [/no\/such\/tgs/]],
    ["floods its output", "exec yes", /^the server printed more than 16 MiB and was ended before/, [/^y?$/]],
  ] as const)("%s", async (_, command, trouble, lines) => {
    const result = await failed(command);
    expect(result.trouble).toMatch(trouble);
    expect(result.probes).toEqual([]);
    for (const [i, line] of lines.entries()) expect(result.lastLines[i]).toMatch(line);
  });

  test("never listens", async () => {
    const { trouble } = await failed("exec sleep 600", { waitMs: 300 });
    expect(trouble).toMatch(/^nothing listens on 127\.0\.0\.1:\d+ after 0\.3 s: .* at EXERCISE_PORT$/);
  });

  test("listens on another port", async () => {
    const elsewhere = "import net from 'node:net';\nnet.createServer().listen(0, '127.0.0.1');\n";
    expect((await failed(program("elsewhere", elsewhere), { waitMs: 1500 })).trouble).toMatch(
      /^nothing listens on /,
    );
  });
});

describe("once it listens", () => {
  test("hangs", async () => {
    const text = `import net from 'node:net';\nnet.createServer(() => {}).${LISTEN};\n`;
    const { probes, trouble } = await failed(program("hangs", text), { answerMs: 1000 });
    expect(trouble).toBeUndefined();
    expect(probes).toEqual([expect.objectContaining({ expected: "SERVING", isRight: false })]);
    expect(probes[0]?.arrived).toBe("no answer within 1 s");
  });

  test.each([
    ["speaks HTTP/1.1", "socket.end('HTTP/1.1 400 Bad Request\\r\\n\\r\\n')"],
    ["closes each connection", "socket.destroy()"],
    [
      "floods the connection",
      "const more = () => { while (socket.write(Buffer.alloc(65536, 0x55))); }; socket.on('drain', more); " +
        "more()",
    ],
  ])("%s", async (name, then) => {
    const text = [
      "import net from 'node:net';",
      `net.createServer((socket) => { socket.on('error', () => {}); ${then}; }).${LISTEN};`,
    ];
    const { probes } = await failed(program(name.replaceAll(/\W/g, "-"), text.join("\n")));
    expect(probes[0]?.arrived).toMatch(/^no answer/);
  });

  test("floods its output: it is ended, and the stage says so", async () => {
    const text = [
      "import net from 'node:net';",
      `net.createServer(() => { setInterval(() => process.stdout.write('x'.repeat(1 << 20)), 1); }).${LISTEN};`,
    ];
    const { trouble } = await failed(program("prints", text.join("\n")));
    expect(trouble).toBe("the server printed more than 16 MiB and was ended in this stage");
  });

  test("answers garbage, or too much of it", async () => {
    const raw = "responseSerialize: (message) => Buffer.from(toBinary(output, message as never)),";
    for (const [size, arrived] of [
      [12, /^12 bytes that are no GrantTicketResponse$/],
      [100_000, /^RESOURCE_EXHAUSTED, without a Kerberos reason/],
    ] as const) {
      const garbage = `responseSerialize: () => Buffer.alloc(name === "Check" ? 0 : ${size}, 0xff),`;
      const answer = "callback(null, tgs.grantTicket(call.request, Date.now()));";
      const learner = learnerFolder(
        "typescript",
        undefined,
        ["main.ts", raw, garbage],
        ["main.ts", answer, "callback(null, call.request);"],
      );
      const results = await mark(compiled(learner), { numbers: [2] });
      expect(results[0]?.probes[0]?.arrived).toMatch(arrived);
      remove(learner);
    }
  });

  test("crashes in one stage: that stage fails, and with --keep-going it is started anew", async () => {
    const learner = learnerFolder("typescript", "tgs.ts", [
      "messages.ts",
      '    throw new Refusal("KRB_ERR_GENERIC", `',
      '    process.exit(7);\n  if (message === undefined)\n    throw new Refusal("KRB_ERR_GENERIC", `',
    ]);
    const results = await mark(compiled(learner));
    expect(failures(results)).toEqual([3]);
    expect(results[2]?.trouble).toBe("the server ended with exit code 7 in this stage");
    remove(learner);
  });
});

/** Whether a process is there. */
function isThere(pid: number): boolean {
  try {
    // A zombie of a container without init is no process any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe.skipIf(process.platform !== "linux")("nothing is left", () => {
  const pids = join(folder, "pids");
  /** Has a child, does not end when it is asked to, and listens never. */
  const stubborn = `trap '' TERM; sleep 600 & echo $! $$ > ${pids}; while true; do sleep 1; done`;
  const left = () => readFileSync(pids, "utf8").trim().split(" ").map(Number).filter(isThere);

  test("of a server that ignores SIGTERM and has children", async () => {
    await failed(stubborn, { waitMs: 3000 });
    expect(readFileSync(pids, "utf8").trim().split(" ")).toHaveLength(2);
    await eventually(() => expect(left()).toEqual([]));
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "at %s: the command says so, and exits with 1",
    async (by) => {
      remove(pids);
      const shell = new Shell();
      const child = shell.start(["exercise", "tgs", "--cmd", stubborn]);
      await eventually(() => expect(existsSync(pids) && readFileSync(pids, "utf8")).toMatch(/\n$/));
      expect(left()).toHaveLength(2);
      child.kill(by);
      const [code] = await once(child, "close");
      expect([code, shell.printed]).toEqual([1, `tessera: the exercise was ended by ${by}\n`]);
      await eventually(() => expect(left()).toEqual([]));
      shell.remove();
    },
  );
});

describe("the command line", () => {
  const shell = new InProcess();
  afterAll(() => shell.remove());

  test("lists the stages", async () => {
    const { code, stdout } = await shell.run("exercise tgs --list");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toHaveLength(13);
    expect(stdout).toContain(" 5  checks the authenticator's client and time (RFC 4120 §3.2.3)\n");
    const facts = JSON.parse((await shell.run("exercise tgs --list --json")).stdout);
    expect(facts.stages[11]).toMatchObject({ number: 12, title: "refuses a replayed authenticator" });
  });

  test.each([
    ["exercise as --cmd ./x", /there is one exercise: tgs/],
    ["exercise tgs", /--cmd is missing/],
    ["exercise", /an argument is missing/],
    ["exercise tgs --cmd ./x --stage 13", /--stage: expected a whole number from 1 to 12/],
    ["exercise tgs --cmd ./x --stage 0", /--stage: expected/],
    ["exercise tgs --cmd ./x --stage two", /--stage: expected/],
    ["exercise tgs --cmd ./x --wait 0", /--wait: expected a whole number from 1 to 600/],
  ])("%s is wrong usage", async (line, text) => {
    const { code, stderr } = await shell.run(line);
    expect([code, stderr]).toEqual([2, expect.stringMatching(text)]);
  });

  test("prints what went wrong in a line, with the server's last lines, and exits with 1", async () => {
    const { code, stdout } = await shell.runWords([
      "exercise",
      "tgs",
      "--cmd",
      "printf 'b\u00f6\\033[31mom\\n' >&2; exit 3",
    ]);
    expect(code).toBe(1);
    const lines = stdout.replace(/:\d{4,5};/, ":PORT;").split("\n");
    expect(lines.slice(2)).toEqual([
      "  the server ended with exit code 3 before it listened on 127.0.0.1:PORT; it must run until it is " +
        "ended",
      "  the server's last lines:",
      "    b\u00f6\\u001b[31mom",
      "  FAILED",
      "",
      "0 of 12 stages passed",
      "",
    ]);
  });

  test("gives the whole mark as JSON", async () => {
    const learner = learnerFolder("typescript", undefined);
    const command = compiled(learner);
    const { code, stdout } = await shell.runWords(["exercise", "tgs", "--cmd", command, "--json"]);
    remove(learner);
    expect(code).toBe(1);
    const { stages, ...whole } = JSON.parse(stdout);
    expect(whole).toEqual({
      exercise: "tgs",
      command,
      asked: 12,
      passed: 1,
      notRun: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    });
    expect(stages[0]).toMatchObject({
      number: 1,
      result: "passed",
      probes: [{ arrived: "SERVING", right: true }],
    });
    expect(stages[1]).toMatchObject({
      number: 2,
      clause: "RFC 4120 §3.3.2, §7.5.9",
      section: "3 and 4: GrantTicket",
      result: "failed",
      probes: [{ expected: "UNAUTHENTICATED, KRB_AP_ERR_NOT_US", right: false }],
    });
  });
});
