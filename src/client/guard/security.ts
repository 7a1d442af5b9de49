/** How one call proves itself, and how its messages are protected, in both directions. */
import type * as grpc from "@grpc/grpc-js";
import type { BoundCall } from "../../protocol/call-binding.js";
import type { KrbError } from "../../protocol/krb-error.js";
import type { OpenedMessage } from "../../protocol/message-protection.js";
import type { Repeated } from "../../protocol/session-extensions.js";
import type { ServiceProof } from "./tickets.js";

/**
 * What secures a call: an AP exchange of its own (exchange-security.ts), or a session (session-security.ts).
 *
 * Invariant. Keys made for the call belong to it until it wipes them.
 */
export interface CallSecurity {
  /** A request as it travels: asked for in the order of the requests. */
  protect(bytes: Uint8Array): Buffer;
  /** The end marker of a stream of requests; undefined where none goes. */
  endMarker(): Buffer | undefined;
  /**
   * A renewal of the stream of requests, as it travels, in its turn among them.
   * @param next the client's next ticket.
   * @throws KrbError KRB_ERR_FIELD_TOOLONG for a ticket that an AP-REQ has no room for; then the stream is as
   *   it was.
   */
  renewal(next: ServiceProof): Buffer;
  /** Says what call it is; once, before the first attempt. */
  bind(call: BoundCall): void;
  /**
   * The metadata of one more attempt. Throws KrbError KRB_ERR_FIELD_TOOLONG for a ticket that metadata has no
   * room for.
   */
  attempt(): grpc.Metadata;
  /**
   * Takes the service's proof out of the initial metadata.
   * @throws KrbError KRB_AP_ERR_MUT_FAIL where it is missing or wrong.
   */
  begin(metadata: grpc.Metadata): void;
  /** Whether the status proves a single response too: then it is not handed over before. */
  readonly provesEnd: boolean;
  /**
   * A response from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`.
   */
  open(bytes: Buffer): OpenedMessage;
  /** Throws KrbError KRB_AP_ERR_MODIFIED where a stream of responses was cut short. */
  checkEnded(): void;
  /**
   * Whether the service has proved its answer, and takes the proof out of the status. Without a session there
   * is no more proof than that it answers.
   */
  isProven(status: grpc.StatusObject): boolean;
  /** Whether a refusal passes that comes before the service could prove anything. */
  passesUnproven(refusal: KrbError | undefined): boolean;
  /** The latest attempt, as another that repeats it names it. */
  readonly repeated: Repeated | undefined;
  /** Overwrites the call's keys. */
  wipe(): void;
}
