/** Reads one of the caller's notes. */
import * as grpc from "@grpc/grpc-js";
import { GetNoteRequestSchema, GetNoteResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { defineOperation } from "./operation.js";

export const getNote = defineOperation({
  request: GetNoteRequestSchema,
  response: GetNoteResponseSchema,
  handle: async ({ name }, { notes, ticket }) => {
    const note = await notes.get(ticket.client, name);
    if (note === undefined) throw new RpcError(grpc.status.NOT_FOUND, `you have no note named ${name}`);
    return { note: { name, text: note.text, modified: toTimestamp(note.modified) } };
  },
});
