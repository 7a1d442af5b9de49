/** Scenes as they are typed. */
import { afterAll, describe, expect, it } from "vitest";
import { TEXTBOOK_SCENE_NAMES, TEXTBOOK_SCENES } from "../../../src/lab/scenes/scene-table.js";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());

interface Played {
  readonly name: string;
  readonly messages: readonly {
    readonly number: number;
    readonly sealed: readonly { readonly etype: string }[];
  }[];
  readonly attacked: { readonly attack: string; readonly verdict: string; readonly asExpected: boolean };
  readonly mendedBy?: string;
}

describe("scene list", () => {
  it("says which run and which are told, and the same as JSON", async () => {
    const { code, stdout } = await shell.run("scene list");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^own-word +told {2}V believes what it is told$/m);
    expect(stdout).toMatch(/^standard +runs {2}The same messages under AES$/m);
    const listed = JSON.parse((await shell.run("scene list --json")).stdout) as {
      scenes: { name: string }[];
    };
    expect(listed.scenes.map(({ name }) => name)).toEqual(TEXTBOOK_SCENE_NAMES);
  });
});

describe("scene show", () => {
  it.each(TEXTBOOK_SCENES)("tells $name within 100 columns", async ({ name, title, dialogue }) => {
    const { code, stdout } = await shell.run(`scene show ${name}`);
    expect(code).toBe(0);
    for (const line of [`${name}: ${title}`, ...dialogue.map((message) => `  ${message}`)])
      expect(stdout).toContain(`${line}\n`);
    for (const line of stdout.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it("leads from each scene to the one that mends it", async () => {
    let name: string | undefined = "own-word";
    const seen: string[] = [];
    while (name !== undefined) {
      seen.push(name);
      name = /what mends it +tessera scene show (\S+)/.exec(
        (await shell.run(`scene show ${name}`)).stdout,
      )?.[1];
    }
    expect(seen).toEqual(TEXTBOOK_SCENE_NAMES);
  });

  it("names the scene that was meant", async () => {
    const { code, stderr } = await shell.run("scene show textbok");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("there is no scene textbok; did you mean textbook?"),
    ]);
  });
});

describe("scene run", () => {
  it("shows six messages that travelled, then the hole and what mends it", async () => {
    const { code, stdout, stderr } = await shell.run("scene run textbook-ecb");
    expect([code, stderr]).toEqual([0, ""]);
    for (const number of [1, 2, 3, 4, 5, 6])
      expect(stdout).toMatch(new RegExp(`^ {2}\\(${number}\\) .*, \\d+ bytes$`, "m"));
    expect(stdout).toMatch(/^ {8}Ticket_v +under K_v, des-ecb, \d+ bytes +opened by TGS, V$/m);
    expect(stdout).toContain("→ ALLOWED: V takes mallory for alice@EXAMPLE.TEST");
    expect(stdout).toContain("what mends it  tessera scene show textbook\n");
    for (const line of stdout.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it("gives the facts as JSON", async () => {
    const { code, stdout } = await shell.run("scene run standard --json");
    expect(code).toBe(0);
    const { name, messages, attacked, mendedBy } = JSON.parse(stdout) as Played;
    expect([name, mendedBy]).toEqual(["standard", undefined]);
    expect(messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    const etypes = messages.flatMap(({ sealed }) => sealed.map(({ etype }) => etype));
    expect(new Set(etypes)).toEqual(new Set(["aes256-cts-hmac-sha384-192"]));
    expect(attacked).toMatchObject({ attack: "golden", verdict: "ALLOWED", asExpected: true });
  });

  it("runs none that is told", async () => {
    const { code, stderr } = await shell.run("scene run lifetimes");
    expect([code, stderr]).toEqual([2, expect.stringContaining("lifetimes is told, and does not run")]);
  });
});
