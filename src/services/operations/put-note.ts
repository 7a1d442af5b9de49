/** Writes a note of the caller's. */
import * as grpc from "@grpc/grpc-js";
import { PutNoteRequestSchema, PutNoteResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { KrbError } from "../../protocol/krb-error.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { defineOperation } from "./operation.js";

export const putNote = defineOperation({
  request: PutNoteRequestSchema,
  response: PutNoteResponseSchema,
  handle: async ({ name, text }, { notes, ticket, now }) => {
    try {
      await notes.put(ticket.client, name, text, now);
    } catch (error) {
      // The store's one rule: so many notes each. Not a question of permission, so not what that name becomes by custom.
      if (error instanceof KrbError && error.reason === "KDC_ERR_POLICY")
        throw new RpcError(grpc.status.RESOURCE_EXHAUSTED, error.message);
      throw error;
    }
    return { note: { name, text, modified: toTimestamp(now) } };
  },
});
