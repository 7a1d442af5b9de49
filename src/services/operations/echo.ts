/** Sends the same text back. */
import * as grpc from "@grpc/grpc-js";
import { EchoRequestSchema, EchoResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { defineOperation } from "./operation.js";

/** The longest text, in bytes of UTF-8. */
const MAX_TEXT = 4096;

export const echo = defineOperation({
  request: EchoRequestSchema,
  response: EchoResponseSchema,
  handle: async ({ text }) => {
    const length = Buffer.byteLength(text);
    if (length > MAX_TEXT)
      throw new RpcError(grpc.status.INVALID_ARGUMENT, `text: at most ${MAX_TEXT} bytes, got ${length}`);
    return { text };
  },
});
