/** `tessera challenge …`, as typed. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { flagOf } from "../../../src/lab/challenges/flag.js";
import { InProcess } from "../in-process.js";

let shell: InProcess;
beforeEach(() => {
  shell = new InProcess();
  shell.now = () => Date.UTC(2026, 10, 30, 9);
});
afterEach(() => shell.remove());

const SEED = "a seed that a teacher keeps";
const TEACHER = "--class 4b --seed ./4b.seed";

function flagOfAlice(challenge: string, seed = SEED): string {
  return flagOf(Buffer.from(seed), { class: "4b", student: "alice" }, challenge);
}

/** Alice's folder, with the kit of her class. */
async function joined(): Promise<void> {
  writeFileSync(shell.file("4b.seed"), `${SEED}\n`, { mode: 0o600 });
  const reset = await shell.run(`challenge reset ${TEACHER} --to ./kits alice`);
  expect(reset).toEqual({ code: 0, stdout: "class 4b: 1 kit in ./kits\n", stderr: "" });
  const join = await shell.run("challenge join --dir ./alice ./kits/alice.kit");
  expect(join).toEqual({ code: 0, stdout: "./alice: alice, class 4b\n", stderr: "" });
}

test("the list is there without a folder, in words and as JSON", async () => {
  const { code, stdout } = await shell.run("challenge list --dir ./none");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^NAME +LEVEL +POINTS +KIND +STATUS +TITLE\nwhose-ticket +easy +10 +files +- +Whose ticket is this\?\n/,
  );
  const json = JSON.parse((await shell.run("challenge list --json --dir ./none")).stdout);
  expect(json.challenges).toHaveLength(12);
  expect(json.challenges[11]).toMatchObject({
    name: "forge-under-ecb",
    level: "hard",
    kind: "realm",
    points: 50,
  });
});

test.each(["show", "start", "hint"])(
  "%s of an unknown challenge names the nearest, and ends with 2",
  async (verb) => {
    const { code, stderr } = await shell.run(`challenge ${verb} --dir ./a whose-tikcet`);
    expect(code).toBe(2);
    expect(stderr.split("\n")[0]).toBe(
      `tessera: challenge ${verb}: no challenge "whose-tikcet"; did you mean whose-ticket?`,
    );
  },
);

test("a challenge from start to score", async () => {
  await joined();
  const started = await shell.run("challenge start --dir ./alice whose-ticket");
  expect(started).toMatchObject({ code: 0, stderr: "" });
  expect(started.stdout).toContain(
    "\nfiles:\n  ./alice/whose-ticket/ticket.b64\n  ./alice/whose-ticket/v.keytab\n",
  );
  const decoded = await shell.run(
    "decode --keytab ./alice/whose-ticket/v.keytab ./alice/whose-ticket/ticket.b64",
  );
  expect(decoded.stdout).toContain(`carol/${flagOfAlice("whose-ticket")}@`);
  const hint = await shell.run("challenge hint --json --dir ./alice whose-ticket");
  expect(JSON.parse(hint.stdout)).toMatchObject({
    challenge: "whose-ticket",
    number: 1,
    of: 3,
    counts: true,
  });
  const flag = flagOfAlice("whose-ticket");
  const right = await shell.run(`challenge submit --dir ./alice whose-ticket ${flag}`);
  expect(right).toMatchObject({ code: 0, stderr: "" });
  expect(right.stdout).toMatch(/^Right: Whose ticket is this\? 8 of 10 points\.\n/);
  const again = await shell.run(`challenge solve --json --dir ./alice whose-ticket ${flag.toUpperCase()}`);
  expect(JSON.parse(again.stdout)).toMatchObject({ right: true, again: true, points: 8 });
  const score = await shell.run("challenge score --dir ./alice");
  expect(score.stdout).toMatch(/^alice, class 4b\n/);
  expect(score.stdout).toMatch(/\nwhose-ticket +solved +8 of 10 +1 of 3 +0\n/);
  expect(score.stdout).toMatch(/\n1 of 12 solved, 8 of 340 points\n$/);
  const shown = await shell.run("challenge show --dir ./alice whose-ticket");
  expect(shown.stdout).toContain("\nsolved on 2026-11-30 for 8 points; hints shown: 1 of 3\n");
  expect(shown.stdout).toContain("\nHint 1 of 3\nA ticket names its client inside the part that is sealed.");
  expect(shown.stdout).not.toContain("Hint 2 of 3");
});

