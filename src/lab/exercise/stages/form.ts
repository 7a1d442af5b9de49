/** Stages 1 to 3: whether the server runs, reads a request, and refuses what is none. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../gen/grpc/health/v1/health_pb.js";
import { KdcReqBodySchema } from "../../../gen/kerberos/v1/kdc_pb.js";
import { krbtgtOf } from "../../../protocol/principal.js";
import { arrivalText } from "../arrival.js";
import { askWith, bodyBytes, forgedTgt } from "../requests.js";
import type { Stage } from "../stage.js";

/** A field that no message has: number 999, a varint. */
const UNKNOWN_FIELD = Uint8Array.of(0xb8, 0x3e, 1);

export const HEALTH: Stage = {
  title: "answers the health check",
  clause: "grpc.health.v1, the gRPC health checking protocol",
  section: "The dialogue",
  hint: "listen on 127.0.0.1 at EXERCISE_PORT, and answer grpc.health.v1.Health/Check with SERVING",
  async run(bench) {
    const sent = 'grpc.health.v1.Health/Check for ""';
    const arrival = await bench.call(Health.method.check, create(HealthCheckRequestSchema));
    const arrived = arrivalText(arrival, ({ status }) => ServingStatus[status] ?? `status ${status}`);
    bench.found(sent, "SERVING", arrived, arrived === "SERVING");
  },
};

export const DECODES: Stage = {
  title: "decodes the request, and sees whom the ticket is for",
  clause: "RFC 4120 §3.3.2, §7.5.9",
  section: "3 and 4: GrantTicket",
  hint:
    "`ticket` is a serialized Ticket: decode it, and compare its `server`, which is in clear, with " +
    "krbtgt/REALM@REALM; unknown fields of the request itself are ignored",
  async run(bench) {
    const { realm } = bench;
    const forV = forgedTgt(realm, { server: realm.v.principal, sealedWith: realm.v.key });
    await bench.refused("a ticket for v/localhost", askWith(realm, forV).request, "KRB_AP_ERR_NOT_US");
    const elsewhere = forgedTgt(realm, { server: krbtgtOf("OTHER.TEST") });
    const { request } = askWith(realm, elsewhere);
    await bench.refused("a ticket for another realm's TGS", request, "KRB_AP_ERR_NOT_US");
    request.$unknown = [{ no: 999, wireType: 0, data: Uint8Array.of(1) }];
    await bench.refused("the same with a field that is not known", request, "KRB_AP_ERR_NOT_US");
  },
};

export const GARBAGE: Stage = {
  title: "refuses garbage",
  clause: "RFC 4120 §5.9.1, §7.5.9",
  section: "Bytes within messages",
  hint:
    "each of the three fields has to be the one canonical encoding of its message: decode, drop unknown " +
    "fields, encode again, compare; what differs, and what lacks a required field, is refused",
  async run(bench) {
    const { realm } = bench;
    const tgt = forgedTgt(realm);
    const good = askWith(realm, tgt).request;
    const cases: readonly (readonly [string, typeof good])[] = [
      ["no ticket", { ...good, ticket: new Uint8Array() }],
      ["a ticket of 40 bytes 0xff", { ...good, ticket: new Uint8Array(40).fill(0xff) }],
      ["a ticket with a field that is not known", { ...good, ticket: withUnknown(good.ticket) }],
      ["an authenticator that is no EncryptedData", { ...good, authenticator: new Uint8Array(9).fill(0xff) }],
      ["no body", askWith(realm, tgt, { body: () => new Uint8Array() }).request],
      [
        "a body with a field that is not known, covered by the checksum",
        askWith(realm, tgt, { body: (body) => withUnknown(bodyBytes(body)) }).request,
      ],
      [
        "a body whose nonce has 15 bytes instead of 16",
        askWith(realm, tgt, {
          body: (body) => toBinary(KdcReqBodySchema, { ...body, nonce: body.nonce.subarray(1) }),
        }).request,
      ],
    ];
    for (const [sent, request] of cases) await bench.refused(sent, request, "KRB_ERR_GENERIC");
  },
};

function withUnknown(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, UNKNOWN_FIELD]);
}
