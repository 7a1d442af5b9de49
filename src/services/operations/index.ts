/** V's operations, one row each, and how one is run. The request came sealed; the answer will be sealed. */
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { decodeMessage, encodeMessage } from "../../rpc/service-definition.js";
import { hasStatus, toStatus } from "../../rpc/status.js";
import { StoreError } from "../../store/store-error.js";
import { deleteNote } from "./delete-note.js";
import { echo } from "./echo.js";
import { getNote } from "./get-note.js";
import { listNotes } from "./list-notes.js";
import type { Operation, OperationCall } from "./operation.js";
import { putNote } from "./put-note.js";
import { serverTime } from "./server-time.js";
import { whoAmI } from "./who-am-i.js";

const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  [whoAmI, echo, serverTime, putNote, getNote, listNotes, deleteNote].map((row) => [
    row.request.typeName,
    row,
  ]),
);

/**
 * Runs the operation that a sealed request asks for. Does not throw for anything the client sent: a refusal
 * is an answer.
 * @param userData a serialized google.protobuf.Any.
 * @param onCause told of errors that are not refusals.
 * @returns the operation's name and a serialized google.protobuf.Any: its response, or a google.rpc.Status.
 * @throws StoreError of the notes: the service has no answer then.
 */
export async function runOperation(
  userData: Uint8Array,
  call: OperationCall,
  onCause: (error: unknown) => void,
): Promise<{ name: string; answer: Uint8Array }> {
  let name = "unknown";
  try {
    const any = readAny(userData);
    const operation = OPERATIONS.get(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
    if (operation === undefined) throw new RpcError(grpc.status.UNIMPLEMENTED, "V has no such operation");
    name = operation.request.name;
    const request = readRequest(any, operation);
    return { name, answer: packed(operation.response, await operation.handle(request, call)) };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (!hasStatus(error)) onCause(error);
    const { code, details } = toStatus(error);
    return { name, answer: packed(StatusSchema, { code, message: details }) };
  }
}

function readAny(userData: Uint8Array): Any {
  try {
    return decodeMessage(AnySchema, userData);
  } catch {
    throw new RpcError(grpc.status.INVALID_ARGUMENT, "the sealed request is not a google.protobuf.Any");
  }
}

function readRequest(any: Any, { request }: Operation) {
  try {
    return decodeMessage(request, any.value);
  } catch {
    throw new RpcError(grpc.status.INVALID_ARGUMENT, `not a ${request.typeName}`);
  }
}

/** A message in a serialized google.protobuf.Any. */
function packed<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Uint8Array {
  return encodeMessage(AnySchema, {
    $typeName: "google.protobuf.Any",
    typeUrl: `type.googleapis.com/${schema.typeName}`,
    value: encodeMessage(schema, init),
  });
}
