/** Attacks as they are typed. */
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { ATTACK_NAMES } from "../../../src/lab/attacks/names.js";
import { ATTACKS } from "../../../src/lab/attacks/table.js";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());

interface Runs {
  readonly runs: readonly {
    readonly attack: string;
    readonly scene: string;
    readonly profile: string;
    readonly steps: readonly string[];
    readonly verdict: string;
    readonly by?: string;
    readonly at?: string;
    readonly gained?: string;
  }[];
  readonly asExpected: boolean;
}

describe("attack list", () => {
  it("has a line for each, and the same as JSON", async () => {
    const { code, stdout } = await shell.run("attack list");
    expect(code).toBe(0);
    for (const { name, title } of ATTACKS) expect(stdout).toMatch(new RegExp(`^  ${name} +${title}$`, "m"));
    const listed = JSON.parse((await shell.run("attack list --json")).stdout) as {
      attacks: { name: string }[];
    };
    expect(listed.attacks.map(({ name }) => name)).toEqual(ATTACK_NAMES);
  });
});

describe("attack show", () => {
  it("explains an attack, and says how it ends in each scene", async () => {
    const { code, stdout } = await shell.run("attack show bit-flip");
    expect(code).toBe(0);
    expect(stdout).toContain("Mallory has what travels on the wire.");
    expect(stdout).toMatch(/^ {2}textbook-ecb {2}ALLOWED$/m);
    expect(stdout).toMatch(/^ {2}standard {6}BLOCKED by V: KRB_AP_ERR_BAD_INTEGRITY$/m);
    for (const line of stdout.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it("names the attack that was meant", async () => {
    const { code, stderr } = await shell.run("attack show cut-and-past");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("there is no attack cut-and-past; did you mean cut-and-paste?"),
    ]);
    expect((await shell.run("attack show xyzzy")).stderr).toContain(
      "there are cut-and-paste, mint, bit-flip",
    );
  });
});

describe("attack run", () => {
  it("runs in every scene, step by step, and explains", async () => {
    const { code, stdout, stderr } = await shell.run("attack run cut-and-paste");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^textbook-ecb\n( {2}· .*\n| {4}.*\n)+ {2}→ ALLOWED: V takes mallory for alice@/m);
    expect(stdout).toMatch(/^textbook\n( {2}· .*\n| {4}.*\n)+ {2}→ BLOCKED by V: KRB_AP_ERR_BAD_INTEGRITY/m);
    expect(stdout).toMatch(/^standard\n( {2}· .*\n| {4}.*\n)+ {2}→ BLOCKED by V: KRB_AP_ERR_BAD_INTEGRITY/m);
    expect(stdout.replaceAll("\n", " ")).toContain(
      "Encryption keeps secrets; it does not say who wrote them.",
    );
  });

  it("runs in one scene or profile, and gives the facts as JSON", async () => {
    const { code, stdout } = await shell.run("attack run roast --profile standard --json");
    expect(code).toBe(0);
    const { runs, asExpected } = JSON.parse(stdout) as Runs;
    expect(runs).toMatchObject([
      {
        attack: "roast",
        scene: "standard",
        profile: "standard",
        verdict: "BLOCKED",
        by: "KDC_ERR_PREAUTH_REQUIRED",
        at: "AS",
      },
    ]);
    expect(runs[0]!.steps).toEqual(["mallory asks the AS for a TGT for alice@EXAMPLE.TEST, without a proof"]);
    expect(asExpected).toBe(true);
  });

  it("runs all of them, and prints a table", async () => {
    writeFileSync(shell.file("few.txt"), "one\ntwo\n");
    const { code, stdout } = await shell.run("attack run --all --scene textbook-ecb --words ./few.txt");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/ +/)[0])).toEqual(["textbook-ecb", ...ATTACK_NAMES]);
    expect(lines).toContainEqual(expect.stringMatching(/^mint +ALLOWED$/));
    expect(lines).toContainEqual(expect.stringMatching(/^replay +BLOCKED REPEAT$/));
  });

  it("guesses with words of one's own, and says how fast", async () => {
    writeFileSync(shell.file("words.txt"), "one\ntwo\r\n\nthree\nfour\n");
    const { code, stdout } = await shell.run("attack run guess --scene textbook-ecb --words ./words.txt");
    expect(code).toBe(0);
    expect(stdout).toMatch(/· 3 words tried, [\d.]+ a second/);
    expect(stdout).toContain("the password of bob@EXAMPLE.TEST is “three”, word 3 of 4");
  });

  it.each([
    ["attack run", "which attack? NAME, or --all"],
    ["attack run replay --all", "--all goes without a name"],
    ["attack run replai", "there is no attack replai; did you mean replay?"],
    ["attack run replay --scene textbook-ebc", "there is no scene textbook-ebc; did you mean textbook-ecb?"],
    ["attack run replay --profile standart", "there is no profile standart; did you mean standard?"],
    ["attack run replay --words ./words.txt", "--words is for the attack guess"],
    ["attack run replay --profile standard --scene textbook", "--profile and --scene name the same thing"],
  ])("%s is used wrongly", async (line, text) => {
    const { code, stderr } = await shell.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it("fails where there are no words", async () => {
    writeFileSync(shell.file("empty.txt"), "\n\n");
    writeFileSync(shell.file("controls.txt"), "pass\x1bword\n");
    for (const [file, text] of [
      ["empty.txt", "holds no word"],
      ["controls.txt", "holds no word"],
      ["missing.txt", "missing.txt: "],
    ] as const) {
      const { code, stderr } = await shell.run(`attack run guess --words ./${file}`);
      expect([code, stderr]).toEqual([1, expect.stringContaining(text)]);
    }
  });
});
