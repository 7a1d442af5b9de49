/** An AS of mallory's: it believes everybody, and seals its answer under a key that it makes up. */
import {
  type AuthenticationServiceServer,
  addAuthenticationService,
} from "../../../gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticationService } from "../../../gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../../gen/kerberos/v1/encryption_pb.js";
import { TicketFlag } from "../../../gen/kerberos/v1/sealed_pb.js";
import { etypeOf } from "../../../protocol/etypes.js";
import { makeEncKdcRepPart } from "../../../protocol/kdc-reply.js";
import { readKdcRequest } from "../../../protocol/kdc-request.js";
import { KeyUsage } from "../../../protocol/key-usage.js";
import { randomKey } from "../../../protocol/keys.js";
import { encTimestampOf } from "../../../protocol/pre-authentication.js";
import { krbtgtOf, parsePrincipal } from "../../../protocol/principal.js";
import { sealToBytes } from "../../../protocol/sealed-part.js";
import { decodeBlob } from "../../../protocol/strict-decode.js";
import { makeTicket, type TicketContents } from "../../../protocol/ticket.js";
import { type RunningServer, startServer } from "../../../services/server.js";
import type { LabRealm } from "../../realm/lab-realm.js";

const HOUR = 3_600_000;

/** Starts it on a free port of loopback. Whoever starts it stops it. */
export function startFalseAs(realm: LabRealm): Promise<RunningServer> {
  const implementation: AuthenticationServiceServer = {
    authenticate: async (request) => {
      const client = parsePrincipal(request.client, "client");
      const proof = decodeBlob(EncryptedDataSchema, encTimestampOf(request.padata)!, "padata.value");
      const madeUp = randomKey(etypeOf(proof.etype));
      const { now } = realm;
      const ticket: TicketContents = {
        client,
        server: krbtgtOf(realm.realm),
        sessionKey: randomKey(etypeOf(proof.etype)),
        flags: [TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT],
        authtime: now,
        starttime: now,
        endtime: now + HOUR,
        renewTill: undefined,
        addresses: [],
        authorizationData: [],
      };
      const part = makeEncKdcRepPart(ticket, readKdcRequest(request, "request"), now);
      const sealing = { key: madeUp, kvno: 1, usage: KeyUsage.AS_REP };
      return {
        client,
        ticket: makeTicket(ticket, { key: madeUp, kvno: 1 }),
        encPart: sealToBytes(sealing, "encAsRepPart", part),
      };
    },
  };
  return startServer({
    host: "127.0.0.1",
    port: 0,
    service: AuthenticationService,
    add: (server, options) => addAuthenticationService(server, implementation, options),
    log: () => {},
  });
}
