/** What V says on start of a keytab that is of no use to it. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { Shell } from "./command.js";

const shell = new Shell();
beforeAll(async () => {
  await shell.run("realm create");
});
afterAll(() => shell.remove());

/** What V alone, of the profile `standard`, says on stderr until it ends. */
async function saidByV(): Promise<string> {
  const server = shell.start("serve v --keytab realm/v.keytab --v-port 0".split(" "));
  onTestFinished(() => void server.kill("SIGKILL"));
  let said = "";
  server.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const closed = once(server, "close");
  await once(createInterface(server.stdout), "line");
  server.kill("SIGTERM");
  expect(await closed).toEqual([0, null]);
  return said.replace("tessera: SIGTERM: finishing; again to end at once\n", "");
}

it("names the encryption types of its keytab where none is permitted, and the command that mends it", async () => {
  const command =
    "kadmin ktadd -k realm/v.keytab -e aes256-cts-hmac-sha384-192,aes128-cts-hmac-sha256-128 v/localhost@EXAMPLE.TEST";
  expect(await saidByV()).toBe(
    "tessera: realm/v.keytab holds only des-cbc-md5, which the profile standard does not permit: V refuses every ticket\n" +
      `tessera: make keys that it permits: tessera ${command}\n`,
  );
  expect((await shell.run(command)).code).toBe(0);
  expect(await saidByV()).toBe("");
});
