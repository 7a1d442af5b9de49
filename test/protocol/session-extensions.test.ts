/** The extensions of an AP exchange that are about sessions. */
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Extension } from "../../src/gen/kerberos/v1/extension_pb.js";
import { RepeatedAttemptSchema, SessionGrantSchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { checkExtensions } from "../../src/protocol/extensions.js";
import {
  AP_REP_EXTENSIONS,
  grantExtension,
  readGrant,
  readSessionExtensions,
  SESSION_EXTENSIONS,
  type SessionExtensions,
  sessionExtensions,
  TRAILERS_ONLY,
} from "../../src/protocol/session-extensions.js";
import { extension } from "../support/extension-vectors.js";
import { expectRefusal } from "./refusal.js";

const id = Uint8Array.from({ length: 16 }, (_, i) => i);
const [CHALLENGE, REPEATS, SESSION] = [1, 2, 3];
const repeated = (fields: { session?: Uint8Array; number?: bigint; tag?: Uint8Array }) =>
  toBinary(RepeatedAttemptSchema, create(RepeatedAttemptSchema, fields));
/** What a list says, checked as a service checks it. */
const read = (list: Extension[]) => {
  checkExtensions(list, "authenticator.extensions", SESSION_EXTENSIONS);
  return readSessionExtensions(list);
};

describe("what a client says in an authenticator", () => {
  const rows: SessionExtensions[] = [
    {},
    { challenge: Uint8Array.of(1) },
    { challenge: new Uint8Array(64).fill(7) },
    { repeats: { session: id, number: 1 } },
    { repeats: { session: id, number: Number.MAX_SAFE_INTEGER } },
    { repeats: { tag: id } },
    { asksForSession: true },
    { challenge: new Uint8Array(48).fill(1), repeats: { tag: id }, asksForSession: true },
  ];

  test.each(rows)("is read as it was said: %o", (said) => {
    const { challenge, repeats, asksForSession = false } = said;
    const found = read(sessionExtensions(said));
    if (Object.keys(said).length === 0) expect(found).toEqual({});
    else expect(found).toEqual({ challenge, repeats, asksForSession });
  });

  test("stands in the order of its types; challenge and repeats are critical, asking for a session is not", () => {
    const said = { challenge: id, repeats: { tag: id }, asksForSession: true };
    expect(sessionExtensions(said)).toMatchObject([
      { type: CHALLENGE, critical: true, data: id },
      { type: REPEATS, critical: true },
      { type: SESSION, critical: false, data: new Uint8Array() },
    ]);
    expect(sessionExtensions({ asksForSession: false })).toEqual([]);
  });

  test("is refused, where it is critical, by a reader that knows nothing of sessions", () => {
    for (const [said, type] of [
      [{ challenge: id }, "1"],
      [{ repeats: { tag: id } }, "2"],
    ] as const)
      expectRefusal(
        () => checkExtensions(sessionExtensions(said), "authenticator.extensions"),
        "KDC_ERR_POLICY",
        {
          rule: "extension",
          field: "authenticator.extensions",
          type,
        },
      );
    expect(() => checkExtensions(sessionExtensions({ asksForSession: true }), "x")).not.toThrow();
  });

  test.each<[string, Extension[], string]>([
    ["an empty challenge", [extension({ type: CHALLENGE })], "authenticator.challenge"],
    [
      "a challenge of 65 bytes",
      [extension({ type: CHALLENGE, data: new Uint8Array(65) })],
      "authenticator.challenge",
    ],
    [
      "a challenge of 1 MiB",
      [extension({ type: CHALLENGE, data: new Uint8Array(2 ** 20) })],
      "authenticator.challenge",
    ],
    [
      "a challenge twice",
      [extension({ type: CHALLENGE, data: id }), extension({ type: CHALLENGE, data: id })],
      "authenticator.extensions",
    ],
    [
      "a challenge behind what it repeats",
      [extension({ type: REPEATS, data: repeated({ tag: id }) }), extension({ type: CHALLENGE, data: id })],
      "authenticator.extensions",
    ],
    ["data where a session is asked for", [extension({ type: SESSION, data: id })], "authenticator.session"],
  ])("is malformed with %s", (_, list, field) => {
    expectRefusal(() => read(list), "KRB_ERR_GENERIC", { field });
  });

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["garbage", Uint8Array.of(0xff)],
    ["1 MiB", new Uint8Array(2 ** 20)],
    ["a session without a number", repeated({ session: id })],
    ["a number without a session", repeated({ number: 1n })],
    ["number 0", repeated({ session: id, number: 0n })],
    ["number -1", repeated({ session: id, number: -1n })],
    ["number 2^53", repeated({ session: id, number: 2n ** 53n })],
    ["a session of 15 bytes", repeated({ session: id.subarray(1), number: 1n })],
    ["a tag of 15 bytes", repeated({ tag: id.subarray(1) })],
    ["a tag of 17 bytes", repeated({ tag: Uint8Array.of(...id, 0) })],
    ["a tag beside a session", repeated({ session: id, number: 1n, tag: id })],
    ["a tag beside a number", repeated({ number: 1n, tag: id })],
    ["fields in another order", Buffer.concat([repeated({ number: 1n }), repeated({ session: id })])],
  ])("is malformed where it repeats %s", (_, data) => {
    expectRefusal(() => read([extension({ type: REPEATS, critical: true, data })]), "KRB_ERR_GENERIC", {
      field: "authenticator.repeats",
    });
  });
});

