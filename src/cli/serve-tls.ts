/** TLS of `tessera serve`, from files. */
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { CommandError, UsageError } from "./command.js";

/** The files of a server's TLS; all undefined: plaintext. */
export interface TlsFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Certificate authority of the clients: then each needs a certificate. */
  readonly clientCa: string | undefined;
}

/** The credentials of a server; undefined for plaintext. Throws UsageError, CommandError. */
export function serverCredentials({ cert, key, clientCa }: TlsFiles): grpc.ServerCredentials | undefined {
  if (cert === undefined && key === undefined) {
    if (clientCa !== undefined) throw new UsageError("--tls-client-ca goes with --tls-cert and --tls-key");
    return undefined;
  }
  if (cert === undefined || key === undefined) throw new UsageError("--tls-cert and --tls-key go together");
  const pair = { cert_chain: read(cert), private_key: read(key) };
  try {
    return grpc.ServerCredentials.createSsl(
      clientCa === undefined ? null : read(clientCa),
      [pair],
      clientCa !== undefined,
    );
  } catch (error) {
    throw new CommandError(`TLS: ${(error as Error).message}`, "check certificate and key");
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`);
  }
}
