/** V's operations, a row each, and how one is run: what comes in was sealed, what goes out will be. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { hasStatus, toStatus } from "../../rpc/status.js";
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
 * Runs the operation that a sealed request asks for. Never throws for what the client sent: a refusal is an answer.
 * @param userData a serialized google.protobuf.Any.
 * @param onCause told of errors that are nobody's refusal.
 * @returns the operation's name and a serialized google.protobuf.Any: its response, or a google.rpc.Status.
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
    const request = anyUnpackOrRefuse(any, operation);
    const response = create(operation.response, await operation.handle(request, call));
    return { name, answer: toBinary(AnySchema, anyPack(operation.response, response)) };
  } catch (error) {
    if (!hasStatus(error)) onCause(error);
    const { code, details } = toStatus(error);
    const status = create(StatusSchema, { code, message: details });
    return { name, answer: toBinary(AnySchema, anyPack(StatusSchema, status)) };
  }
}

function readAny(userData: Uint8Array) {
  try {
    return fromBinary(AnySchema, userData);
  } catch {
    throw new RpcError(grpc.status.INVALID_ARGUMENT, "the sealed request is not a google.protobuf.Any");
  }
}

function anyUnpackOrRefuse(any: ReturnType<typeof readAny>, operation: Operation) {
  try {
    const request = anyUnpack(any, operation.request);
    if (request !== undefined) return request;
  } catch {
    // falls through to the one refusal
  }
  throw new RpcError(grpc.status.INVALID_ARGUMENT, `not a ${operation.request.typeName}`);
}
