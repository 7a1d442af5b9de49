/**
 * What grpc-js must know of a service, from its protobuf-es descriptor.
 *
 * The codecs are the identity: grpc-js and every interceptor, on both sides, handle a message as the Buffer
 * that travels. Decoding happens in the run time, where a malformed message can be answered properly, and a
 * digest is taken over the very bytes that were sent or received, never over a re-encoding.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { asView, readCanonical } from "../canonical/decode.js";
import { encodeCanonical } from "../canonical/encode.js";
import { hasCanonicalForm } from "../canonical/form.js";
import { KrbError } from "../protocol/krb-error.js";
import { RpcError } from "./rpc-error.js";
import { toBuffer } from "./to-buffer.js";

/**
 * A method's path on the wire, `/package.Service/Method`; `typeName` registers the service under another
 * name.
 */
export function methodPath(method: DescMethod, typeName: string = method.parent.typeName): string {
  return `/${typeName}/${method.name}`;
}

/** grpc-js's definition of a service; `typeName` registers it under another name. */
export function serviceDefinition(
  service: DescService,
  typeName: string = service.typeName,
): grpc.ServiceDefinition {
  const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  for (const method of service.methods) {
    definition[method.localName] = {
      path: methodPath(method, typeName),
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
      originalName: method.name,
    };
  }
  return definition;
}

/** The codec of both directions on both sides. */
export function identity(bytes: Buffer): Buffer {
  return bytes;
}

// Most messages that travel are canonical, and all their fields are of kinds that canonical form knows: these
// take a shorter way here, all others that of protobuf-es. The outcome is the same.

/** A message as the bytes that travel. Throws what protobuf-es throws for a message with wrong contents. */
export function encodeMessage<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Buffer {
  const message = create(schema, init);
  return toBuffer(encodeKnown(schema, message) ?? toBinary(schema, message));
}

/** A request from the bytes received. Throws KrbError KRB_ERR_GENERIC for anything else. */
export function decodeRequest<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  try {
    return decodeMessage(schema, bytes);
  } catch {
    throw new KrbError("KRB_ERR_GENERIC", `malformed request: not a ${schema.typeName}`, {
      message: schema.typeName,
    });
  }
}

/** A response from the bytes received. Throws RpcError INTERNAL for anything else. */
export function decodeResponse<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  try {
    return decodeMessage(schema, bytes);
  } catch (cause) {
    throw new RpcError(grpc.status.INTERNAL, `malformed response: not a ${schema.typeName}`, { cause });
  }
}

/** A message from its bytes. Throws what protobuf-es throws for anything else. */
export function decodeMessage<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  const message = hasCanonicalForm(schema) ? readCanonical(schema, bytes, asView) : undefined;
  return message ?? fromBinary(schema, bytes);
}

/** The encoding of a message whose every field canonical form knows. */
function encodeKnown<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array | undefined {
  if (!hasCanonicalForm(schema)) return undefined;
  try {
    // A handler's answer may be secret: it lies in memory of its own.
    return encodeCanonical(schema, message, Buffer.allocUnsafeSlow);
  } catch {
    return undefined;
  }
}
