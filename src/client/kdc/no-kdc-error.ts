/** That of several KDCs none has answered. */
import * as grpc from "@grpc/grpc-js";
import type { KrbError } from "../../protocol/krb-error.js";
import { RpcError } from "../../rpc/rpc-error.js";

/** How one KDC failed. */
export interface KdcFailure {
  /** `host:port`. */
  readonly address: string;
  readonly error: KrbError | RpcError;
}

/** None of several KDCs answered. Its code is theirs where they failed alike, and otherwise UNAVAILABLE. */
export class NoKdcError extends RpcError {
  /** How each failed, in the order in which they did. */
  readonly failures: readonly KdcFailure[];

  constructor(failures: readonly KdcFailure[]) {
    const told = failures.map(({ address, error }) => `${address}: ${error.text}`).join("; ");
    super(codeOf(failures), `none of the ${failures.length} KDCs answered: ${told}`, {
      hint: "look at each of these servers, and at their addresses (--kdc, TESSERA_KDC)",
      retryAfterMs: soonest(failures),
    });
    this.failures = failures;
  }

  override get text() {
    return this.message;
  }

  override get facts() {
    const kdcs = this.failures.map(({ address, error }) => ({
      address,
      ...error.facts,
      text: error.message,
    }));
    return { ...super.facts, kdcs };
  }
}

function codeOf(failures: readonly KdcFailure[]): grpc.status {
  const codes = new Set(
    failures.map(({ error }) => (error instanceof RpcError ? error.code : grpc.status.UNAVAILABLE)),
  );
  const [code] = codes;
  return codes.size === 1 ? code! : grpc.status.UNAVAILABLE;
}

/** When the first of them can be asked again, in milliseconds. */
function soonest(failures: readonly KdcFailure[]): number | undefined {
  const waits = failures.flatMap(({ error }) =>
    error instanceof RpcError && error.retryAfterMs !== undefined ? [error.retryAfterMs] : [],
  );
  return waits.length === 0 ? undefined : Math.min(...waits);
}
