/** Connect's headers, which are the Fetch API's, and grpc-js's metadata. */
import * as grpc from "@grpc/grpc-js";

/** Headers of HTTP/2 and gRPC, which the transport beneath writes itself. */
const OF_TRANSPORT: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "date",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
  "host",
  "te",
  "trailer",
  "transfer-encoding",
  "user-agent",
]);

/** Metadata of headers, those of the transport left out. */
export function metadataOf(headers: Headers): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of headers) {
    if (OF_TRANSPORT.has(name) || name.startsWith(":")) continue;
    if (!name.endsWith("-bin")) metadata.add(name, value);
    // Several values of a name come joined by commas, which base64 has none of.
    else for (const part of value.split(",")) metadata.add(name, Buffer.from(part.trim(), "base64"));
  }
  return metadata;
}

/** Adds metadata to headers, those of the transport left out. */
export function addMetadata(headers: Headers, metadata: grpc.Metadata): void {
  for (const [name, value] of Object.entries(metadata.toHttp2Headers()))
    if (!OF_TRANSPORT.has(name))
      for (const one of [value].flat()) if (one !== undefined) headers.append(name, String(one));
}

/** The text of a `grpc-message` header. */
export function statusText(message: string | null): string {
  try {
    return decodeURIComponent(message ?? "");
  } catch {
    return message ?? ""; // the peer's text: shown as it came
  }
}
