/**
 * A realm with its own iteration count for passwords: created, logged in to and traced, as a user types it.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, expect, it } from "vitest";
import { Shell } from "../cli/command.js";

const PASSWORD = "a horse of another colour";
const shell = new Shell();
let server: ChildProcessWithoutNullStreams | undefined;

afterAll(() => {
  server?.kill("SIGKILL");
  shell.remove();
});

it("tells its clients the count, and they accept no fewer than the default", async () => {
  const few = await shell.run("realm create --profile standard --iterations 32767");
  expect(few.code).toBe(2);
  expect(few.stderr).toContain("--iterations: expected 32768 to 10000000, got 32767");
  await shell.run("realm create --profile standard --iterations 40000");
  expect((await shell.run("realm show")).stdout).toMatch(/^iterations +40000$/m);
  await shell.run("kadmin addprinc --password-stdin alice", `${PASSWORD}\n`);

  server = shell.start("serve --as-port 0 --tgs-port 0 --v-port 0".split(" "));
  const [first] = (await once(createInterface(server.stdout), "line")) as [string];
  const { addresses } = JSON.parse(first) as { addresses: Record<"as" | "tgs" | "v", string> };
  shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;

  const line = `trace --password-stdin --keytab realm/v.keytab --address ${addresses.v}`;
  const { code, stdout } = await shell.run(`${line} alice`, `${PASSWORD}\n`);
  expect(code).toBe(0);
  // The client can open the proof that was accepted: trace made its key with the KDC's iterations.
  expect(stdout).toMatch(/padata: aes256-cts-hmac-sha384-192[\s\S]*patimestamp +TS1/);
});
