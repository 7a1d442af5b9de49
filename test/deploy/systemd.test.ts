import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InProcess } from "../cli/in-process.js";
import { serveArguments } from "./serve-arguments.js";

const FOLDER = new URL("../../deploy/systemd/", import.meta.url);
const UNITS = readdirSync(FOLDER).filter((name) => name.endsWith(".service"));
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

/** The units with a program that is on this machine, as theirs need not be. */
let copies: string;
beforeAll(() => {
  copies = mkdtempSync(join(tmpdir(), "tessera-units-"));
  for (const unit of UNITS)
    writeFileSync(join(copies, unit), read(unit).replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
});
afterAll(() => rmSync(copies, { recursive: true, force: true }));

function read(name: string): string {
  return readFileSync(new URL(name, FOLDER), "utf8");
}

describe.skipIf(!hasSystemd)("systemd-analyze (systemd is not on this machine)", () => {
  test.each(UNITS)("finds nothing to say about %s", (unit) => {
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", join(copies, unit)], {
      encoding: "utf8",
    });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
  });

  test.each(UNITS)("calls %s well contained: an exposure of at most 2 of 10", (unit) => {
    const words = ["security", "--offline=true", "--threshold=20", "--no-pager", join(copies, unit)];
    const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
    expect(stdout).toContain(`Overall exposure level for ${unit}: `);
    expect(status, stdout).toBe(0);
  });
});

describe("tessera-kdc.service", () => {
  const unit = read("tessera-kdc.service");
  const [, line] = /^ExecStart=\/usr\/local\/bin\/tessera ((?:.*\\\n)*.*)/m.exec(unit)!;
  const words = line!.replace(/\\\n/g, " ").trim().split(/\s+/);

  test("runs AS and TGS with options that `tessera serve` has", () => {
    expect(serveArguments(words).positionals).toEqual(["as", "tgs"]);
  });

  test("reads a configuration without a fault, whose grace ends before systemd's patience", async () => {
    const file = /^Environment=TESSERA_CONFIG=\/etc\/tessera\/(\S+)$/m.exec(unit)![1]!;
    const shell = new InProcess();
    const here = read(file).replace("/var/lib/tessera/probe.keytab", shell.file("probe.keytab"));
    writeFileSync(shell.file("probe.keytab"), "", { mode: 0o600 });
    writeFileSync(shell.file(file), here, { mode: 0o644 });
    expect(await shell.run(`config check ./${file}`)).toMatchObject({ code: 0, stderr: "" });
    shell.remove();
    const [, grace] = /^grace = "(\d+)s"$/m.exec(read(file))!;
    const [, patience] = /^TimeoutStopSec=(\d+)$/m.exec(unit)!;
    expect(Number(grace)).toBeLessThan(Number(patience));
  });

  test("reads certificates among the credentials that it loads", () => {
    const { options } = serveArguments(words);
    const loaded = [...unit.matchAll(/^LoadCredential=([^:]+):/gm)].map(([, name]) => `%d/${name}`);
    expect([options["tls-cert"], options["tls-key"]]).toEqual(loaded);
    expect(unit).toContain("Environment=TESSERA_TRUSTED_DIRS=%d\n");
  });
});
