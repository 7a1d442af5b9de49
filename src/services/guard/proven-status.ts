/** A status with the service's proof of it in its trailers: an AP-REP, a session's reply, or both. */
import * as grpc from "@grpc/grpc-js";
import { AP_REP_METADATA, REPLY_METADATA, STATUS_DETAILS_METADATA } from "../../rpc/metadata-names.js";
import type { GuardedMessages } from "./messages.js";

type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

const NO_DETAILS = new Uint8Array();

/** The status as it goes out; it stays the caller's as it was. */
export function provenStatus(status: Status, messages: GuardedMessages): Status {
  const { code, details: message } = status;
  const [details] = status.metadata?.get(STATUS_DETAILS_METADATA) ?? [];
  const { apRep, reply } = messages.close({
    code,
    message,
    details: details instanceof Uint8Array ? details : NO_DETAILS,
  });
  if (apRep === undefined && reply === undefined) return status;
  const metadata = status.metadata?.clone() ?? new grpc.Metadata();
  if (apRep !== undefined) metadata.set(AP_REP_METADATA, apRep);
  if (reply !== undefined) metadata.set(REPLY_METADATA, reply);
  return { code, details: message, metadata };
}
