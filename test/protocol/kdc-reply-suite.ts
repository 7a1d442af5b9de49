/**
 * What a client takes and refuses of a KDC's reply, the AS's and the TGS's alike (RFC 4120 §3.1.5, §3.3.4).
 */
import { describe, expect, test } from "vitest";
import type { EncKdcRepPart } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import type { KdcReply } from "../../src/protocol/kdc-reply.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { type Sealing, sealToBytes } from "../../src/protocol/sealed-part.js";
import { DAY, emptyPart, HOUR, MINUTE, NOW, reseal, SKEW } from "../support/entries.js";
import { EXTENSION_VECTORS, extensionDetails } from "../support/extension-vectors.js";
import { expectRefusal, refusalOf } from "./refusal.js";

/** What both replies have. */
export interface AnyReply {
  readonly ticket: Uint8Array;
  readonly encPart: Uint8Array;
}

/**
 * A reply and the client it is for, who asked for types 20 and 3, an end in an hour and renewal for a day.
 */
export interface ReplyTarget {
  readonly response: AnyReply;
  readonly sealing: Sealing;
  readonly kind: "encAsRepPart" | "encTgsRepPart";
  /** Opens the response with these changes. */
  readonly open: (changes: Partial<AnyReply>, now?: number) => KdcReply;
  /** The flags of the ticket; RENEWABLE is the first. */
  readonly flags: readonly TicketFlag[];
  /** Something the client sealed itself, under the same key. */
  readonly own: Uint8Array;
  /** The reply to another request of the client's, under the same key. */
  readonly other: AnyReply;
}

const MODIFIED = "KRB_AP_ERR_MODIFIED";

