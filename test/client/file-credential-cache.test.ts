import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CachedLogin } from "../../src/client/credential-cache.js";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { formatKeytab } from "../../src/formats/keytab.js";
import { login, makeRealm } from "../support/entries.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "ccache-"));
  path = join(dir, "cc");
});
afterEach(() => rmSync(dir, { recursive: true }));

const hexOf = (text: string) => Buffer.from(text).toString("hex");

function someLogin(): CachedLogin {
  const { credentials } = login(makeRealm());
  return { client: credentials.client, kdcOffset: -1234, credentials: [credentials] };
}

describe("a credential cache in a file", () => {
  it("gives back what was stored", async () => {
    const kept = someLogin();
    await fileCache(path).store(kept);
    const loaded = await fileCache(path).load();
    expect(loaded?.client).toBe(kept.client);
    expect(loaded?.kdcOffset).toBe(-1234);
    expect(loaded?.credentials[0]?.ticket).toEqual(kept.credentials[0]?.ticket);
    expect(loaded?.credentials[0]?.key.exportBytes()).toEqual(kept.credentials[0]?.key.exportBytes());
  });

  it("is readable by its owner alone, and leaves nothing beside it", async () => {
    await fileCache(path).store(someLogin());
    await fileCache(path).store(someLogin());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(spawnSync("ls", ["-A", dir], { encoding: "utf8" }).stdout).toBe("cc\n");
  });

  it("is nobody's where there is no file", async () => {
    expect(await fileCache(path).load()).toBeUndefined();
    expect(await fileCache(path).destroy()).toBe(false);
  });

  it("is overwritten, then removed", async () => {
    await fileCache(path).store(someLogin());
    const link = join(dir, "second-name");
    spawnSync("ln", [path, link]);
    expect(await fileCache(path).destroy()).toBe(true);
    expect(await fileCache(path).load()).toBeUndefined();
    expect(readFileSync(link).every((byte) => byte === 0)).toBe(true);
  });

  it("refuses a file open to others", async () => {
    await fileCache(path).store(someLogin());
    chmodSync(path, 0o640);
    await expect(fileCache(path).load()).rejects.toMatchObject({ code: "unsafe" });
  });

  it("follows no symbolic link", async () => {
    const target = join(dir, "target");
    writeFileSync(target, "precious", { mode: 0o600 });
    symlinkSync(target, path);
    for (const use of [
      () => fileCache(path).load(),
      () => fileCache(path).store(someLogin()),
      () => fileCache(path).destroy(),
    ])
      await expect(use()).rejects.toMatchObject({ code: "unsafe" });
    expect(readFileSync(target, "utf8")).toBe("precious");
  });

  it("says what to do with a file that is none, and does not advise what it would refuse", async () => {
    writeFileSync(path, "hello", { mode: 0o600 });
    await expect(fileCache(path).load()).rejects.toMatchObject({
      name: "CredentialCacheError",
      message: `${path}: is not a credential cache`,
      hint: "name another: -c FILE, or TESSERA_CCACHE; this file stays as it is",
    });
  });

  const name = `00000001 00000001 0000000c ${hexOf("EXAMPLE.TEST")} 00000005 ${hexOf("alice")}`;
  // klist advised kdestroy, which refused, and kinit refused too.
  it.each([
    ["of version 1", `0501 00000002 ${name.slice(18)}`, /a credential cache of the old version 1$/],
    ["of version 2", `0502 ${name}`, /a credential cache of the old version 2$/],
    ["of version 3", `0503 ${name}`, /a credential cache of the old version 3$/],
    ["that is damaged", "0504 0003 000000", /cut short/],
    [
      "of a name outside the grammar",
      `0504 0000 ${name.replace(hexOf("alice"), hexOf("al ce"))}`,
      /al ce@EXAMPLE.TEST/,
    ],
    ["that is empty", "", /not a credential cache of version/],
  ])("is one %s, and then what is advised works", async (_, hex, text) => {
    for (const mend of [
      async () => {
        await fileCache(path).store(someLogin());
        expect(await fileCache(path).load()).toBeDefined();
      },
      async () => expect(await fileCache(path).destroy()).toBe(true),
    ]) {
      writeFileSync(path, Buffer.from(hex.replaceAll(" ", ""), "hex"), { mode: 0o600 });
      await expect(fileCache(path).load()).rejects.toMatchObject({
        name: "CredentialCacheError",
        message: expect.stringMatching(text),
        hint: "`tessera kinit` puts a new one in its place, `tessera kdestroy` removes it",
      });
      await mend();
    }
  });

  it("is named as it names itself, and by no other type", async () => {
    const { name } = fileCache(path);
    await fileCache(path).store(someLogin());
    expect(name).toBe(`FILE:${path}`);
    expect(await fileCache(name).load()).toBeDefined();
    expect(fileCache(name).name).toBe(name);
    expect(() => fileCache("KEYRING:persistent:1000")).toThrow(RangeError);
  });
});

it.each(["store", "destroy"] as const)("leaves a file that is no cache as it is: %s", async (what) => {
  writeFileSync(path, "#!/bin/sh\n", { mode: 0o600 });
  const cache = fileCache(path);
  const done = what === "store" ? cache.store(someLogin()) : cache.destroy();
  await expect(done).rejects.toMatchObject({ name: "PrivateFileError", code: "unsafe" });
  expect(readFileSync(path, "utf8")).toBe("#!/bin/sh\n");
});

describe("the revision of a cache in a file", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  it("names its state once two seconds have passed since its last change", async () => {
    const cache = fileCache(path);
    expect(cache.revision!()).toBeUndefined();
    await cache.store(someLogin());
    const changedAt = Math.floor(statSync(path).ctimeMs);
    vi.setSystemTime(changedAt + 2_000);
    expect(cache.revision!()).toBeUndefined();
    vi.setSystemTime(changedAt + 2_001);
    const revision = cache.revision!();
    expect(revision).toEqual(expect.any(String));
    expect(fileCache(path).revision!()).toBe(revision);
  });

  it("is another after a change", async () => {
    const cache = fileCache(path);
    await cache.store(someLogin());
    vi.setSystemTime(Date.now() + 60_000);
    const revision = cache.revision!();
    utimesSync(path, 1, 1);
    expect(cache.revision!()).not.toBe(revision);
  });
});

it("leaves a keytab as it is, though its first bytes are those of an old cache", async () => {
  const { key } = someLogin().credentials[0]!;
  const keytab = formatKeytab([{ principal: someLogin().client, kvno: 1, timestamp: 0, key }]);
  writeFileSync(path, keytab, { mode: 0o600 });
  await expect(fileCache(path).destroy()).rejects.toMatchObject({ code: "unsafe" });
  await expect(fileCache(path).store(someLogin())).rejects.toMatchObject({ code: "unsafe" });
  expect(new Uint8Array(readFileSync(path))).toEqual(keytab);
});
