/** AP-REQs and AP-REPs with extensions of sessions that must be refused, each with its reason. */
import { create, toBinary } from "@bufbuild/protobuf";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { type Extension, ExtensionSchema } from "../../src/gen/kerberos/v1/extension_pb.js";
import { RepeatedAttemptSchema, SessionGrantSchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { answerApReq } from "../../src/protocol/ap-rep.js";
import type { Carried } from "../../src/protocol/authenticator.js";
import { makeCallApReq, readApReq } from "../../src/protocol/call-binding.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { TRAILERS_ONLY } from "../../src/protocol/session-extensions.js";
import { NOW } from "./guard-vectors.js";
import { NamedRandom } from "./guard-vectors-exchange.js";
import type { runSessions } from "./guard-vectors-sessions.js";
import { hex } from "./recorded-random.js";

type Run = ReturnType<typeof runSessions>;

/** An AP-REQ of the vectors' client, with what it is told in its authenticator. */
export function authenticated({ ends, made }: Run, carried: Carried, name = "altered"): string {
  const random = new NamedRandom(`refused ${ends.etype}`);
  const draws = random.take(`${name}: nonce`, `${name}: confounder`);
  const whole = { subkey: made.clientSubkey, ...carried };
  return hex(makeCallApReq(ends.credentials, made.bound, whole, NOW, draws).bytes);
}

/** An AP-REQ whose extensions its service refuses. */
export function refusedApReqs(run: Run) {
  const { made, refused } = run;
  const { challenge } = made;
  const id = made.session.id;
  const extension = (type: number, critical: boolean, data: Uint8Array = new Uint8Array()): Extension =>
    create(ExtensionSchema, { type, critical, data });
  const fresh = extension(1, true, challenge);
  const asks = extension(3, false);
  const repeats = (fields: object) =>
    extension(2, true, toBinary(RepeatedAttemptSchema, create(RepeatedAttemptSchema, fields as never)));
  const tag = new Uint8Array(16);
  const { blobs } = readApReq(made.apReq);
  const outside = (extensions: Extension[]) => hex(toBinary(ApReqSchema, { ...blobs, extensions }));
  const row = (what: string, reason: KrbErrorName, carried: Carried | string) => ({
    what,
    apReq: typeof carried === "string" ? carried : authenticated(run, carried, what),
    reason,
  });
  const holding = (what: string, reason: KrbErrorName, ...extensions: Extension[]) =>
    row(what, reason, { extensions });
  const more = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";
  return [
    holding("the challenge of another minute", more, extension(1, true, refused.challenge), asks),
    holding("a challenge of its own making", more, extension(1, true, new Uint8Array(48)), asks),
    holding(
      "the challenge, with a byte more",
      more,
      extension(1, true, Buffer.concat([challenge, tag.subarray(0, 1)])),
    ),
    holding("an empty challenge", "KRB_ERR_GENERIC", extension(1, true)),
    holding("a challenge of 65 bytes", "KRB_ERR_GENERIC", extension(1, true, new Uint8Array(65))),
    holding("the challenge twice", "KRB_ERR_GENERIC", fresh, fresh),
    holding("extensions out of order", "KRB_ERR_GENERIC", asks, fresh),
    holding("an extension without a type", "KRB_ERR_GENERIC", extension(0, false), fresh),
    holding("a critical extension of an unknown type", "KDC_ERR_POLICY", fresh, extension(1000, true)),
    holding("the mark of trailers", "KDC_ERR_POLICY", fresh, extension(4, true)),
    holding(
      "the challenge in place of what is repeated",
      "KRB_ERR_GENERIC",
      fresh,
      extension(2, true, challenge),
    ),
    holding("repeats nothing", "KRB_ERR_GENERIC", fresh, repeats({})),
    holding("repeats a session without a number", "KRB_ERR_GENERIC", fresh, repeats({ session: id })),
    holding("repeats a number without a session", "KRB_ERR_GENERIC", fresh, repeats({ number: 1n })),
    holding("repeats number 2^53", "KRB_ERR_GENERIC", fresh, repeats({ session: id, number: 2n ** 53n })),
    holding("repeats number -1", "KRB_ERR_GENERIC", fresh, repeats({ session: id, number: -1n })),
    holding(
      "repeats a session of 15 bytes",
      "KRB_ERR_GENERIC",
      fresh,
      repeats({ session: id.subarray(1), number: 1n }),
    ),
    holding("repeats a tag of 15 bytes", "KRB_ERR_GENERIC", fresh, repeats({ tag: tag.subarray(1) })),
    holding(
      "repeats a session and a tag",
      "KRB_ERR_GENERIC",
      fresh,
      repeats({ session: id, number: 1n, tag }),
    ),
    holding(
      "repeats, not in canonical form",
      "KRB_ERR_GENERIC",
      fresh,
      extension(2, true, Buffer.concat([Buffer.from("1801", "hex"), Buffer.from("1a10", "hex"), tag])),
    ),
    holding("asks for a session with data", "KRB_ERR_GENERIC", fresh, extension(3, false, tag)),
    row("asks for a session without a subkey", "KRB_ERR_GENERIC", {
      subkey: undefined,
      extensions: [fresh, asks],
    }),
    row("a subkey that nothing needs", "KRB_ERR_GENERIC", { extensions: [fresh] }),
    row("a sequence number that nothing needs", "KRB_ERR_GENERIC", {
      seqNumber: 1,
      extensions: [fresh, asks],
    }),
    row(
      "an extension of the ApReq that its checksum does not cover",
      "KRB_AP_ERR_MODIFIED",
      outside([extension(1000, false)]),
    ),
    row("a critical extension of the ApReq", "KDC_ERR_POLICY", outside([extension(1000, true)])),
    row(
      "extensions of the ApReq out of order",
      "KRB_ERR_GENERIC",
      outside([extension(2, false), extension(1, false)]),
    ),
    row(
      "an extension of the ApReq of 4,096 bytes",
      "KRB_ERR_FIELD_TOOLONG",
      outside([extension(1000, false, new Uint8Array(4096))]),
    ),
    row("a byte after the AP-REQ", "KRB_ERR_GENERIC", `${hex(made.apReq)}00`),
  ];
}

/** An AP-REP that the client of the first exchange refuses. */
export function refusedApReps(run: Run) {
  const { made, refused, ends } = run;
  const subkey = made.serviceSubkey;
  const grant = (fields: object) =>
    create(ExtensionSchema, {
      type: 3,
      data: toBinary(SessionGrantSchema, create(SessionGrantSchema, fields as never)),
    });
  const granted = grant({ id: made.session.id, life: 60 });
  const critical = create(ExtensionSchema, { type: 1000, critical: true });
  const row = (what: string, reason: KrbErrorName, carried: Carried, place = "initial metadata") => {
    const draws = new NamedRandom(`refused ${ends.etype}`).take(`${what}: confounder`);
    return { what, apRep: hex(answerApReq(made.verified, { subkey, ...carried }, draws)), place, reason };
  };
  const { nonce } = refused.verified.authenticator;
  return [
    {
      what: "of another exchange",
      apRep: hex(refused.apRep),
      place: "trailers",
      reason: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      what: "with the nonce of another",
      apRep: hex(
        answerApReq(
          { ...made.verified, authenticator: { ...made.verified.authenticator, nonce } },
          { subkey, extensions: [granted] },
          new NamedRandom(`refused ${ends.etype}`).take("nonce of another: confounder"),
        ),
      ),
      place: "initial metadata",
      reason: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      what: "the client's own AP-REQ",
      apRep: hex(made.apReq),
      place: "initial metadata",
      reason: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      what: "the authenticator sent back",
      apRep: hex(readApReq(made.apReq).blobs.authenticator),
      place: "initial metadata",
      reason: "KRB_AP_ERR_MUT_FAIL",
    },
    row("made for trailers, in initial metadata", "KRB_AP_ERR_MUT_FAIL", {
      extensions: [granted, TRAILERS_ONLY],
    }),
    row(
      "made for initial metadata, in trailers",
      "KRB_AP_ERR_MUT_FAIL",
      { extensions: [granted] },
      "trailers",
    ),
    row("a session without a subkey", "KRB_AP_ERR_MUT_FAIL", { subkey: undefined, extensions: [granted] }),
    row("a subkey without a session", "KRB_AP_ERR_MUT_FAIL", {}),
    row("a session without an identifier", "KRB_ERR_GENERIC", { extensions: [grant({ life: 60 })] }),
    row("a session with an identifier of 15 bytes", "KRB_ERR_GENERIC", {
      extensions: [grant({ id: made.session.id.subarray(1), life: 60 })],
    }),
    row("a session of no life", "KRB_ERR_GENERIC", { extensions: [grant({ id: made.session.id })] }),
    row("a session twice", "KRB_ERR_GENERIC", { extensions: [granted, granted] }),
    row("extensions out of order", "KRB_ERR_GENERIC", { extensions: [TRAILERS_ONLY, granted] }),
    row("a critical extension of an unknown type", "KDC_ERR_POLICY", { extensions: [granted, critical] }),
  ] as const;
}
