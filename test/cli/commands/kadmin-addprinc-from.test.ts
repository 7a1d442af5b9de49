/** Many principals from a table. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { etypesOf, getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk("--profile standard");

/** Writes a table into the shell's folder. */
function table(name: string, text: string, mode = 0o600): string {
  writeFileSync(shell.file(name), text, { mode });
  return `./${name}`;
}

/** The principals of the realm whose names begin so. */
async function named(prefix: string): Promise<string[]> {
  const { stdout } = await shell.run(`kadmin listprincs ${prefix}*`);
  return stdout.split("\n").slice(0, -1);
}

describe("kadmin addprinc --from", () => {
  it("adds those with a password and those with random keys", async () => {
    const path = table("a.csv", "principal,password,max-life\na/1,,1h\na2,a pass phrase,\n");
    expect(await shell.run(`kadmin addprinc --from ${path} -e aes128`)).toEqual({
      code: 0,
      stdout: "2 principals added\n",
      stderr: "",
    });
    expect(await getPrincipal(shell, "a/1")).toMatchObject({ kind: "random key", maxLifeMs: 3_600_000 });
    expect(await getPrincipal(shell, "a2")).toMatchObject({ kind: "password" });
    expect(await etypesOf(shell, "a2")).toEqual(["aes128-cts-hmac-sha256-128"]);
  });

  it("reads stdin as -, and prints one JSON object a line", async () => {
    const { code, stdout } = await shell.run("kadmin addprinc --json --from -", "principal\nb/1\nb/2\n");
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { line: 2, result: "added", principal: "b/1@EXAMPLE.TEST", kvno: 1 },
      { line: 3, result: "added", principal: "b/2@EXAMPLE.TEST", kvno: 1 },
    ]);
  });

  it("adds nothing where a line is bad, and names every such line", async () => {
    const path = table(
      "c.csv",
      "principal,password,expire\n" +
        "c1,,\n" +
        "c/2/3/4/5,,\n" +
        "c3,a bell\u0007,\n" +
        "c4,,yesterday\n" +
        "c1@EXAMPLE.TEST,,\n" +
        "c6@OTHER.TEST,,\n" +
        ",secret,\n",
    );
    const { code, stdout, stderr } = await shell.run(`kadmin addprinc --from ${path}`);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n")).toEqual([
      expect.stringContaining("./c.csv, line 3: principal: not a principal"),
      expect.stringContaining("./c.csv, line 4: password: it holds a character"),
      expect.stringContaining("./c.csv, line 5: --expire: expected"),
      "tessera: ./c.csv, line 6: c1@EXAMPLE.TEST stands in line 2 already",
      expect.stringContaining("./c.csv, line 7: c6@OTHER.TEST is not of this realm"),
      expect.stringContaining("./c.csv, line 8: principal: not a principal"),
      "hint: nothing was added; mend these lines and run it again",
      "",
    ]);
    expect(await named("c")).toEqual([]);
    const { stdout: json } = await shell.run(`kadmin addprinc --json --from ${path}`);
    expect(JSON.parse(json)).toMatchObject({
      error: { reason: "bad-lines", lines: [3, 4, 5, 6, 7, 8].map((line) => ({ line })) },
    });
  });

  it("shows the first twenty bad lines, and counts the others", async () => {
    const path = table("d.csv", `principal\n${"/\n".repeat(25)}`);
    const { stderr } = await shell.run(`kadmin addprinc --from ${path}`);
    expect(stderr).toContain("line 21:");
    expect(stderr).not.toContain("line 22:");
    expect(stderr).toContain("… and 5 lines more");
  });

  it("refuses what exists, or leaves it with --skip-existing", async () => {
    await shell.run("kadmin addprinc -randkey --disable e1");
    const path = table("e.csv", "principal\ne1\ne2\n");
    expect(await shell.run(`kadmin addprinc --from ${path}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("./e.csv, line 2: e1@EXAMPLE.TEST exists already; --skip-existing"),
    });
    expect(await named("e")).toEqual(["e1@EXAMPLE.TEST"]);
    expect(await shell.run(`kadmin addprinc --from ${path} --skip-existing`)).toMatchObject({
      code: 0,
      stdout: "1 principal added, 1 skipped that exist\n",
    });
    expect(await getPrincipal(shell, "e1")).toMatchObject({ disabled: true, kvno: 1 });
  });

  it("adds more than are on their way at a time", async () => {
    const names = Array.from({ length: 300 }, (_, i) => `f/${String(i).padStart(3, "0")}`);
    const path = table("f.csv", ["principal", ...names].join("\n"));
    expect(await shell.run(`kadmin addprinc --from ${path}`)).toMatchObject({
      stdout: "300 principals added\n",
    });
    expect(await named("f/")).toEqual(names.map((name) => `${name}@EXAMPLE.TEST`));
  });

  it("reads only a file that others can't", async () => {
    const path = table("g.csv", "principal,password\ng,secret\n", 0o644);
    expect(await shell.run(`kadmin addprinc --from ${path}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("chmod"),
    });
  });

  it.each([
    ["a principal", "x", "--from takes principals and passwords from its file alone"],
    ["-randkey", "-randkey", "--from takes principals and passwords from its file alone"],
    ["a password", "--password-stdin", "--from takes principals and passwords from its file alone"],
  ])("does not go with %s", async (_, words, text) => {
    const path = table("h.csv", "principal\nh1\n");
    expect(await shell.run(`kadmin addprinc --from ${path} ${words}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(text),
    });
    expect(await named("h")).toEqual([]);
  });

  it("is what --skip-existing goes with", async () => {
    expect(await shell.run("kadmin addprinc --skip-existing -randkey i1")).toMatchObject({ code: 2 });
  });
});
