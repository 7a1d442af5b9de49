/**
 * docs/operations.md: its commands run, as they are written but for the ports, the place of the database and
 * the password that a person types; every alert has a heading, and every message that is a heading is one
 * that the sources have.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { TESSERA } from "../cli/command.js";
import { ROOT } from "../package/tarball.js";
import { HAS_POSTGRES, PostgresServer } from "../support/postgres-server.js";
import { freePorts, Terminal } from "./terminal.js";

const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const blocks = [...page.matchAll(/<!-- shell (\w+)( postgres)? -->\n\n```sh\n([\s\S]*?)```/g)].map(
  ([, shell, postgres, text]) => ({
    shell: shell!,
    needsPostgres: postgres !== undefined,
    commands: text!.trim().split("\n"),
  }),
);

/** The headings below one of the page's sections. */
function headings(section: string): string[] {
  const [, after = ""] = page.split(`\n## ${section}\n`);
  return [...after.split("\n## ")[0]!.matchAll(/^### (.+)$/gm)].map(([, text]) => text!);
}

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

/** Runs the blocks, each in the shell that it names; returns what each command printed. */
async function follow(chosen: typeof blocks, database?: string): Promise<Map<string, string>> {
  const dir = mkdtempSync(join(tmpdir(), "tessera-operations-"));
  cleanUp.push(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "bin"));
  const tessera = `#!/bin/sh\nexec "${process.execPath}" "${TESSERA}" "$@"\n`;
  writeFileSync(join(dir, "bin/tessera"), tessera, { mode: 0o755 });
  writeFileSync(join(dir, "password"), "a horse of another colour\n", { mode: 0o600 });
  const [as, tgs, as2, tgs2, metrics] = await freePorts(5);
  const typed = (command: string) =>
    command
      .replace(/serve as tgs(?! --as-port)/, "serve as tgs --as-port 8801 --tgs-port 8802")
      .replace(/KDC=localhost:8801$/, "KDC=localhost:8801,localhost:8802")
      .replace(
        /"localhost:8811 localhost:8801"/,
        '"localhost:8811,localhost:8812 localhost:8801,localhost:8802"',
      )
      .replace(/(addprinc|kinit.*) (alice\S*)$/, "$1 --password-file password $2")
      .replace("postgres://tessera@db.example.org/realms", database ?? "")
      .replace(/8801|8802|8811|8812|9464/g, (port) =>
        String({ 8801: as, 8802: tgs, 8811: as2, 8812: tgs2, 9464: metrics }[port]),
      );
  const env = {
    PATH: `${join(dir, "bin")}:${process.env.PATH}`,
    HOME: dir,
    TESSERA_CCACHE: `FILE:${dir}/cc`,
  };
  const shells = new Map<string, Terminal>();
  const seen = new Map<string, string>();
  for (const { shell, commands } of chosen)
    for (const command of commands) {
      if (!shells.has(shell)) {
        const terminal = new Terminal(dir, env);
        shells.set(shell, terminal);
        cleanUp.push(() => terminal.end());
      }
      const goesOn = command.startsWith("tessera serve");
      const output = await shells.get(shell)!.type(typed(command), goesOn ? /"ready":true/ : undefined);
      expect(output, command).toMatch(goesOn ? /"ready":true/ : /^exit 0\n/m);
      seen.set(command, output);
    }
  return seen;
}

const find = (seen: Map<string, string>, part: string) =>
  [...seen].find(([command]) => command.includes(part))?.[1];

test("the commands of one machine run as they are written", async () => {
  const seen = await follow(blocks.filter(({ needsPostgres }) => !needsPostgres));
  expect(seen.size).toBeGreaterThan(20);
  expect(find(seen, "kinit")).toContain("logged in until");
  expect(find(seen, "kvno")).toContain("kvno = 2");
  expect(find(seen, "--dir ./restored")).toContain("principals loaded into");
  expect(find(seen, "new-master-key")).toContain("sealed under the new master key");
  expect(find(seen, "realm check --dir")).toContain("every record opens");
}, 120_000);

describe.skipIf(!HAS_POSTGRES)("with PostgreSQL (it is not on this machine)", () => {
  test("the commands of several machines run as they are written", async () => {
    const server = await PostgresServer.start();
    cleanUp.push(() => server[Symbol.asyncDispose]());
    const first = blocks.findIndex(({ commands }) => commands.some((one) => one.includes("doctor")));
    const seen = await follow(
      blocks.filter(({ needsPostgres, shell }, at) => needsPostgres || (at < first && shell === "kdc")),
      server.database(),
    );
    expect(find(seen, "realm copy")).toContain("5 principals copied");
    expect(find(seen, "realm check")).toContain("every record opens");
    expect(find(seen, "kvno")).toContain("kvno = 2");
  }, 120_000);
});

test("every alert has a heading, in the order of the rules", () => {
  const rules = readFileSync(join(ROOT, "deploy/prometheus/tessera.rules.yml"), "utf8");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  expect(headings("What each alert means")).toEqual(alerts);
});

describe("a message that is a heading is one that is printed:", () => {
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, "src", name), "utf8"))
    .join("\n");
  // Node's own.
  const messages = headings("What goes wrong").filter((text) => text !== "CERT_HAS_EXPIRED");

  test("there are many", () => expect(messages.length).toBeGreaterThan(30));

  test.each(messages)("%s", (text) => expect(sources).toContain(text));
});

test("links within the page and to others lead somewhere", () => {
  const anchors = new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
      text!
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replace(/ /g, "-"),
    ),
  );
  for (const [, link] of page.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(link);
});
