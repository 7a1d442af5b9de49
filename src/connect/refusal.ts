/** Kerberos refusals among the errors of Connect's clients. */
import { ConnectError } from "@connectrpc/connect";
import { KrbError } from "../protocol/krb-error.js";
import { fromServiceError } from "../rpc/status.js";
import { metadataOf } from "./headers.js";

/** The refusal that a call ended with, as the service made it; undefined for any other error. */
export function refusalOf(error: unknown): KrbError | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  const { code, rawMessage: details } = error;
  const found = fromServiceError({ code, details, metadata: metadataOf(error.metadata) });
  return found instanceof KrbError ? found : undefined;
}
