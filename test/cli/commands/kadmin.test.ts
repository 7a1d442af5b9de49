/** A file of kadmin commands. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk();
const exists = (place: string, name: string) =>
  `tessera: ${place}: ${name}@EXAMPLE.TEST exists already\n` +
  "hint: cpw changes its password or keys, modprinc its limits\n";

/** Writes a file into the shell's folder. */
function file(name: string, ...lines: string[]): string {
  writeFileSync(shell.file(name), lines.join("\n"));
  return `./${name}`;
}

describe("kadmin -f", () => {
  it("runs each line of a file as kadmin would, without comments and empty lines", async () => {
    const path = file(
      "a",
      "# two",
      "addprinc -randkey a1",
      "",
      "  modprinc --disable a1 # off\r",
      "getprinc a1",
    );
    const { code, stdout, stderr } = await shell.run(`kadmin -f ${path}`);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^a1@EXAMPLE\.TEST added, .*\n.*\na1@EXAMPLE\.TEST changed\nPrincipal:/);
    expect(await getPrincipal(shell, "a1")).toMatchObject({ disabled: true });
  });

  it("reads stdin as -", async () => {
    expect(await shell.run("kadmin -f -", "addprinc -randkey b1\ndelprinc -force b1")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nb1@EXAMPLE\.TEST deleted\n$/),
      stderr: "",
    });
  });

  it("stops at the first command that fails, with its exit code, and names the line", async () => {
    const path = file("c", "addprinc -randkey c1", "", "addprinc -randkey c1", "addprinc -randkey c2");
    expect(await shell.run(`kadmin -f ${path}`)).toMatchObject({
      code: 1,
      stderr: `${exists("./c:3", "c1")}tessera: ./c:3: stopped here; commands done before: 1\n`,
    });
    expect(await shell.run("kadmin getprinc c2")).toMatchObject({ code: 1 });
  });

  it("goes on with --keep-going, and exits with 1", async () => {
    const path = file("d", "addprinc -randkey d1", "addprinc -randkey d1", "addprinc -randkey d2");
    expect(await shell.run(`kadmin -f ${path} --keep-going`)).toMatchObject({
      code: 1,
      stderr: `${exists("./d:2", "d1")}tessera: ./d: commands done: 2, failed: 1\n`,
    });
    expect(await getPrincipal(shell, "d2")).toMatchObject({ kvno: 1 });
  });

  it("prints one JSON object a line with --json, with the number of its line", async () => {
    const path = file("e", "", "addprinc -randkey e1", "addprinc -randkey e1");
    const { code, stdout } = await shell.run(`kadmin --json -f ${path}`);
    expect(code).toBe(1);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { line: 2, principal: "e1@EXAMPLE.TEST", kvno: 1 },
      { line: 3, error: { reason: "exists" } },
    ]);
  });

  it("prints an object with --json for wrong usage too", async () => {
    const path = file("i", "addprinc --nothing i1", "addprinz i1", "getprinc 'i1", "addprinc -randkey i1");
    const { code, stdout } = await shell.run(`kadmin --json --keep-going -f ${path}`);
    expect(code).toBe(1);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { line: 1, error: { reason: "usage", text: expect.stringContaining("unknown option --nothing") } },
      { line: 2, error: { reason: "usage", text: expect.stringContaining("unknown command") } },
      { line: 3, error: { reason: "usage", text: "a quote is not closed" } },
      { line: 4, principal: "i1@EXAMPLE.TEST" },
    ]);
  });

  it.each([
    ["an unknown command", "addprinz x", 2, "f:1: unknown command: kadmin addprinz; did you mean"],
    ["a wrong option", "getprinc --nothing x", 2, "f:1: kadmin getprinc: unknown option --nothing"],
    ["an open quote", "getprinc 'x", 2, "f:1: a quote is not closed"],
    ["a file of commands", "-f other", 2, "f:1: kadmin: a file of commands runs no other file"],
    [
      "a password from stdin",
      "addprinc --password-stdin x",
      2,
      "f:1: kadmin addprinc: --password-stdin: not in",
    ],
    ["a table from stdin", "addprinc --from - x", 2, "f:1: kadmin addprinc: --from takes principals"],
  ])("names the line of %s", async (_, line, code, text) => {
    expect(await shell.run(`kadmin -f ${file("f", line)}`)).toMatchObject({
      code,
      stdout: "",
      stderr: expect.stringContaining(text),
    });
  });

  it("opens the folder that a line names for that line alone", async () => {
    await shell.run("realm create --dir ./other");
    const path = file("g", `addprinc --dir ${shell.file("other")} -randkey g1`, "addprinc -randkey g2");
    expect(await shell.run(`kadmin -f ${path}`)).toMatchObject({ code: 0, stderr: "" });
    expect(await shell.run("kadmin getprinc --dir ./other g1")).toMatchObject({ code: 0 });
    expect(await shell.run("kadmin getprinc g1")).toMatchObject({ code: 1 });
  });

  it("works on the folder of --dir, not on the environment's, wherever a line names none", async () => {
    // The commands of `kadmin --dir ./backup -f FILE` changed the realm that was in use, and exited with 0.
    await shell.run("realm create --dir ./third --realm THIRD.TEST");
    const path = file("h", "addprinc -randkey h1", "getprinc h1");
    for (const words of [`--dir ./third -f ${path}`, `-f ${path} --dir=./third --keep-going`])
      expect(await shell.run(`kadmin ${words}`)).toMatchObject({
        stdout: expect.stringContaining("h1@THIRD.TEST"),
      });
    expect(await shell.run("kadmin getprinc --dir ./third h1@THIRD.TEST")).toMatchObject({ code: 0 });
    expect(await shell.run("kadmin getprinc h1")).toMatchObject({ code: 1 });
  });

  it.each([
    ["no file", "kadmin --json", 2, "which file? -f FILE"],
    ["a file that is not there", "kadmin -f ./none", 1, "ENOENT"],
    ["a folder", "kadmin -f ./", 1, "is a folder"],
  ])("is refused with %s", async (_, line, code, text) => {
    expect(await shell.run(line)).toMatchObject({ code, stderr: expect.stringContaining(text) });
  });

  it("refuses what is not UTF-8, and a line without an end", async () => {
    writeFileSync(shell.file("bytes"), Uint8Array.of(0x61, 0xff, 0x0a));
    expect(await shell.run("kadmin -f ./bytes")).toMatchObject({ code: 1, stderr: /not valid UTF-8/ });
    const endless = file("endless", "a".repeat(200_000));
    expect(await shell.run(`kadmin -f ${endless}`)).toMatchObject({ code: 1, stderr: /longer than 64 KiB/ });
  });

  it("stands in the help of kadmin", async () => {
    const { stdout } = await shell.run("kadmin --help");
    expect(stdout).toContain("kadmin -f FILE");
    expect((await shell.run("kadmin -f --help")).stdout).toContain("--keep-going");
  });
});
