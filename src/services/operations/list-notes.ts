/** Lists the caller's notes in order of their names, without their texts. */
import { ListNotesRequestSchema, ListNotesResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { defineOperation } from "./operation.js";

export const listNotes = defineOperation({
  request: ListNotesRequestSchema,
  response: ListNotesResponseSchema,
  handle: async (_request, { notes, ticket }) => {
    const found = await notes.list(ticket.client);
    return { notes: found.map(({ name, modified }) => ({ name, modified: toTimestamp(modified) })) };
  },
});
