/** The server's time. */
import { ServerTimeRequestSchema, ServerTimeResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { defineOperation } from "./operation.js";

export const serverTime = defineOperation({
  request: ServerTimeRequestSchema,
  response: ServerTimeResponseSchema,
  handle: async (_request, { now }) => ({ time: toTimestamp(now) }),
});