test("a flag that does not count ends with 1 and its reason", async () => {
  await joined();
  const submit = (flag: string) => shell.run(`challenge submit --json --dir ./alice equal-blocks ${flag}`);
  const reason = async (flag: string) => {
    const { code, stdout } = await submit(flag);
    return [code, JSON.parse(stdout).error.reason];
  };
  expect(await reason(flagOfAlice("equal-blocks"))).toEqual([1, "not-started"]);
  await shell.run("challenge start --dir ./alice equal-blocks");
  expect(await reason("abracadabra")).toEqual([1, "not-a-flag"]);
  expect(await reason(flagOfAlice("equal-blocks", "the seed of another class"))).toEqual([1, "foreign-flag"]);
  expect(await reason(flagOfAlice("whose-ticket"))).toEqual([1, "wrong-flag"]);
  expect((await submit(flagOfAlice("equal-blocks"))).code).toBe(0);
});

test("a realm runs until it is interrupted, and tells where everything is", async () => {
  const running = shell.start(["challenge", "start", "--json", "--dir", "./a", "silver-ticket"]);
  const ready = JSON.parse(await running.firstLine);
  expect(ready).toMatchObject({ event: "ready", challenge: "silver-ticket", scene: "lesson" });
  expect(ready.files).toEqual(
    ["v.keytab", "realm.json", "realm.env"].map((name) => `./a/silver-ticket/${name}`),
  );
  const keys = await shell.run("klist -k ./a/silver-ticket/v.keytab");
  expect(keys.stdout).toContain("v/localhost@EXAMPLE.TEST");
  const second = await shell.run("challenge start --json --dir ./a silver-ticket");
  expect([second.code, JSON.parse(second.stdout).error]).toEqual([
    1,
    {
      reason: "running",
      text: "silver-ticket: its realm runs already, from ./a",
      hint: "end that one with Ctrl-C, or give another folder: --dir DIR",
    },
  ]);
  // As when its terminal is closed.
  running.signal("SIGHUP");
  expect(await running.outcome).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(shell.file("a/bench.mjs"), "utf8")).toMatch(
    /^export \* from "file:.*\/dist\/cli\/bench\.js";$/m,
  );
});

test("wrong usage ends with 2", async () => {
  const usages: [line: string, text: string][] = [
    ["challenge start --dir ./a --scene textbook silver-ticket", "--scene: expected lesson or standard"],
    [
      "challenge start --dir ./a --scene standard whose-ticket",
      "whose-ticket is made of files and has no realm",
    ],
    ["challenge submit --dir ./a whose-ticket", "an argument is missing"],
    ["challenge reset --seed ./s alice", "which class? --class NAME"],
    ["challenge reset --class 4b alice", "--seed FILE: the class's flags are made from it"],
    [`challenge reset ${TEACHER}`, "which students? name them, or give --students FILE"],
    [`challenge reset ${TEACHER} ../alice`, "a student's name: expected 1 to 32 letters, digits"],
    ["challenge reset --class 4/b --seed ./s alice", "--class: expected 1 to 32 letters, digits"],
    ["challenge reser", "did you mean `tessera challenge reset`?"],
  ];
  for (const [line, text] of usages) {
    const { code, stderr } = await shell.run(line);
    expect([line, code]).toEqual([line, 2]);
    expect(stderr).toContain(text);
  }
});

test("a bad state, a bad kit and a bad seed are named", async () => {
  writeFileSync(shell.file("alice.kit"), "{}");
  const kit = await shell.run("challenge join --dir ./a ./alice.kit");
  expect(kit.code).toBe(1);
  expect(kit.stderr).toContain("./alice.kit: not a kit of challenges: version: expected 1");
  expect((await shell.run("challenge join --dir ./a ./none.kit")).stderr).toContain("no such file or folder");
  await shell.run("challenge start --dir ./a equal-blocks");
  writeFileSync(shell.file("a/challenges.json"), "{}");
  for (const line of ["list", "score", "show equal-blocks", "hint equal-blocks", "start equal-blocks"]) {
    const { code, stderr } = await shell.run(`challenge ${line} --dir ./a`);
    expect([line, code]).toEqual([line, 1]);
    expect(stderr).toContain("./a/challenges.json: not the progress of challenges: version: expected 1");
  }
  writeFileSync(shell.file("short.seed"), "short\n", { mode: 0o600 });
  const seed = await shell.run("challenge reset --class 4b --seed ./short.seed alice");
  expect(seed).toMatchObject({ code: 1 });
  expect(seed.stderr).toContain("./short.seed: a seed has at least 16 bytes, this one 5");
});

