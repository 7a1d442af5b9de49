import { beforeAll, describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import type { EncApRepPart } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  makeApReq,
  makeSubkey,
  type PendingApReq,
  randomSeqNumber,
  replayRecord,
  type VerifiedApReq,
  verifyApReq,
} from "../../src/protocol/ap-exchange.js";
import { type ApRep, makeApRep, verifyApRep } from "../../src/protocol/ap-rep.js";
import { AP_USE, replayTag, TGS_USE } from "../../src/protocol/authenticator.js";
import { toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import {
  grantTicket,
  login,
  makeEntry,
  makeKeys,
  makeRealm,
  NOW,
  reseal,
  resealTicket,
  servicePolicy,
} from "../support/entries.js";
import { EXTENSION_VECTORS, extensionDetails } from "../support/extension-vectors.js";
import { describeApReq } from "./ap-req-suite.js";
import { expectRefusal } from "./refusal.js";

const realm = makeRealm();
const { credentials } = grantTicket(realm, login(realm).credentials);
const covered = new TextEncoder().encode("/kerberos.v1.ApplicationService/Access");
const policy = servicePolicy(realm);
const fresh = { subkey: makeSubkey(credentials.key), seqNumber: 77 };
const make = () => makeApReq(credentials, AP_USE, covered, fresh, NOW);

describe.each([...ENCRYPTION_TYPES.values()].map((row) => [row.name, row.etype] as const))(
  "with %s",
  (_, etype) => {
    const home = makeRealm(etype);
    const ticket = grantTicket(home, login(home).credentials).credentials;

    test("ticket and authenticator prove the client, and the answer proves the service", () => {
      const own = { subkey: makeSubkey(ticket.key), seqNumber: 1 };
      const { blobs, pending } = makeApReq(ticket, AP_USE, covered, own, NOW);
      const verified = verifyApReq(blobs, AP_USE, covered, servicePolicy(home), NOW);
      expect(verified.client).toBe("alice@EXAMPLE.TEST");
      expect(verified.ticket.sessionKey.exportBytes()).toEqual(ticket.key.exportBytes());
      expect(verified.subkey!.exportBytes()).toEqual(own.subkey.exportBytes());
      expect(verified.authenticator.seqNumber).toBe(1);
      const answer = makeApRep(verified);
      const proved = verifyApRep(answer.bytes, pending);
      expect(proved.subkey.exportBytes()).toEqual(answer.subkey.exportBytes());
      expect(proved.seqNumber).toBe(answer.seqNumber);
      expect(answer.subkey.exportBytes()).not.toEqual(own.subkey.exportBytes());
      expect(answer.subkey.etype.etype).toBe(etype);
    });

    test("an authenticator for one use is good for the other only where the type knows no key usage", () => {
      const { blobs } = makeApReq(ticket, TGS_USE, covered, undefined, NOW);
      const run = () => verifyApReq(blobs, AP_USE, covered, servicePolicy(home), NOW);
      if (etype <= 3) expect(run).not.toThrow();
      else expectRefusal(run, "KRB_AP_ERR_BAD_INTEGRITY", { part: "authenticator" });
    });
  },
);

describe("a service", () => {
  describeApReq({
    blobs: make().blobs,
    service: realm.service,
    sessionKey: credentials.key,
    use: AP_USE,
    verify: (blobs, now = NOW) => verifyApReq(blobs, AP_USE, covered, policy, now),
  });

  const { blobs } = make();
  test.each<[string, Uint8Array]>([
    ["another method", new TextEncoder().encode("/kerberos.v1.ApplicationService/Other_")],
    ["a byte less", covered.slice(0, -1)],
    ["a byte more", Uint8Array.of(...covered, 0)],
    ["nothing", new Uint8Array()],
  ])("takes an authenticator for the bytes it was made for, not for %s", (_, other) => {
    expectRefusal(() => verifyApReq(blobs, AP_USE, other, policy, NOW), "KRB_AP_ERR_MODIFIED", {
      field: "checksum",
    });
  });

  test("takes no ticket for another service, though the keys be the same", () => {
    const service = { ...policy.service, principal: makeEntry("other/host").principal };
    expectRefusal(
      () => verifyApReq(blobs, AP_USE, covered, { ...policy, service }, NOW),
      "KRB_AP_ERR_NOT_US",
      { server: "other/host@EXAMPLE.TEST" },
    );
  });

  test("takes no TGT for a service ticket", () => {
    const tgt = login(realm).credentials;
    const { blobs: shown } = makeApReq(tgt, AP_USE, covered, fresh, NOW);
    expectRefusal(() => verifyApReq(shown, AP_USE, covered, policy, NOW), "KRB_AP_ERR_NOT_US");
  });

  test("takes no authenticator of one ticket with another", () => {
    const other = grantTicket(realm, login(realm).credentials).credentials;
    const shown = { ticket: other.ticket, authenticator: blobs.authenticator };
    expectRefusal(() => verifyApReq(shown, AP_USE, covered, policy, NOW), "KRB_AP_ERR_BAD_INTEGRITY", {
      part: "authenticator",
    });
  });

  test("takes tickets of every version it still holds a key of", () => {
    const keys = [...makeKeys([3], 2), ...policy.service.keys];
    const service = { ...policy.service, keys };
    expect(verifyApReq(blobs, AP_USE, covered, { ...policy, service }, NOW).client).toBe(
      "alice@EXAMPLE.TEST",
    );
    const rotated = { ...policy.service, keys: makeKeys([3], 2) };
    expectRefusal(
      () => verifyApReq(blobs, AP_USE, covered, { ...policy, service: rotated }, NOW),
      "KRB_AP_ERR_BADKEYVER",
      { ticket_kvno: "1", held_kvno: "2" },
    );
    const remade = { ...policy.service, keys: makeKeys([3], 1) };
    expectRefusal(
      () => verifyApReq(blobs, AP_USE, covered, { ...policy, service: remade }, NOW),
      "KRB_AP_ERR_BAD_INTEGRITY",
      { part: "ticket", kvno: "1" },
    );
    const none = { ...policy.service, keys: [] };
    expectRefusal(
      () => verifyApReq(blobs, AP_USE, covered, { ...policy, service: none }, NOW),
      "KRB_AP_ERR_NOKEY",
      { etype: "3" },
    );
  });

  test("takes no ticket and no session key of a type it does not permit", () => {
    const strict = { ...policy, permittedEtypes: [20, 19] };
    expectRefusal(() => verifyApReq(blobs, AP_USE, covered, strict, NOW), "KDC_ERR_ETYPE_NOSUPP", {
      etype: "3",
      permitted: "20 19",
    });
    const aes = makeRealm(20);
    const strong = grantTicket(aes, login(aes).credentials).credentials;
    const ticket = resealTicket(strong.ticket, aes.service, (part) => {
      part.key = toEncryptionKey(credentials.key);
    });
    const { blobs: mixed } = makeApReq({ ...credentials, ticket }, AP_USE, covered, undefined, NOW);
    const aesPolicy = { ...servicePolicy(aes), permittedEtypes: [20, 19] };
    expectRefusal(() => verifyApReq(mixed, AP_USE, covered, aesPolicy, NOW), "KDC_ERR_ETYPE_NOSUPP", {
      field: "ticket.key",
      etype: "3",
    });
  });

  test("takes a ticket bound to addresses from one of them alone", () => {
    const ticket = resealTicket(blobs.ticket, realm.service, (part) => {
      part.addresses = ["192.0.2.1", "2001:db8::1"];
    });
    const from = (peerAddress: string | undefined) =>
      verifyApReq({ ...blobs, ticket }, AP_USE, covered, { ...policy, peerAddress }, NOW);
    expect(from("2001:db8::1").client).toBe("alice@EXAMPLE.TEST");
    for (const peer of ["192.0.2.2", "192.0.2.1 ", "", undefined])
      expectRefusal(() => from(peer), "KRB_AP_ERR_BADADDR");
  });

  test("needs no subkey where nothing follows", () => {
    const { blobs: bare } = makeApReq(credentials, AP_USE, covered, undefined, NOW);
    expect(verifyApReq(bare, AP_USE, covered, policy, NOW).subkey).toBeUndefined();
  });

  test("gives no other reason for a ticket than for an authenticator it can't open, but which of them", () => {
    const bad = {
      ...blobs,
      authenticator: makeApReq(
        { ...credentials, key: randomKey(etypeOf(3)) },
        AP_USE,
        covered,
        undefined,
        NOW,
      ).blobs.authenticator,
    };
    expectRefusal(() => verifyApReq(bad, AP_USE, covered, policy, NOW), "KRB_AP_ERR_BAD_INTEGRITY", {
      part: "authenticator",
    });
  });
});

describe("the replay tag", () => {
  const data = { cipher: Uint8Array.of(1, 2, 3) } as never;
  const { principal } = realm.service;

  test("is one for each authenticator, and the same each time", () => {
    const tags = [make(), make(), make()].map(({ blobs }) =>
      Buffer.from(
        replayRecord(verifyApReq(blobs, AP_USE, covered, policy, NOW), policy.clockSkew).tag,
      ).toString("hex"),
    );
    expect(new Set(tags).size).toBe(3);
    expect(replayTag(principal, data)).toEqual(replayTag(principal, data));
  });

  test("is another for another service, and name and ciphertext don't run together", () => {
    expect(replayTag(makeEntry("a").principal, data)).not.toEqual(replayTag(principal, data));
    const longer = { cipher: Uint8Array.of(...Buffer.from("T"), 0, 1) } as never;
    const shorter = { cipher: Uint8Array.of(1) } as never;
    expect(replayTag("a@T" as never, shorter)).not.toEqual(replayTag("a@" as never, longer));
  });
});

describe("the client", () => {
  let pending: PendingApReq;
  let verified: VerifiedApReq;
  let answer: ApRep;
  beforeAll(() => {
    const made = make();
    pending = made.pending;
    verified = verifyApReq(made.blobs, AP_USE, covered, policy, NOW);
    answer = makeApRep(verified);
  });
  const sealing = { key: credentials.key, usage: KeyUsage.AP_REP };

  test("believes the answer to its own request", () => {
    expect(verifyApRep(answer.bytes, pending).seqNumber).toBe(answer.seqNumber);
  });

  const blobs: { name: string; bytes: () => Uint8Array }[] = [
    { name: "no answer", bytes: () => new Uint8Array() },
    { name: "random bytes", bytes: () => new Uint8Array(64).fill(0xa5) },
    { name: "its own authenticator", bytes: () => make().blobs.authenticator },
    { name: "its own ticket", bytes: () => credentials.ticket },
    {
      name: "the answer to another call of its own",
      bytes: () => makeApRep(verifyApReq(make().blobs, AP_USE, covered, policy, NOW)).bytes,
    },
    { name: "the answer to another user", bytes: () => otherUsersAnswer() },
    {
      name: "an answer under another key",
      bytes: () =>
        makeApRep({ ...verified, ticket: { ...verified.ticket, sessionKey: randomKey(etypeOf(3)) } }).bytes,
    },
    {
      name: "an answer under the subkey",
      bytes: () => makeApRep({ ...verified, ticket: { ...verified.ticket, sessionKey: fresh.subkey } }).bytes,
    },
    { name: "a byte more", bytes: () => Uint8Array.of(...answer.bytes, 0) },
  ];
  test.each(blobs)("does not believe $name", ({ bytes }) => {
    expectMutualFailure(bytes());
  });

  test("does not believe the answer cut after any byte, or with any byte changed", () => {
    for (let i = 0; i < answer.bytes.length; i++) {
      expectMutualFailure(answer.bytes.slice(0, i));
      const changed = Uint8Array.from(answer.bytes);
      changed[i]! ^= 0x20;
      expectMutualFailure(changed);
    }
  });

  const parts: { name: string; alter: (part: EncApRepPart) => void }[] = [
    { name: "no time", alter: (p) => delete p.ctime },
    { name: "a time a millisecond later", alter: (p) => (p.ctime = toTimestamp(NOW + 1)) },
    { name: "a time a millisecond earlier", alter: (p) => (p.ctime = toTimestamp(NOW - 1)) },
    { name: "an impossible time", alter: (p) => (p.ctime!.nanos = -1) },
    { name: "no nonce", alter: (p) => (p.nonce = new Uint8Array()) },
    { name: "another nonce", alter: (p) => (p.nonce[15]! ^= 1) },
    { name: "a nonce with more after it", alter: (p) => (p.nonce = Uint8Array.of(...p.nonce, 0)) },
    { name: "no subkey", alter: (p) => delete p.subkey },
    { name: "a subkey too short", alter: (p) => (p.subkey!.key = new Uint8Array(7)) },
    { name: "a subkey too long", alter: (p) => (p.subkey!.key = new Uint8Array(16).fill(7)) },
    { name: "a weak DES subkey", alter: (p) => (p.subkey!.key = new Uint8Array(8).fill(0xfe)) },
    {
      name: "a subkey of the lesson type",
      alter: (p) => (p.subkey = toEncryptionKey(randomKey(etypeOf(-1)))),
    },
    {
      name: "a subkey of a stronger type",
      alter: (p) => (p.subkey = toEncryptionKey(randomKey(etypeOf(20)))),
    },
  ];
  test.each(parts)("does not believe an answer that seals $name", ({ alter }) => {
    expectMutualFailure(reseal(answer.bytes, sealing, "encApRepPart", alter));
  });

  test.each(EXTENSION_VECTORS)("judges an answer by its extensions: $name", (vector) => {
    const bytes = reseal(answer.bytes, sealing, "encApRepPart", (part) => {
      part.extensions = vector.extensions;
    });
    const open = () => verifyApRep(bytes, pending);
    if (vector.code === undefined) expect(open().seqNumber).toBe(answer.seqNumber);
    else expectRefusal(open, vector.code, extensionDetails(vector, "ap_rep.extensions"));
  });

  test("takes the sequence number as the service says it", () => {
    const bytes = reseal(answer.bytes, sealing, "encApRepPart", (part) => {
      part.seqNumber = 2 ** 32 - 1;
    });
    expect(verifyApRep(bytes, pending).seqNumber).toBe(2 ** 32 - 1);
  });

  function expectMutualFailure(bytes: Uint8Array): void {
    const refusal = expectRefusal(() => verifyApRep(bytes, pending), "KRB_AP_ERR_MUT_FAIL");
    expect(refusal.message).toBe("the service could not prove itself; do not trust its answer");
    expect(refusal.details).toEqual({});
  }

  function otherUsersAnswer(): Uint8Array {
    const bob = { ...realm, alice: makeEntry("bob", [3], { passwordKeyed: true }) };
    const ticket = grantTicket(bob, login(bob).credentials).credentials;
    const made = makeApReq(ticket, AP_USE, covered, undefined, NOW);
    return makeApRep(verifyApReq(made.blobs, AP_USE, covered, policy, NOW)).bytes;
  }
});

test("a first sequence number is never 0 and leaves room to count", () => {
  expect(randomSeqNumber(() => Uint8Array.of(0, 0, 0, 0))).toBe(1);
  expect(randomSeqNumber(() => Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toBe(2 ** 30);
  expect(randomSeqNumber(() => Uint8Array.of(0xc0, 0, 0, 1))).toBe(2);
});
