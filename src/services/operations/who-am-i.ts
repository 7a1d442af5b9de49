/** Who the caller is, as the ticket says. */
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { flagNames } from "../../protocol/ticket-flags.js";
import { defineOperation } from "./operation.js";

export const whoAmI = defineOperation({
  request: WhoAmIRequestSchema,
  response: WhoAmIResponseSchema,
  handle: async (_request, { ticket }) => ({
    client: ticket.client,
    server: ticket.server,
    authtime: toTimestamp(ticket.authtime),
    endtime: toTimestamp(ticket.endtime),
    flags: flagNames(ticket.flags),
  }),
});
