/** Proofs of calls under a session that the service refuses: each with its reason, and none with a proof. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ProtectionLevel } from "../../../src/gen/kerberos/v1/guard_pb.js";
import { type SessionCall, SessionCallSchema } from "../../../src/gen/kerberos/v1/session_pb.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import { answer, bind, methodOf, names, openGuard } from "./by-hand.js";
import { bindUnder, expectUnproven, isProven, openSession, UNKNOWN_SESSION } from "./session-by-hand.js";

/** The proof of a call, changed in clear. */
const altered = (change: Partial<SessionCall>) => (bytes: Uint8Array) =>
  toBinary(
    SessionCallSchema,
    create(SessionCallSchema, { ...fromBinary(SessionCallSchema, bytes), ...change }),
  );

describe("a call under a session is refused", () => {
  const guard = openGuard();
  const session = openSession(guard);
  const other = openSession(guard);
  let number = 1;
  const rows: { what: string; sent: () => ReturnType<typeof bindUnder>; refusal: object }[] = [
    {
      what: "with a MAC of another session",
      sent: () => bindUnder({ id: session.id, keys: other.keys }, { number }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    },
    ...(["reply", "clientMessages", "serviceMessages"] as const).map((key) => ({
      what: `with a MAC under the key of ${key}`,
      sent: () =>
        bindUnder({ id: session.id, keys: { ...session.keys, call: session.keys[key] } }, { number }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    })),
    {
      what: "for another method",
      sent: () => ({ ...bindUnder(session, { number, method: methodOf("list") }), method: methodOf("say") }),
      refusal: {
        reason: "KRB_AP_ERR_MODIFIED",
        details: {
          field: "call.mac",
          method: "/chat.v1.Chat/say",
          authority: "api.example.test:443",
          authorities: "api.example.test localhost 127.0.0.1 ::1",
        },
      },
    },
    {
      what: "for another request",
      sent: () => ({ ...bindUnder(session, { number }), request: Buffer.from("<hallo>") }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    },
    {
      what: "for a stream of requests in place of one",
      sent: () => ({
        ...bindUnder(session, { number, method: { ...methodOf("join"), path: methodOf("say").path } }),
        method: methodOf("say"),
      }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    },
    {
      what: "for an authority that is none of the service's",
      sent: () => bindUnder(session, { number, authority: "evil.example.test" }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    },
    ...(
      [
        ["number", { number: 77n }],
        ["first number", { number: 78n, call: 77n }],
        ["level", { protection: ProtectionLevel.PRIVACY }],
        ["age", { age: 1 }],
        ["MAC", { mac: new Uint8Array(16) }],
      ] as const
    ).map(([what, change]) => ({
      what: `with another ${what} than it was made with`,
      sent: () => bindUnder(session, { number, alter: altered(change) }),
      refusal: { reason: "KRB_AP_ERR_MODIFIED", details: { field: "call.mac" } },
    })),
    {
      what: "of a session that is another's, or nobody's",
      sent: () => bindUnder(session, { number, alter: altered({ session: new Uint8Array(16) }) }),
      refusal: { ...UNKNOWN_SESSION, text: expect.stringContaining("does not hold this session") },
    },
    ...(
      [
        ["number 0", { number: 0n }, "call.number"],
        ["number -1", { number: -1n }, "call.number"],
        ["number 2^53", { number: 2n ** 53n }, "call.number"],
        ["the highest number there is", { number: 2n ** 63n - 1n }, "call.number"],
        ["a first number above its own", { number: 1n, call: 2n }, "call.call"],
        ["a session of 15 bytes", { session: new Uint8Array(15) }, "call.session"],
        ["a MAC of 15 bytes", { mac: new Uint8Array(15) }, "call.mac"],
        ["no level", { protection: ProtectionLevel.UNSPECIFIED }, "call.protection"],
      ] as const
    ).map(([what, change, field]) => ({
      what: `with ${what}`,
      sent: () => bindUnder(session, { number, alter: altered(change) }),
      refusal: { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field } },
    })),
    ...(
      [
        ["no bytes", () => new Uint8Array()],
        ["1 MiB", () => new Uint8Array(2 ** 20)],
        ["a byte more", (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
        ["a byte less", (bytes: Uint8Array) => bytes.subarray(0, -1)],
        ["its fields twice", (bytes: Uint8Array) => Buffer.concat([bytes, bytes])],
      ] as const
    ).map(([what, alter]) => ({
      what: `with ${what} for a proof`,
      sent: () => bindUnder(session, { number, alter }),
      refusal: { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field: "call" } },
    })),
    {
      what: "with an AP-REQ beside it",
      sent: () => {
        const sent = bindUnder(session, { number });
        sent.metadata.set(AP_REQ_METADATA, bind().apReq);
        return sent;
      },
      refusal: { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field: CALL_METADATA } },
    },
    {
      what: "with two proofs",
      sent: () => {
        const sent = bindUnder(session, { number });
        sent.metadata.add(CALL_METADATA, sent.metadata.get(CALL_METADATA)[0]!);
        return sent;
      },
      refusal: {
        code: "INVALID_ARGUMENT",
        reason: "KRB_ERR_GENERIC",
        details: { field: CALL_METADATA, values: "2" },
      },
    },
  ];

  test.each(rows)("$what, without a proof, and leaves its number to whom it belongs", ({ sent, refusal }) => {
    expectUnproven(guard.send(sent()), refusal);
    const honest = guard.send(bindUnder(session, { number }));
    answer(honest);
    expect(isProven(session, number++, honest)).toBe(true);
  });

  test("with any bit of its proof changed", () => {
    const { metadata } = bindUnder(session, { number, age: 1 });
    const [proof] = metadata.get(CALL_METADATA) as [Buffer];
    for (let bit = 0; bit < proof.length * 8; bit++) {
      const flip = (bytes: Uint8Array) => {
        const changed = Uint8Array.from(bytes);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        return changed;
      };
      const opened = guard.send(bindUnder(session, { number, age: 1, alter: flip }));
      expectUnproven(opened, {
        code: expect.stringMatching(/^(UNAUTHENTICATED|INVALID_ARGUMENT)$/),
        reason: expect.stringMatching(
          /^(KRB_AP_ERR_MODIFIED|KRB_ERR_GENERIC|KDC_ERR_MORE_PREAUTH_DATA_REQUIRED)$/,
        ),
      });
    }
    expect(names(guard.send(bindUnder(session, { number: number++, age: 1 })).handler)).toEqual(["metadata"]);
  });

  test("in another process, which asks for a challenge of its own and reads nothing", () => {
    const process = openGuard();
    const opened = process.send(bindUnder(session, { number }));
    expectUnproven(opened, UNKNOWN_SESSION);
    expect(names(opened.wire)).toEqual(["UNAUTHENTICATED"]);
    const shared = openGuard({ store: async () => {}, sessions: true });
    expectUnproven(shared.send(bindUnder(session, { number })), { ...UNKNOWN_SESSION, challenge: undefined });
    const without = openGuard({ sessions: false });
    expectUnproven(without.send(bindUnder(session, { number })), UNKNOWN_SESSION);
  });
});