test("reset makes a seed once, and the same seed makes the same flags", async () => {
  const first = await shell.run(`challenge reset --json ${TEACHER} --to ./kits alice`);
  expect(JSON.parse(first.stdout)).toMatchObject({ class: "4b", isNewSeed: true });
  const seed = readFileSync(shell.file("4b.seed"), "utf8").trim();
  await shell.run("challenge join --dir ./alice ./kits/alice.kit");
  const second = await shell.run(`challenge reset --json ${TEACHER} --to ./kits alice`);
  expect(JSON.parse(second.stdout)).toMatchObject({ isNewSeed: false });
  expect(await shell.run("challenge join --dir ./alice ./kits/alice.kit")).toMatchObject({ code: 0 });
  await shell.run("challenge start --dir ./alice equal-blocks");
  const flag = flagOfAlice("equal-blocks", seed);
  expect(await shell.run(`challenge submit --dir ./alice equal-blocks ${flag}`)).toMatchObject({ code: 0 });
  // Another seed: the class begins anew, and what is from before is foreign.
  rmSync(shell.file("4b.seed"));
  await shell.run(`challenge reset ${TEACHER} --to ./kits alice`);
  const join = await shell.run("challenge join --dir ./alice ./kits/alice.kit");
  expect(join).toMatchObject({ code: 1, stderr: expect.stringContaining("or of another class") });
});

test("a class is in a file, a name a line, and each name gets one kit", async () => {
  writeFileSync(shell.file("4b.txt"), "# the class\n bob\r\n\nalice\n");
  const { stdout, stderr } = await shell.run(
    `challenge reset --json ${TEACHER} --students ./4b.txt --to ./k bob`,
  );
  const kits = ["bob", "alice"].map((student) => ({ student, kit: `./k/${student}.kit` }));
  expect(JSON.parse(stdout)).toEqual({ class: "4b", seed: "./4b.seed", isNewSeed: true, kits });
  expect(stderr).toBe("");
  const [bob, alice] = kits.map(({ kit }) => JSON.parse(readFileSync(shell.file(kit.slice(2)), "utf8")));
  expect(bob.owner).toEqual({ class: "4b", student: "bob" });
  expect(bob.tag).not.toBe(alice.tag);
});

test("mark tells what is proven, and ends with 1 where something is not", async () => {
  await joined();
  await shell.run("challenge start --dir ./alice equal-blocks");
  await shell.run(`challenge submit --dir ./alice equal-blocks ${flagOfAlice("equal-blocks")}`);
  const marked = await shell.run(`challenge mark ${TEACHER} ./alice/challenges.json`);
  expect(marked).toMatchObject({ code: 0, stderr: "" });
  expect(marked.stdout).toMatch(/\nalice +20 +1 +- +\.\/alice\/challenges\.json\n$/);
  const claimed = readFileSync(shell.file("alice/challenges.json"), "utf8").replace(
    /"receipt": "../,
    '"receipt": "00',
  );
  writeFileSync(shell.file("claimed.json"), claimed);
  const doubtful = await shell.run(`challenge mark --json ${TEACHER} ./alice/challenges.json ./claimed.json`);
  expect(doubtful.code).toBe(1);
  const { students } = JSON.parse(doubtful.stdout);
  expect(students.map(({ earned }: { earned: number }) => earned)).toEqual([20, 0]);
  expect(students[1].marks["equal-blocks"]).toBe("unproven");
  const elsewhere = await shell.run("challenge mark --class 4c --seed ./4b.seed ./alice/challenges.json");
  expect(elsewhere).toMatchObject({ code: 1, stdout: expect.stringContaining("alice (not of this class)") });
  writeFileSync(shell.file("damaged.json"), "{");
  const files = "./damaged.json ./missing.json ./alice/challenges.json";
  const some = await shell.run(`challenge mark ${TEACHER} ${files}`);
  expect(some).toMatchObject({ code: 1, stdout: marked.stdout });
  expect(some.stderr).toMatch(
    /^tessera: \.\/damaged\.json: not the .*\ntessera: \.\/missing\.json: no such .*\n$/,
  );
  const { unread } = JSON.parse((await shell.run(`challenge mark --json ${TEACHER} ${files}`)).stdout);
  expect(unread).toHaveLength(2);
});
