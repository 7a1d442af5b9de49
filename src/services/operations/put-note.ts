/** Writes a note for the caller. */
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
      // The store's one policy is a quota. That is not a question of permission, which KDC_ERR_POLICY would
      // become.
      if (error instanceof KrbError && error.reason === "KDC_ERR_POLICY")
        throw new RpcError(grpc.status.RESOURCE_EXHAUSTED, error.message);
      throw error;
    }
    return { note: { name, text, modified: toTimestamp(now) } };
  },
});
