/**
 * The package is ESM only; CommonJS code requires its doors by Node's own support, which needs doors without
 * top-level await. Tried with the Node that runs the tests, and with each that tools/on-node has fetched.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { doors, ROOT } from "./tarball.js";

/** The versions of Node that CI tests. */
const VERSIONS = ["20.20", "22", "24", "26"];

const others = VERSIONS.map((version) => {
  const found = spawnSync("tools/on-node", ["--where", version], { cwd: ROOT, encoding: "utf8" });
  return { version, node: found.status === 0 ? found.stdout.trim() : undefined };
});

/** Prints the names that each door gives to CommonJS code, as JSON. */
const PROGRAM = `
  const names = (door) => Object.keys(require(door)).sort();
  console.log(JSON.stringify(process.argv.slice(1).map((door) => [door, names(door)])));
`;
const names = doors().map(({ name }) => name);

function required(node: string): [door: string, names: string[]][] {
  const args = ["--no-warnings", "--input-type=commonjs", "--eval", PROGRAM, ...names];
  return JSON.parse(execFileSync(node, args, { cwd: ROOT, encoding: "utf8" }));
}

async function imported(): Promise<[door: string, names: string[]][]> {
  return Promise.all(names.map(async (door) => [door, Object.keys(await import(door)).sort()]));
}

describe("each door, required, gives what it gives when imported,", () => {
  test(`under the Node that runs the tests, ${process.version}`, async () => {
    expect(required(process.execPath)).toEqual(await imported());
  });

  for (const { version, node } of others) {
    const why = node === undefined ? `, skipped: \`tools/on-node ${version} node -v\` fetches it` : "";
    test.skipIf(node === undefined)(`under Node ${version}${why}`, async () => {
      expect(required(node!)).toEqual(await imported());
    });
  }
});
