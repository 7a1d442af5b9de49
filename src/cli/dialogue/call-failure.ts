/**
 * How a call ended that was refused, with the details that came along: those of google.rpc, and the service's
 * own.
 */

import {
  createRegistry,
  type FileRegistry,
  type JsonObject,
  type JsonValue,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { ReadableError } from "../../errors/readable-error.js";
import { visible } from "../../errors/visible-text.js";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import type { RpcError } from "../../rpc/rpc-error.js";
import { readDetails } from "../../rpc/status.js";

/** A call that ended with a status that is not a refusal of Kerberos. */
export class CallFailure extends ReadableError {
  override readonly name = "CallFailure";
  readonly #error: RpcError;
  readonly #details: readonly JsonValue[];

  /** @param registry the types of the service. */
  constructor(error: RpcError, registry: FileRegistry) {
    super(error.message, { hint: error.hint, cause: error });
    this.#error = error;
    const types = createRegistry(registry, file_google_rpc_error_details);
    this.#details = (readDetails(error.trailers)?.details ?? []).map((detail) => detailJson(detail, types));
  }

  override get text(): string {
    const details = this.#details.map((detail) => `detail: ${visible(JSON.stringify(detail))}`);
    return [this.#error.text, ...details].join("\n");
  }

  override get facts() {
    return { ...this.#error.facts, ...(this.#details.length > 0 && { details: this.#details }) };
  }
}

function detailJson(detail: Any, registry: Registry): JsonValue {
  try {
    const { "@type": type, ...fields } = toJson(AnySchema, detail, { registry }) as JsonObject;
    return { "@type": type!, ...fields };
  } catch {
    // A type that nobody described.
    return { "@type": detail.typeUrl, value: Buffer.from(detail.value).toString("base64") };
  }
}
