/**
 * A service for one lesson: two methods, guarded by the product's guard or by one that forgets to ask which
 * call a proof was made for. Requests and answers are text in UTF-8.
 */
import type * as grpc from "@grpc/grpc-js";
import { ApReqSchema } from "../../gen/kerberos/v1/application_service_pb.js";
import { type ApReqPolicy, openApReq, type ReplayRecord, replayRecord } from "../../protocol/ap-exchange.js";
import { AP_USE, authenticatorTime } from "../../protocol/authenticator.js";
import { checkSkew } from "../../protocol/kerberos-time.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { Principal } from "../../protocol/principal.js";
import { decodeBlob } from "../../protocol/strict-decode.js";
import { checkTicketTimes } from "../../protocol/ticket.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { identity } from "../../rpc/service-definition.js";
import { toStatus } from "../../rpc/status.js";
import { callerOf } from "../../services/guard/caller.js";

/** The methods' paths. */
export const CANTEEN = {
  showMenu: "/canteen.v1.Canteen/ShowMenu",
  openTill: "/canteen.v1.Canteen/OpenTill",
} as const;

/** What a caller is answered. */
export type Answers = Readonly<Record<keyof typeof CANTEEN, (caller: Principal) => string>>;

/** Who calls; throws KrbError for a call that is not to be let in. */
export type Admission = (metadata: grpc.Metadata) => Principal;

/** The caller that the product's guard, an interceptor of the server, has let in. */
export const admittedByGuard: Admission = (metadata) => callerOf({ metadata }).principal;

/**
 * A guard that forgets one thing: it opens ticket and authenticator, looks at their times, takes none twice,
 * and never compares the call with the one that the authenticator's checksum covers.
 */
export function forgetfulAdmission(policy: ApReqPolicy, clock: () => number): Admission {
  const taken: ReplayRecord[] = [];
  return (metadata) => {
    const [header] = metadata.get(AP_REQ_METADATA);
    if (!(header instanceof Uint8Array)) throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "no ticket");
    const opened = openApReq(decodeBlob(ApReqSchema, header, "ap_req"), AP_USE, policy, clock());
    const { ticket, authenticator, sealed } = opened;
    const ctime = authenticatorTime(authenticator);
    checkSkew(ctime, clock(), policy.clockSkew);
    checkTicketTimes(ticket, clock(), policy.clockSkew);
    const record = replayRecord({ ticket, sealed, ctime }, policy.clockSkew);
    if (taken.some(({ tag }) => Buffer.compare(tag, record.tag) === 0))
      throw new KrbError("KRB_AP_ERR_REPEAT", "this authenticator was used before");
    taken.push(record);
    return ticket.client;
  };
}

/** Adds the canteen to a server. */
export function addCanteen(server: grpc.Server, admit: Admission, answers: Answers): void {
  const handlers: Record<string, grpc.handleUnaryCall<Buffer, Buffer>> = {};
  const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  for (const [name, answer] of Object.entries(answers)) {
    definition[name] = {
      path: CANTEEN[name as keyof Answers],
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    handlers[name] = ({ metadata }, callback) => {
      try {
        callback(null, Buffer.from(answer(admit(metadata))));
      } catch (error) {
        callback(toStatus(error));
      }
    };
  }
  server.addService(definition, handlers);
}