describe("what a service grants in EncApRepPart", () => {
  const grant = (fields: { id?: Uint8Array; life?: number }) =>
    extension({ type: SESSION, data: toBinary(SessionGrantSchema, create(SessionGrantSchema, fields)) });

  test("is a session, or none", () => {
    expect(readGrant([])).toBeUndefined();
    expect(readGrant([TRAILERS_ONLY])).toBeUndefined();
    for (const life of [1, 28_800, 0xffff_ffff]) {
      const list = [grantExtension({ id, life }), TRAILERS_ONLY];
      expect(() => checkExtensions(list, "ap_rep.extensions", AP_REP_EXTENSIONS)).not.toThrow();
      expect(readGrant(list)).toEqual({ id, life });
    }
  });

  test("may be passed over by who knows nothing of sessions; an answer among the trailers may not", () => {
    expect(grantExtension({ id, life: 1 })).toMatchObject({ type: SESSION, critical: false });
    expectRefusal(() => checkExtensions([TRAILERS_ONLY], "ap_rep.extensions"), "KDC_ERR_POLICY", {
      type: "4",
    });
  });

  test("is the reader's own", () => {
    const list = [grantExtension({ id, life: 1 })];
    const { id: found } = readGrant(list)!;
    list[0]!.data.fill(0);
    expect(found).toEqual(id);
  });

  test.each<[string, Extension, string]>([
    ["no identifier", grant({ life: 1 }), "ap_rep.session.id"],
    ["an identifier of 15 bytes", grant({ id: id.subarray(1), life: 1 }), "ap_rep.session.id"],
    ["an identifier of 17 bytes", grant({ id: Uint8Array.of(...id, 0), life: 1 }), "ap_rep.session.id"],
    ["no life", grant({ id }), "ap_rep.session.life"],
    ["no bytes", extension({ type: SESSION }), "ap_rep.session"],
    ["garbage", extension({ type: SESSION, data: Uint8Array.of(0xff) }), "ap_rep.session"],
    ["1 MiB", extension({ type: SESSION, data: new Uint8Array(2 ** 20) }), "ap_rep.session"],
  ])("is malformed with %s", (_, granted, field) => {
    expectRefusal(() => readGrant([granted]), "KRB_ERR_GENERIC", { field });
  });
});
