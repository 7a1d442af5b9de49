/** The completions, in the shells that are installed here. */
import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../src/cli/frame/command-table.js";
import { InProcess } from "../in-process.js";

const run = promisify(execFile);
const shell = new InProcess();
afterAll(() => shell.remove());

beforeAll(async () => {
  for (const name of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await shell.run(`completion ${name}`);
    expect(code).toBe(0);
    writeFileSync(shell.file(name), stdout);
  }
  writeFileSync(shell.file("users.csv"), "");
});

const isInstalled = (name: string) => spawnSync(name, ["--version"]).status === 0;

/** What bash completes at the end of a line; without its own names of files. */
async function bash(line: string): Promise<string[]> {
  const words = line.split(" ");
  const program =
    `source ${shell.file("bash")}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); ` +
    `COMP_CWORD=${words.length - 1}; _tessera; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await run("bash", ["--norc", "-c", program]);
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

/** What fish completes at the end of a line, without the descriptions. */
async function fish(line: string): Promise<string[]> {
  const program = `source ${shell.file("fish")}; cd ${shell.dir}; complete -C '${line}'`;
  const { stdout } = await run("fish", ["--no-config", "-c", program]);
  return stdout.split("\n").flatMap((row) => (row === "" ? [] : [row.split("\t")[0]!]));
}

/** The line that zsh makes of another and a tabulator. */
async function zsh(line: string, completed: string): Promise<string> {
  const program = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "PS1=; autoload -U compinit; compinit -u -D; source ${shell.file("zsh")}; cd ${shell.dir}; print rea''dy"
    zpty -r shell out '*ready*'
    zpty -w -n shell $'${line}\\t'
    zpty -r shell out '*${completed}*'
    print -r -- "$out"`;
  const { stdout } = await run("zsh", ["-f", "-c", program], { timeout: 15_000 });
  return stdout;
}

/** What each shell completes; names of files come from the shell itself. */
const ROWS: readonly (readonly [line: string, completed: readonly string[]])[] = [
  ["tessera ki", ["kinit"]],
  ["tessera kadm", ["kadmin"]],
  ["tessera kadmin lis", ["listprincs"]],
  ["tessera kadmin addprinc --skip", ["--skip-existing"]],
  ["tessera kadmin add_principal --skip", ["--skip-existing"]],
  ["tessera kadmin --keep", ["--keep-going"]],
  ["tessera realm set-profile te", ["textbook"]],
  ["tessera realm create --prof", ["--profile"]],
  ["tessera completion z", ["zsh"]],
  ["tessera kinit --verb", ["--verbose"]],
  ["tessera kinit --nothing-like-it", []],
];

describe("in bash", () => {
  it.each(ROWS)("%s", async (line, completed) => {
    expect(await bash(line)).toEqual(completed);
  });

  it("every command, and every option of each", async () => {
    expect(await bash("tessera ")).toEqual([...new Set(COMMANDS.map(({ name }) => name.split(" ")[0]))]);
    for (const { name, load } of COMMANDS) {
      const { options } = (await load()).command;
      const offered = await bash(`tessera ${name} -`);
      for (const [long, { short }] of Object.entries(options)) {
        expect(offered, name).toContain(`--${long}`);
        if (short !== undefined) expect(offered, name).toContain(`-${short}`);
      }
    }
  });

  it("nothing of its own after an option that takes a value", async () => {
    expect(await bash("tessera kadmin addprinc --from -")).toEqual([]);
    expect(await bash("tessera realm create --realm -")).toEqual([]);
  });
});

describe.skipIf(!isInstalled("fish"))("in fish", () => {
  it.each(ROWS)("%s", async (line, completed) => {
    expect(await fish(line)).toEqual(completed);
  });

  it("a file's name after an option that takes one", async () => {
    expect(await fish("tessera kadmin addprinc --from use")).toEqual(["users.csv"]);
    expect(await fish("tessera kadmin addprinc --max-life use")).toEqual([]);
  });
});

describe.skipIf(!isInstalled("zsh"))("in zsh", () => {
  it.each(ROWS.filter(([, completed]) => completed.length > 0))("%s", async (line, [completed]) => {
    const rest = line.slice(line.lastIndexOf(" ") + 1);
    expect(await zsh(line, `${line.slice(0, -rest.length)}${completed}`)).toContain(completed);
  });

  it("is a script without errors", async () => {
    expect(await run("zsh", ["-n", shell.file("zsh")])).toEqual({ stdout: "", stderr: "" });
  });
});

describe("completion", () => {
  it("is refused for a shell that there is none for", async () => {
    expect(await shell.run("completion tcsh")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected one of bash, zsh, fish"),
    });
  });

  it("is a script and the name of its shell as JSON", async () => {
    expect(JSON.parse((await shell.run("completion --json fish")).stdout)).toMatchObject({ shell: "fish" });
  });
});
