/**
 * The README's paths from nothing to a guarded service, run as they are written: its three shells, command by
 * command, in a clone and in a folder that has installed the package. Only what a test must change is
 * changed, by programs of the same names in front of the real ones: the ports, and the password that a person
 * types.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT, unpack } from "../package/tarball.js";
import { freePorts, Terminal } from "./terminal.js";

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const blocks = [...readme.matchAll(/<!-- shell ([123]) -->\n\n```sh\n([\s\S]*?)```/g)].map(
  ([, shell, text]) => ({ shell: shell as "1" | "2" | "3", commands: text!.trim().split("\n") }),
);

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUp.splice(0).reverse()) clean();
});

/**
 * A folder with the programs that stand in front of the real ones; returns the environment that finds them.
 */
async function surroundings(dir: string, main: string): Promise<NodeJS.ProcessEnv> {
  const [as, tgs, v, orders] = await freePorts(4);
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const program = (name: string, lines: readonly string[]) => {
    writeFileSync(join(bin, name), ["#!/bin/bash", ...lines, ""].join("\n"));
    chmodSync(join(bin, name), 0o755);
  };
  const password = join(dir, "password");
  writeFileSync(password, "a horse of another colour\n", { mode: 0o600 });
  program("npm", ['[ "$*" = ci ] || [ "$*" = "run build" ]']);
  program("npx", [
    `[ "$1" = tessera ] || exit 9; shift; words=("\${@//localhost:50051/$ORDERS_ADDRESS}")`,
    'case "$*" in',
    `  "serve") words+=(--as-port ${as} --tgs-port ${tgs} --v-port ${v});;`,
    `  "kinit alice"|"kadmin addprinc alice") words+=(--password-file "${password}");;`,
    `  "call "*" --address "*) ;;`,
    `  "call --address "*) ;;`,
    `  "call "*) words=(call --address 127.0.0.1:${v} "\${words[@]:1}");;`,
    "esac",
    `exec "${process.execPath}" "${main}" "\${words[@]}"`,
  ]);
  return {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: dir,
    TESSERA_CCACHE: `FILE:${join(dir, "cc")}`,
    TESSERA_KDC: `127.0.0.1:${as},127.0.0.1:${tgs}`,
    ORDERS_ADDRESS: `localhost:${orders}`,
  };
}

test.each(["a clone", "a folder with the package"])(
  "in %s",
  async (where) => {
    const dir = mkdtempSync(join(tmpdir(), "tessera-path-"));
    cleanUp.push(() => rmSync(dir, { recursive: true, force: true }));
    const isClone = where === "a clone";
    const root = isClone ? ROOT : join(dir, "node_modules/tessera-sso");
    if (isClone) symlinkSync(join(ROOT, "examples"), join(dir, "examples"));
    else unpack(dir);
    const env = await surroundings(dir, join(root, "dist/cli/main.js"));
    const shells = { 1: new Terminal(dir, env), 2: new Terminal(dir, env), 3: new Terminal(dir, env) };
    for (const shell of Object.values(shells)) cleanUp.push(() => shell.end());
    const seen: Record<string, string> = {};
    for (const { shell, commands } of blocks)
      for (const line of commands) {
        const command = line.replace(/ +#.*/, "");
        const typed = isClone ? command : command.replace("examples/", "node_modules/tessera-sso/examples/");
        // A server goes on, and is there when it says so. What a shell starts beside itself is not waited
        // for.
        const awaited = /tessera serve$/.test(command) ? /"ready":true/ : undefined;
        const output = await shells[shell].type(typed, awaited);
        if (awaited === undefined) expect(output, command).toMatch(/^exit 0\n/m);
        seen[command] = output;
      }
    const find = (part: string) => Object.entries(seen).find(([command]) => command.includes(part))?.[1];
    expect(find("call who-am-i")).toContain("client: alice@EXAMPLE.TEST");
    expect(find("get-note")).toContain("text: bread, salt");
    const { username } = userInfo();
    expect(find("order.js --key")).toMatch(
      new RegExp(`^1 lamp ${username}@SHARED-KEY\\n2 rope ${username}@SHARED-KEY\\n`, "m"),
    );
    expect(find("order.js lamp")).toMatch(/^1 lamp alice@EXAMPLE.TEST\n2 rope alice@EXAMPLE.TEST\n/m);
    expect(find("Health/Check")).toContain('"status": "SERVING"');
    expect(find("ListOrders")).toContain(
      '{"order":{"id":1,"item":"lamp","owner":"alice@EXAMPLE.TEST"}}\n' +
        '{"order":{"id":2,"item":"rope","owner":"alice@EXAMPLE.TEST"}}\n',
    );
  },
  120_000,
);

test("the path has all shells", () => {
  expect(blocks.map(({ shell }) => shell)).toEqual(["1", "2", "3", "2"]);
  expect(readme.match(/^kill %1$/gm)).toHaveLength(2);
});
