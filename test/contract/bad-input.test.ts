/**
 * Input that no client of ours would send, at each RPC. The rule: a named refusal, never INTERNAL, UNKNOWN, a
 * hang or a dead server; a refusal of at most four times the request and 4 KiB; and nothing is accepted
 * unless it means the same as a request made for this moment.
 */
import { gzipSync } from "node:zlib";
import { type DescMessage, equals, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { isSameSealed, isSameTicket } from "../hostile/acceptable.js";
import { edited, edits } from "../hostile/edits.js";
import { CALLS, PATIENCE, triedCalls } from "../hostile/runs.js";
import { connectRaw, frame } from "../rpc/raw-client.js";
import {
  accessReq,
  asReq,
  loginTo,
  NO_BRAKES,
  startRealm,
  type TestRealm,
  tgsReq,
  ticketFor,
} from "../support/realm.js";
import { ACCESS, AUTHENTICATE, GRANT_TICKET, sizeOfReply, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, splitFields, varintField, type WireField } from "../support/wire-fields.js";

/** Runs of each property: four of them, or more, call each RPC. */
const RUNS = Math.ceil(CALLS / 4);

/** Codes that a refusal of a request may have. Anything else is the server's fault. */
const REFUSALS = [
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "NOT_FOUND",
];

let realm: TestRealm;
let tgt: Credentials;
let ticket: Credentials;
/** Blobs of this and other exchanges, by what they are. */
let blobs: Record<string, Uint8Array>;
const wires: Partial<Record<string, Wire>> = {};

beforeAll(async () => {
  realm = await startRealm({ policy: { attempts: NO_BRAKES } });
  tgt = await loginTo(realm);
  ticket = await ticketFor(realm);
  const as = await asReq(realm);
  const asReply = splitFields((await send(AUTHENTICATE, toBinary(AuthenticateRequestSchema, as))).message!);
  const tgs = tgsReq(realm, tgt);
  const tgsReply = splitFields((await send(GRANT_TICKET, toBinary(GrantTicketRequestSchema, tgs))).message!);
  const access = accessReq(realm, ticket);
  const answer = fromBinary(
    AccessResponseSchema,
    (await send(ACCESS, toBinary(AccessRequestSchema, access))).message!,
  );
  blobs = {
    "an encrypted timestamp": as.padata[0]!.value,
    "the AS's reply": asReply[2]!.value!,
    "the TGT": tgt.ticket,
    "a TGS-REQ's authenticator": tgs.authenticator,
    "a TGS-REQ's body": tgs.body,
    "the TGS's reply": tgsReply[1]!.value!,
    "a service ticket": ticket.ticket,
    "an AP-REQ's authenticator": access.authenticator,
    "a sealed request": access.request,
    "an AP-REP": answer.apRep,
    "a sealed response": answer.response,
    "a whole request": toBinary(AccessRequestSchema, access),
    "a text": Buffer.from("alice@TEST.EXAMPLE"),
  };
});

afterAll(async () => {
  for (const wire of Object.values(wires)) wire!.close();
  await realm.close();
});

/** The same servers still carry the whole dialogue, within a second or two. */
afterEach(async () => {
  const fresh = await ticketFor(realm);
  const reply = await send(ACCESS, toBinary(AccessRequestSchema, accessReq(realm, fresh)));
  expect(reply.code).toBe("OK");
});

function send(path: string, bytes: Uint8Array): Promise<WireReply> {
  wires[path] ??= new Wire(addressOf(path));
  return wires[path].call(path, bytes);
}

/** An RPC: its path, the type of its request, and how to make a good one that was never sent. */
interface Rpc {
  readonly path: string;
  readonly schema: DescMessage;
  readonly make: () => Promise<Uint8Array>;
  /** Whether the request proves all its fields; an AS-REQ's times and etypes are merely the client's wish. */
  readonly proved: boolean;
}

const RPCS: [string, Rpc][] = [
  [
    "Authenticate",
    {
      path: AUTHENTICATE,
      schema: AuthenticateRequestSchema,
      make: async () =>
        toBinary(
          AuthenticateRequestSchema,
          await asReq(realm, "alice", {
            till: realm.now + 60_000,
            renewTill: realm.now + 90_000,
            options: [8],
          }),
        ),
      proved: false,
    },
  ],
  [
    "GrantTicket",
    {
      path: GRANT_TICKET,
      schema: GrantTicketRequestSchema,
      make: async () => toBinary(GrantTicketRequestSchema, tgsReq(realm, tgt)),
      proved: true,
    },
  ],
  [
    "Access",
    {
      path: ACCESS,
      schema: AccessRequestSchema,
      make: async () => toBinary(AccessRequestSchema, accessReq(realm, ticket)),
      proved: true,
    },
  ],
];

/** Sends an altered good request and holds the reply to the rule. */
async function check(rpc: Rpc, alter: (good: Uint8Array) => Uint8Array): Promise<WireReply> {
  const good = await rpc.make();
  const bad = alter(good);
  const reply = await send(rpc.path, bad);
  const shown = `${reply.code} ${reply.reason} "${reply.text}" for ${Buffer.from(bad).toString("hex")}`;
  if (reply.code === "OK") {
    if (rpc.proved) expect(saysTheSame(rpc, good, bad), `accepted: ${shown}`).toBe(true);
  } else {
    expect(REFUSALS, shown).toContain(reply.code);
    expect(reply.domain, shown).toBe("tessera");
    expect(sizeOfReply(reply), shown).toBeLessThanOrEqual(4 * bad.length + 4096);
  }
  return reply;
}

/** Protobuf has many encodings of one message, and the outer one is read leniently. */
function saysTheSame({ schema }: Rpc, one: Uint8Array, other: Uint8Array): boolean {
  type Proven = Message & { ticket: Uint8Array; authenticator: Uint8Array };
  const [good, bad] = [one, other].map((bytes) => fromBinary(schema, bytes) as Proven);
  const { ticket, authenticator } = bad!;
  if (!isSameTicket(ticket, good!.ticket) || !isSameSealed(authenticator, good!.authenticator)) return false;
  return equals(schema, Object.assign(good!, { ticket, authenticator }), bad!);
}

describe.each(RPCS)("%s", (name, rpc) => {
  test("a good request is accepted", async () => {
    expect((await check(rpc, (good) => good)).code).toBe("OK");
  });

  test("each field absent, empty, doubled, altered anywhere, or of another wire type", async () => {
    const fields = splitFields(await rpc.make());
    for (const { number } of fields) {
      const change = (make: (field: WireField) => { raw: Uint8Array }[]) =>
        check(rpc, (good) =>
          joinFields(splitFields(good).flatMap((field) => (field.number === number ? make(field) : [field]))),
        );
      await change(() => []);
      await change((field) => [field, field]);
      await change(() => [varintField(number, 7)]);
      await change(() => [bytesField(number, new Uint8Array())]);
      await change(() => [bytesField(number, Buffer.from([0xff, 0xfe, 0xff]))]);
      for (const part of [0, 0.5, 0.999])
        await change((field) => {
          const raw = Uint8Array.from(field.raw);
          const from = raw.length - (field.value?.length ?? 1);
          raw[from + Math.floor((raw.length - from) * part)]! ^= 0x41;
          return [{ raw }];
        });
    }
  });

  test("fields in any order, and unknown fields beside them, change nothing", async () => {
    const reversed = await check(rpc, (good) => joinFields(splitFields(good).toReversed()));
    const extended = await check(rpc, (good) =>
      joinFields([varintField(500, 1), ...splitFields(good), bytesField(501, Buffer.alloc(3000))]),
    );
    expect([reversed.code, extended.code]).toEqual(["OK", "OK"]);
  });

  test("every blob in every place", async () => {
    const places = new Set(splitFields(await rpc.make()).map(({ number }) => number));
    for (const number of places)
      for (const blob of Object.values(blobs))
        await check(rpc, (good) =>
          joinFields([
            ...splitFields(good).filter((field) => field.number !== number),
            bytesField(number, blob),
          ]),
        );
  });

  test("a blob in place of another is refused by name", async () => {
    const expected: Record<string, [number, string, string][]> = {
      Authenticate: [],
      GrantTicket: [
        [1, "a service ticket", "KRB_AP_ERR_NOT_US"],
        [1, "a TGS-REQ's authenticator", "KRB_ERR_GENERIC"],
        [2, "an AP-REQ's authenticator", "KRB_AP_ERR_BAD_INTEGRITY"],
        [2, "the AS's reply", "KRB_AP_ERR_BAD_INTEGRITY"],
        [2, "the TGT", "KRB_ERR_GENERIC"],
        [3, "a TGS-REQ's body", "KRB_AP_ERR_MODIFIED"],
        [3, "a sealed request", "KRB_AP_ERR_MODIFIED"],
      ],
      Access: [
        [1, "the TGT", "KRB_AP_ERR_NOT_US"],
        [1, "an AP-REQ's authenticator", "KRB_ERR_GENERIC"],
        [2, "a TGS-REQ's authenticator", "KRB_AP_ERR_BAD_INTEGRITY"],
        [2, "an AP-REP", "KRB_AP_ERR_BAD_INTEGRITY"],
        [2, "a sealed request", "KRB_AP_ERR_BAD_INTEGRITY"],
        [3, "a sealed request", "KRB_AP_ERR_MODIFIED"],
        [3, "a sealed response", "KRB_AP_ERR_MODIFIED"],
      ],
    };
    for (const [number, blob, reason] of expected[name]!) {
      const replace = ({ raw, number: own }: WireField) =>
        own === number ? bytesField(number, blobs[blob]!) : { raw };
      const reply = await check(rpc, (good) => joinFields(splitFields(good).map(replace)));
      expect([number, blob, reply.reason]).toEqual([number, blob, reason]);
    }
  });

  test("truncated at every 7th byte, and extended", async () => {
    const { length } = await rpc.make();
    for (let end = 0; end < length; end += 7) {
      const reply = await check(rpc, (good) => good.subarray(0, Math.min(end, good.length - 1)));
      expect(reply.code, `the first ${end} bytes`).not.toBe("OK");
    }
    for (const more of [[0], [0xff], [0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0b], [0x0c]])
      await check(rpc, (good) => Buffer.concat([good, Buffer.from(more)]));
  });

  test("each blob truncated and extended", async () => {
    for (const { number, value } of splitFields(await rpc.make())) {
      if (value === undefined) continue;
      for (const change of [
        (bytes: Uint8Array) => bytes.subarray(0, -1),
        (bytes: Uint8Array) => bytes.subarray(1),
        (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1),
        (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.of(0)]),
        (bytes: Uint8Array) => Buffer.concat([bytes, bytes]),
      ]) {
        const alter = (field: WireField) =>
          field.number === number ? bytesField(number, change(field.value!)) : field;
        const reply = await check(rpc, (good) => joinFields(splitFields(good).map(alter)));
        if (rpc.proved) expect(reply.code).not.toBe("OK");
      }
    }
  });

  test("any bytes at all", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await check(rpc, () => bytes);
    });
    await triedCalls(`${name}, any bytes`, property, RUNS);
  });

  test("bytes and fields of a good request changed", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(edits, async (changes) => {
      await check(rpc, (good) => edited(good, changes));
    });
    await triedCalls(`${name}, edited`, property, RUNS);
  });

  test("fields shuffled, repeated and of random contents", { timeout: PATIENCE }, async () => {
    const field = fc.oneof(
      fc.record({ number: fc.integer({ min: 1, max: 12 }), value: fc.uint8Array({ maxLength: 40 }) }),
      fc.record({ number: fc.integer({ min: 1, max: 12 }), varint: fc.nat(0x7fff_ffff) }),
    );
    await triedCalls(
      `${name}, shuffled`,
      fc.asyncProperty(fc.array(field, { maxLength: 8 }), fc.nat(), async (extra, seed) => {
        await check(rpc, (good) => {
          const made = extra.map((one) =>
            "value" in one ? bytesField(one.number, one.value) : varintField(one.number, one.varint),
          );
          const all = [...splitFields(good), ...made];
          return joinFields(
            all
              .map((one, at) => ({ one, key: (at * 7919 + seed) % 31 }))
              .toSorted((a, b) => a.key - b.key)
              .map(({ one }) => one),
          );
        });
      }),
      RUNS,
    );
  });

  test("a message beyond the limit is RESOURCE_EXHAUSTED, one just below is read", async () => {
    const padded = (size: number) =>
      Buffer.concat([Buffer.from([0xfa, 0x3e]), varint(size), Buffer.alloc(size)]);
    const over = await send(rpc.path, padded(16_384));
    expect(over).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(await send(rpc.path, padded(16_384 - 5))).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
    });
    expect(await send(rpc.path, Buffer.alloc(1 << 20, 0xff))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });

  test("a compressed message is UNIMPLEMENTED", async () => {
    using raw = connectRaw(portOf(rpc.path));
    const { stream, ended } = raw.call(rpc.path, { "grpc-encoding": "gzip" });
    stream.end(frame(gzipSync(await rpc.make()), true));
    expect((await ended).headers).toMatchObject({ "grpc-status": "12", "grpc-accept-encoding": "identity" });
  });

  test("half a message, and a client that goes away", async () => {
    using raw = connectRaw(portOf(rpc.path));
    const half = frame(await rpc.make()).subarray(0, 30);
    const calls = Array.from({ length: 30 }, () => raw.call(rpc.path));
    for (const { stream } of calls) stream.write(half);
    await new Promise((resolve) => calls[29]!.stream.once("ready", resolve));
    for (const { stream } of calls) stream.close(8);
    await Promise.all(calls.map(({ ended }) => ended));
  });

  test("an unknown method is UNIMPLEMENTED, whatever it is called", async () => {
    const service = rpc.path.slice(0, rpc.path.lastIndexOf("/") + 1);
    for (const path of [
      `${service}Nothing`,
      `${service}__proto__`,
      `${service}constructor`,
      "/a/b",
      "/x",
      "//",
    ])
      expect((await send2(rpc.path, path)).code).toBe("UNIMPLEMENTED");
  });

  async function send2(at: string, path: string): Promise<WireReply> {
    await send(at, new Uint8Array());
    return wires[at]!.call(path, new Uint8Array());
  }
});

function addressOf(path: string): string {
  const { as, tgs } = realm.kdc;
  return { [AUTHENTICATE]: as, [GRANT_TICKET]: tgs, [ACCESS]: realm.v.address }[path]!;
}

function portOf(path: string): number {
  return Number(addressOf(path).split(":")[1]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