/** Runs the suite. */
export function describeKdcReply(target: ReplyTarget): void {
  const { response, sealing, kind, open, flags } = target;
  const resealed = (alter: (part: EncKdcRepPart) => unknown) => ({
    encPart: reseal(response.encPart, sealing, kind, (part) => void alter(part)),
  });

  test("takes the reply that answers its request", () => {
    const { credentials } = open({});
    expect(credentials).toMatchObject({
      flags,
      authtime: NOW,
      starttime: NOW,
      endtime: NOW + HOUR,
      renewTill: NOW + DAY,
    });
    expect(open(resealed(() => {})).credentials.key.exportBytes()).toEqual(credentials.key.exportBytes());
  });

  test("keeps its own copy of the ticket", () => {
    const ticket = Uint8Array.from(response.ticket);
    const { credentials } = open({ ticket });
    ticket.fill(0);
    expect(credentials.ticket).toEqual(response.ticket);
  });

  test.each([0, 1, -1, SKEW + 1, -DAY])("learns how far the KDC's clock is off: %d ms", (offset) => {
    expect(open({}, NOW - offset).kdcOffset).toBe(offset);
  });

  const taken: { name: string; alter: (part: EncKdcRepPart) => unknown; expected: object }[] = [
    {
      name: "a start after the login",
      alter: (p) => (p.starttime = toTimestamp(NOW + MINUTE)),
      expected: { authtime: NOW, starttime: NOW + MINUTE },
    },
    {
      name: "a life of one millisecond",
      alter: (p) => (p.endtime = toTimestamp(NOW + 1)),
      expected: { endtime: NOW + 1 },
    },
    {
      name: "an end before the one asked for",
      alter: (p) => (p.endtime = toTimestamp(NOW + HOUR - 1)),
      expected: { endtime: NOW + HOUR - 1 },
    },
    {
      name: "a renewal shorter than asked for",
      alter: (p) => (p.renewTill = toTimestamp(NOW + DAY - 1)),
      expected: { renewTill: NOW + DAY - 1 },
    },
    {
      name: "no renewal at all",
      alter: (p) => {
        p.flags = p.flags.filter((flag) => flag !== TicketFlag.RENEWABLE);
        delete p.renewTill;
      },
      expected: { flags: flags.slice(1), renewTill: undefined },
    },
  ];
  test.each(taken)("takes a reply with $name", ({ alter, expected }) => {
    expect(open(resealed(alter)).credentials).toMatchObject(expected);
  });

  const clear: {
    name: string;
    change: () => Partial<AnyReply>;
    code: KrbErrorName;
    details: Record<string, string>;
  }[] = [
    {
      name: "no ticket",
      change: () => ({ ticket: new Uint8Array() }),
      code: MODIFIED,
      details: { field: "ticket" },
    },
    {
      name: "no sealed part",
      change: () => ({ encPart: new Uint8Array() }),
      code: "KRB_ERR_GENERIC",
      details: { field: "enc_part" },
    },
    {
      name: "the ticket as the sealed part",
      change: () => ({ encPart: response.ticket }),
      code: "KRB_ERR_GENERIC",
      details: { field: "enc_part" },
    },
    {
      name: "what the client sealed itself as the sealed part",
      change: () => ({ encPart: target.own }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "reply" },
    },
    {
      name: "the reply to another request",
      change: () => target.other,
      code: MODIFIED,
      details: { field: "nonce" },
    },
    ...(["encAsRepPart", "encTgsRepPart"] as const)
      .filter((other) => other !== kind)
      .map((other) => ({
        name: `an ${other} under the same key`,
        change: () => ({ encPart: sealToBytes(sealing, other, emptyPart(other)) }),
        code: "KRB_AP_ERR_BAD_INTEGRITY" as const,
        details: { part: "reply" },
      })),
    {
      name: "an empty part under the same key",
      change: () => ({ encPart: sealToBytes(sealing, kind, emptyPart(kind)) }),
      code: MODIFIED,
      details: { field: "times" },
    },
    {
      name: "a byte less",
      change: () => ({ encPart: response.encPart.slice(0, -1) }),
      code: "KRB_ERR_GENERIC",
      details: { field: "enc_part" },
    },
    {
      name: "a byte more",
      change: () => ({ encPart: Uint8Array.of(...response.encPart, 0) }),
      code: "KRB_ERR_GENERIC",
      details: { field: "enc_part" },
    },
  ];
  test.each(clear)("refuses a reply with $name", ({ change, code, details }) => {
    expectRefusal(() => open(change()), code, details);
  });

  test("refuses a sealed part with any byte cut off or changed, but for the key version, which is a hint", () => {
    const kvnoAt = sealing.kvno === undefined ? -1 : 3;
    for (let i = 0; i < response.encPart.length; i++) {
      const changed = Uint8Array.from(response.encPart);
      changed[i]! ^= 0x10;
      for (const encPart of i === kvnoAt ? [] : [changed, response.encPart.slice(0, i)])
        expect(["KRB_ERR_GENERIC", "KRB_AP_ERR_BAD_INTEGRITY"]).toContain(
          refusalOf(() => open({ encPart })).reason,
        );
    }
  });

  test.each(EXTENSION_VECTORS)("judges a reply by its extensions: $name", (vector) => {
    const run = () => open(resealed((part) => (part.extensions = vector.extensions)));
    if (vector.code === undefined) expect(run().credentials.endtime).toBe(NOW + HOUR);
    else expectRefusal(run, vector.code, extensionDetails(vector, "reply.extensions"));
  });

  describe("refuses a reply that seals", () => {
    const vectors: { name: string; alter: (part: EncKdcRepPart) => unknown; field: string }[] = [
      { name: "no key", alter: (p) => delete p.key, field: "reply.key" },
      { name: "a key of another length", alter: (p) => (p.key!.key = new Uint8Array(7)), field: "reply.key" },
      { name: "a weak DES key", alter: (p) => (p.key!.key = new Uint8Array(8).fill(1)), field: "reply.key" },
      { name: "no nonce", alter: (p) => (p.nonce = new Uint8Array()), field: "nonce" },
      { name: "a nonce with its first bit changed", alter: (p) => (p.nonce[0]! ^= 0x80), field: "nonce" },
      { name: "a nonce with its last bit changed", alter: (p) => (p.nonce[15]! ^= 1), field: "nonce" },
      {
        name: "a nonce with more after it",
        alter: (p) => (p.nonce = Uint8Array.of(...p.nonce, 0)),
        field: "nonce",
      },
      { name: "no server", alter: (p) => (p.server = ""), field: "server" },
      { name: "another server", alter: (p) => (p.server = "other/host@EXAMPLE.TEST"), field: "server" },
      {
        name: "the server in another realm",
        alter: (p) => (p.server = p.server.replace("@EXAMPLE.TEST", "@OTHER")),
        field: "server",
      },
      { name: "no client", alter: (p) => (p.client = ""), field: "client" },
      { name: "another client", alter: (p) => (p.client = "bob@EXAMPLE.TEST"), field: "client" },
      { name: "the client in another realm", alter: (p) => (p.client = "alice@OTHER"), field: "client" },
      {
        name: "no flag renewable, yet a time",
        alter: (p) => (p.flags = p.flags.filter((flag) => flag !== TicketFlag.RENEWABLE)),
        field: "renew_till",
      },
      { name: "the flag renewable, yet no time", alter: (p) => delete p.renewTill, field: "renew_till" },
      ...([0, 1, 2, 3, 4, 5, 6, 7] as TicketFlag[]).map((flag) => ({
        name: `the flag ${TicketFlag[flag]}, which nobody asked for`,
        alter: (p: EncKdcRepPart) => (p.flags = [flag, ...p.flags]),
        field: "flags",
      })),
      { name: "flags in another order", alter: (p) => p.flags.reverse(), field: "flags" },
      { name: "a flag twice", alter: (p) => p.flags.push(p.flags.at(-1)!), field: "flags" },
      { name: "no authtime", alter: (p) => delete p.authtime, field: "times" },
      { name: "no starttime", alter: (p) => delete p.starttime, field: "times" },
      { name: "no endtime", alter: (p) => delete p.endtime, field: "times" },
      { name: "no KDC time", alter: (p) => delete p.kdcTime, field: "times" },
      {
        name: "a login a millisecond after the start",
        alter: (p) => (p.authtime = toTimestamp(NOW + 1)),
        field: "authtime",
      },
      { name: "an end at its start", alter: (p) => (p.endtime = toTimestamp(NOW)), field: "endtime" },
      {
        name: "an end before its start",
        alter: (p) => (p.starttime = toTimestamp(NOW + HOUR + 1)),
        field: "endtime",
      },
      {
        name: "an end a millisecond later than asked",
        alter: (p) => (p.endtime = toTimestamp(NOW + HOUR + 1)),
        field: "endtime",
      },
      {
        name: "a renewal a millisecond longer than asked",
        alter: (p) => (p.renewTill = toTimestamp(NOW + DAY + 1)),
        field: "renew_till",
      },
      { name: "no types: the list was stripped", alter: (p) => (p.etypes = []), field: "etypes" },
      { name: "types without the strong one", alter: (p) => (p.etypes = [3]), field: "etypes" },
      { name: "types with a weak one more", alter: (p) => p.etypes.push(-1), field: "etypes" },
      { name: "types in another order", alter: (p) => p.etypes.reverse(), field: "etypes" },
    ];
    test.each(vectors)("$name", ({ alter, field }) => {
      expectRefusal(() => open(resealed(alter)), MODIFIED, { field });
    });

    test.each([19, 16, -1])("a key of type %i, which was not asked for", (etype) => {
      const alter = (part: EncKdcRepPart) => (part.key = toEncryptionKey(randomKey(etypeOf(etype))));
      const details = { field: "reply.key", etype: String(etype) };
      expectRefusal(() => open(resealed(alter)), "KDC_ERR_ETYPE_NOSUPP", details);
    });

    const impossible = [
      ["authtime", "reply.authtime"],
      ["starttime", "reply.starttime"],
      ["endtime", "reply.endtime"],
      ["renewTill", "reply.renew_till"],
      ["kdcTime", "reply.kdc_time"],
    ] as const;
    test.each(impossible)("an impossible %s", (name, field) => {
      const alter = (part: EncKdcRepPart) => (part[name]!.nanos = -1);
      expectRefusal(() => open(resealed(alter)), "KRB_ERR_GENERIC", { field });
    });
  });
}
