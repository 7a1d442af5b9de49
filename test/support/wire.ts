/**
 * Calls as they travel: any bytes as a request, and everything that came back. Below the project's client, so
 * that tests can send what it never would.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { expect } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import { type EtypeInfo2, EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { KrbErrorCode, type KrbErrorName } from "../../src/protocol/krb-error.js";

/** The three RPCs of the contract, as paths. */
export const AUTHENTICATE = "/kerberos.v1.AuthenticationService/Authenticate";
export const GRANT_TICKET = "/kerberos.v1.TicketGrantingService/GrantTicket";
export const ACCESS = "/kerberos.v1.ApplicationService/Access";

/** No answer within this time counts as a hang. */
const HANG_MS = 8_000;

/** How a call ended. */
export interface WireReply {
  /** The gRPC code's name. */
  readonly code: string;
  readonly text: string;
  /** ErrorInfo of a refusal: `reason`, `domain`, and its metadata, including the number. */
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly etypeInfo: EtypeInfo2 | undefined;
  /** The response's bytes, if there was one. */
  readonly message: Buffer | undefined;
  readonly headers: grpc.Metadata;
  readonly trailers: grpc.Metadata;
}

/** A channel to one server over which anything may be sent. */
export class Wire implements Disposable {
  readonly #client: grpc.Client;

  constructor(address: string, credentials = grpc.credentials.createInsecure()) {
    this.#client = new grpc.Client(address, credentials, {
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** Sends one request and waits for its status; never rejects. */
  call(path: string, message: Uint8Array, metadata = new grpc.Metadata()): Promise<WireReply> {
    const bytes = (raw: Buffer) => raw;
    return new Promise((resolve) => {
      let headers = new grpc.Metadata();
      let response: Buffer | undefined;
      const call = this.#client.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.from(message),
        metadata,
        { deadline: Date.now() + HANG_MS },
        (_error, value) => {
          response = value;
        },
      );
      call.on("metadata", (received: grpc.Metadata) => {
        headers = received;
      });
      call.on("status", (status: grpc.StatusObject) => {
        resolve({
          code: grpc.status[status.code]!,
          text: status.details,
          ...readDetails(status.metadata),
          message: response,
          headers,
          trailers: status.metadata,
        });
      });
    });
  }

  /**
   * Sends these messages and no more, and collects the answers; never rejects.
   * @param most after so many answers the call is cancelled.
   */
  stream(
    path: string,
    messages: readonly Uint8Array[],
    { metadata = new grpc.Metadata(), most = Number.POSITIVE_INFINITY } = {},
  ): Promise<WireReply & { readonly messages: readonly Buffer[] }> {
    const bytes = (raw: Buffer) => raw;
    return new Promise((resolve) => {
      let headers = new grpc.Metadata();
      const answers: Buffer[] = [];
      const options = { deadline: Date.now() + HANG_MS };
      const call = this.#client.makeBidiStreamRequest(path, bytes, bytes, metadata, options);
      call.on("metadata", (received: grpc.Metadata) => {
        headers = received;
      });
      call.on("data", (answer: Buffer) => {
        answers.push(answer);
        if (answers.length >= most) call.cancel();
      });
      call.on("error", () => {});
      call.on("status", (status: grpc.StatusObject) => {
        resolve({
          code: grpc.status[status.code]!,
          text: status.details,
          ...readDetails(status.metadata),
          message: undefined,
          messages: answers,
          headers,
          trailers: status.metadata,
        });
      });
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
    });
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** How long a reply was, in bytes: its message, headers and trailers, those in binary as base64. */
export function sizeOfReply({ message, headers, trailers, text }: WireReply): number {
  const sizes = [headers, trailers].flatMap((metadata) =>
    Object.entries(metadata.toJSON()).flatMap(([name, values]) =>
      values.map(
        (value) => name.length + (typeof value === "string" ? value.length : 4 * Math.ceil(value.length / 3)),
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, (message?.length ?? 0) + Buffer.byteLength(text));
}

/** Expects a reply to be this refusal: code, reason, number, domain, and at least these details. */
export function expectReply(
  reply: WireReply,
  code: keyof typeof grpc.status,
  reason: KrbErrorName,
  details: Readonly<Record<string, unknown>> = {},
): void {
  const number = String(KrbErrorCode[reason]);
  expect(
    {
      code: reply.code,
      reason: reply.reason,
      domain: reply.domain,
      metadata: reply.metadata,
      text: reply.text,
    },
    reply.text,
  ).toMatchObject({ code, reason, domain: "tessera", metadata: { ...details, number } });
  expect(reply.message).toBeUndefined();
}

function readDetails(
  trailers: grpc.Metadata,
): Pick<WireReply, "reason" | "domain" | "metadata" | "etypeInfo"> {
  const bytes = trailers.get("grpc-status-details-bin")[0];
  const parts = bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes).details : [];
  const info = parts.map((part) => anyUnpack(part, ErrorInfoSchema)).find((part) => part !== undefined);
  const etypeInfo = parts.map((part) => anyUnpack(part, EtypeInfo2Schema)).find((part) => part !== undefined);
  return { reason: info?.reason, domain: info?.domain, metadata: info?.metadata ?? {}, etypeInfo };
}
