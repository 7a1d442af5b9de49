/** What a service answers under seal: an operation's response, or the refusal in its place. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { RpcError } from "../rpc/rpc-error.js";

/** An operation of a service: its request and the response that answers it. */
export interface OperationTypes<Request extends DescMessage, Response extends DescMessage> {
  readonly request: Request;
  readonly response: Response;
}

/**
 * Reads an answer that was unsealed.
 * @throws RpcError with the code of what the operation refused; INTERNAL for bytes that do not answer it.
 */
export function readAnswer<Response extends DescMessage>(
  bytes: Uint8Array,
  schema: Response,
): MessageShape<Response> {
  const { refusal, response, typeUrl } = unpackAnswer(bytes, schema);
  if (refusal !== undefined) throw new RpcError(refusal.code, refusal.message);
  if (response === undefined)
    throw new RpcError(grpc.status.INTERNAL, `the service answered with ${typeUrl}`);
  return response;
}

function unpackAnswer<Response extends DescMessage>(bytes: Uint8Array, schema: Response) {
  try {
    const answer = fromBinary(AnySchema, bytes);
    const { typeUrl } = answer;
    return { typeUrl, refusal: anyUnpack(answer, StatusSchema), response: anyUnpack(answer, schema) };
  } catch (cause) {
    throw new RpcError(grpc.status.INTERNAL, `the service's answer is not a ${schema.typeName}`, { cause });
  }
}
