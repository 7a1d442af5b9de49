/** Deletes one of the caller's notes. */
import * as grpc from "@grpc/grpc-js";
import { DeleteNoteRequestSchema, DeleteNoteResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { defineOperation } from "./operation.js";

export const deleteNote = defineOperation({
  request: DeleteNoteRequestSchema,
  response: DeleteNoteResponseSchema,
  handle: async ({ name }, { notes, ticket }) => {
    const deleted = await notes.delete(ticket.client, name);
    if (!deleted) throw new RpcError(grpc.status.NOT_FOUND, `you have no note named ${name}`);
    return {};
  },
});
