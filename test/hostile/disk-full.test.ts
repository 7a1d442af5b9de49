/**
 * A KDC whose disk is full: users log in and get tickets, what would be written is refused by name, a service
 * that could not remember what it accepts refuses for the moment; all works again when there is room, without
 * a restart.
 */
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EchoRequestSchema, EchoResponseSchema, KerberosClient } from "../../src/client/index.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { createRealm } from "../../src/realm/create-realm.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { runRealm } from "../../src/services/run-realm.js";
import { canMount, withSmallDisk } from "../support/mounts.js";

const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };
const named = (name: string) => parsePrincipal(`${name}@EXAMPLE.TEST`, "name");
const USERS = ["alice", "bob", "carol"];

test.runIf(canMount)("a full disk (runs as root)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-full-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await withSmallDisk(
    folder,
    async () => {
      const directory = await createRealm(join(folder, "realm"), { profile: "textbook" }, Date.now());
      const realm = await openRealm(directory);
      for (const name of USERS)
        await addPasswordPrincipal(realm, name, `${name}'s`, Date.now(), { etypes: [3] });
      const running = await runRealm({ realm, ports: { as: 0, tgs: 0, v: 0 }, log: () => {} });
      const address = (name: "as" | "tgs" | "v") => running.address(name);
      /** A user's way up to a service ticket. */
      const logIn = async (name: string) => {
        const kdc = { as: address("as"), tgs: address("tgs") };
        const client = new KerberosClient({ kdc, etypes: { permitted: [20, 19, 3], first: 3 } });
        onTestFinished(() => client.close());
        await client.login(named(name), `${name}'s`);
        await client.serviceTicket(named("v/localhost"));
        return client;
      };
      const v = { principal: named("v/localhost"), address: address("v") };
      const call = async (client: KerberosClient) => (await client.access(v, ECHO, { text: "words" })).text;
      try {
        expect(await call(await logIn("alice"))).toBe("words");
        fill(join(folder, "filler"));

        for (const name of USERS) await logIn(name);
        const written = () => addRandomKeyPrincipal(realm, "new/localhost", Date.now());
        await expect(writeUntilRefused(realm)).resolves.toMatchObject({
          name: "StoreError",
          code: "full",
          message: expect.stringContaining("make room and try again"),
        });
        for (const name of USERS) await logIn(name);
        // V, which remembers what it accepts on this disk, accepts nothing that it could not remember.
        await expect(call(await logIn("alice"))).rejects.toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });

        unlinkSync(join(folder, "filler"));
        expect((await written()).keys.length).toBeGreaterThan(0);
        for (const name of USERS) expect(await call(await logIn(name))).toBe("words");
      } finally {
        await running.stop(0);
        await realm[Symbol.asyncDispose]();
      }
    },
    "16m",
  );
});

/** The database has free pages of its own at first: those are used up. Resolves to the refusal. */
async function writeUntilRefused(realm: Awaited<ReturnType<typeof openRealm>>): Promise<unknown> {
  for (let n = 0; n < 2000; n++)
    try {
      await addRandomKeyPrincipal(realm, `filler-${n}`, Date.now());
    } catch (error) {
      return error;
    }
  return undefined;
}

/** Writes a file until there is no room for another byte. */
function fill(path: string): void {
  for (const size of [65_536, 4096, 1])
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
}
