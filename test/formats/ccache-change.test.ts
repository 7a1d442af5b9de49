import { describe, expect, it } from "vitest";
import { formatCredentialCache, parseCredentialCache } from "../../src/formats/ccache.js";
import { type CacheChange, planCacheChange } from "../../src/formats/ccache-change.js";
import { formatCredentials, removedTimes } from "../../src/formats/ccache-credential.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { wipedBy } from "../support/wiped.js";

const T = Date.UTC(2026, 2, 1);
const alice = parsePrincipal("alice@A.TEST", "alice");
const ticket = (server: string, byte: number): Credentials => ({
  client: alice,
  server: parsePrincipal(`${server}@A.TEST`, "server"),
  key: new Key(etypeOf(20), new Uint8Array(32).fill(byte)),
  ticket: Uint8Array.of(byte),
  flags: [],
  authtime: T,
  starttime: T,
  endtime: T + 3_600_000,
  renewTill: undefined,
});
const [tgt, v, w] = [ticket("krbtgt/A.TEST", 1), ticket("v", 2), ticket("w", 3)];
const config = [{ name: "fast_avail", server: undefined, value: Uint8Array.of(121) }];
const cacheOf = (credentials: Credentials[], kdcOffset: number | undefined) =>
  formatCredentialCache({ defaultPrincipal: alice, kdcOffset, credentials, config });

/** The file once a change is made: nothing stays behind what was added. */
function changed(file: Uint8Array, { end, additions, marks }: CacheChange): Uint8Array {
  const added = additions.map(({ bytes }) => bytes);
  const whole = new Uint8Array(
    Buffer.concat([file.subarray(0, additions.length > 0 ? end : undefined), ...added]),
  );
  for (const { offset, bytes } of marks) whole.set(bytes, offset);
  return whole;
}

const serversOf = (file: Uint8Array) => parseCredentialCache(file).credentials.map(({ server }) => server);

describe("a credential cache changed in place", () => {
  const file = cacheOf([tgt, v], 1000);
  const parsed = parseCredentialCache(file);
  const before = { kdcOffset: 1000, credentials: parsed.credentials };
  const [ownTgt, ownV] = parsed.credentials;

  it("is left alone where nothing is to change", () => {
    expect(planCacheChange(parsed, before, before)).toEqual({ end: file.length, additions: [], marks: [] });
  });

  it("gets what is new at its end, in order, and keeps every byte it had", () => {
    const change = planCacheChange(parsed, before, {
      ...before,
      credentials: [...parsed.credentials, w, tgt],
    });
    expect(change.marks).toEqual([]);
    const both = Buffer.concat([formatCredentials(w), formatCredentials(tgt)]);
    expect(change.additions).toEqual([{ offset: file.length, bytes: both }]);
    expect(serversOf(changed(file, change))).toEqual([tgt, v, w, tgt].map(({ server }) => server));
  });

  it("has marked as removed what is not wanted any more, and nothing else", () => {
    const change = planCacheChange(parsed, before, { ...before, credentials: [ownTgt!] });
    const { timesOffset } = parsed.entries.find(({ held }) => held === ownV)!;
    expect(change).toEqual({
      end: file.length,
      additions: [],
      marks: [{ offset: timesOffset, bytes: removedTimes(ownV!) }],
    });
    const after = parseCredentialCache(changed(file, change));
    expect(after.credentials.map(({ server }) => server)).toEqual([tgt.server]);
    expect(after.config).toEqual(config);
  });

  it("takes an equal credential that is another object for a new one", () => {
    const change = planCacheChange(parsed, before, { ...before, credentials: [ownTgt!, v] });
    expect([change.additions.length, change.marks.length]).toEqual([1, 1]);
    expect(serversOf(changed(file, change))).toEqual([tgt.server, v.server]);
  });

  it("leaves alone what is not ours", () => {
    const change = planCacheChange(
      parsed,
      { ...before, credentials: [ownTgt!] },
      { ...before, credentials: [] },
    );
    expect(serversOf(changed(file, change))).toEqual([v.server]);
  });

  it("has the KDC's clock written over where it changed and has a place", () => {
    const after = { ...before, kdcOffset: -2500 };
    const change = planCacheChange(parsed, before, after);
    expect([change.additions, change.marks.length]).toEqual([[], 1]);
    expect(parseCredentialCache(changed(file, change)).kdcOffset).toBe(-2500);
    const placeless = parseCredentialCache(cacheOf([tgt], undefined));
    const held = { kdcOffset: 0, credentials: placeless.credentials };
    expect(planCacheChange(placeless, held, { ...held, kdcOffset: 5 }).marks).toEqual([]);
  });

  it("gets what is new in place of a credential that nobody finished", () => {
    const cut = new Uint8Array(Buffer.concat([file, formatCredentials(w).subarray(0, 40)]));
    const found = parseCredentialCache(cut);
    const held = { kdcOffset: 1000, credentials: found.credentials };
    const change = planCacheChange(found, held, { ...held, credentials: [...found.credentials, w] });
    expect(change.end).toBe(file.length);
    expect(serversOf(changed(cut, change))).toEqual([tgt, v, w].map(({ server }) => server));
  });

  it("keeps no copy of a session key besides the bytes that are to be written", async () => {
    const after = { ...before, credentials: [...parsed.credentials, w] };
    const wiped = await wipedBy(() => planCacheChange(parsed, before, after));
    expect(wiped).toContainEqual([...formatCredentials(w)]);
    expect(wiped).toContainEqual([...w.key.exportBytes()]);
  });

  it("is refused times that the format can't hold", () => {
    const late = { ...w, endtime: 2 ** 32 * 1000 };
    expect(() => planCacheChange(parsed, before, { ...before, credentials: [late] })).toThrow(RangeError);
    expect(() => planCacheChange(parsed, before, { ...before, kdcOffset: 2 ** 42 })).toThrow(RangeError);
  });
});
