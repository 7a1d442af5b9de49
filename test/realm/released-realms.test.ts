import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InProcess } from "../cli/in-process.js";
import { contentsOf, copyReleased, makeReleased, releasedRealms } from "./released-realms.js";

/** The release that these sources become: CHANGELOG.md. */
const NEXT = "0.2.0";

// TESSERA_WRITE_VECTORS=1 makes what is missing. To make the next release's anew, remove its folder first.
if (
  process.env.TESSERA_WRITE_VECTORS === "1" &&
  !existsSync(new URL(`../vectors/realm/${NEXT}`, import.meta.url))
)
  await makeReleased(NEXT);

const all = releasedRealms();

test("the release that these sources become has its realm", () => {
  expect(all.map(({ version }) => version)).toContain(NEXT);
});

describe.each(all.map((one) => [one.version, one] as const))("the realm of %s", (_, released) => {
  const { principals, passwords } = released.expected;

  /** A copy in a folder of its own, and a shell whose realm it is. */
  function copied(): InProcess {
    const shell = new InProcess();
    copyReleased(released, shell.dir);
    return shell;
  }

  test("opens: every record is what it was, every key too", async () => {
    const shell = copied();
    expect(await contentsOf(shell.file("realm"))).toEqual(principals);
    expect(await shell.run("realm check")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("opens"),
    });
    shell.remove();
  });

  test("is loaded from its dump, into a new folder and over what is there", async () => {
    const shell = copied();
    const loaded = await shell.run("realm load --dir ./new --master-key ./realm/master.key ./realm.dump");
    expect(loaded).toMatchObject({ code: 0, stderr: "" });
    expect(await contentsOf(shell.file("new"))).toEqual(principals);
    expect(await shell.run("realm load --update ./realm.dump")).toMatchObject({ code: 0, stderr: "" });
    expect(await contentsOf(shell.file("realm"))).toEqual(principals);
    shell.remove();
  });

  test("is served: alice logs in with her password and calls V, which reads its keytab", async () => {
    const shell = copied();
    const running = shell.start("serve --as-port 0 --tgs-port 0 --v-port 0".split(" "));
    const { addresses } = JSON.parse(await running.firstLine);
    shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
    expect(await shell.run("kinit --password-stdin alice", passwords.alice)).toMatchObject({ code: 0 });
    const called = await shell.run(`call --address ${addresses.v} who-am-i`);
    expect(called.stdout).toContain("client: alice@EXAMPLE.TEST");
    const refused = await shell.run("kinit --json --password-stdin bob", passwords.bob);
    expect(JSON.parse(refused.stdout).error.reason).toBe("KDC_ERR_CLIENT_REVOKED");
    running.end();
    expect(await running.outcome).toMatchObject({ code: 0 });
    shell.remove();
  });
});
