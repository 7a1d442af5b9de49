/** Writes a note of the caller's. */
import { PutNoteRequestSchema, PutNoteResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { defineOperation } from "./operation.js";

export const putNote = defineOperation({
  request: PutNoteRequestSchema,
  response: PutNoteResponseSchema,
  handle: async ({ name, text }, { notes, ticket, now }) => {
    await notes.put(ticket.client, name, text, now);
    return { note: { name, text, modified: toTimestamp(now) } };
  },
});
