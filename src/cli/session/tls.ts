/** TLS from PEM files. They are checked here, because what OpenSSL says about a bad file does not name it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { readPublicFile } from "../../files/public-file.js";
import { readSecret } from "../../files/secret-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { withoutAddressAsServerName } from "../../rpc/grpc-js-internals.js";
import { CommandError, UsageError } from "../frame/command.js";
import type { TlsChoice } from "../options/client-options.js";

/**
 * The credentials of a client; undefined for plaintext. Throws UsageError, CommandError, PrivateFileError.
 */
export async function channelCredentials(choice: TlsChoice): Promise<grpc.ChannelCredentials | undefined> {
  const { "tls-ca": ca, "tls-cert": cert, "tls-key": key } = choice;
  if (ca === undefined) {
    if (cert !== undefined || key !== undefined)
      throw new UsageError("--tls-cert and --tls-key go with --tls-ca");
    return undefined;
  }
  const authorities = await readCertificates(ca);
  const pair = await readPair(cert, key);
  const credentials = grpc.credentials.createSsl(authorities, pair?.private_key, pair?.cert_chain);
  return withoutAddressAsServerName(credentials);
}

/** The files of a server's TLS; plaintext if all are undefined. */
export interface TlsFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Authorities of the clients' certificates: then every client needs one. */
  readonly clientCa: string | undefined;
}

/** A server's TLS as it was read. */
export interface ServerTls {
  readonly credentials: grpc.ServerCredentials;
  /**
   * When the first certificate of the chain (`server`), and of the authorities (`client-ca`), ends, in
   * milliseconds since the epoch.
   */
  readonly ends: ReadonlyMap<string, number>;
}

/** A server's TLS; undefined for plaintext. Throws UsageError, CommandError, PrivateFileError. */
export async function serverTls(files: TlsFiles): Promise<ServerTls | undefined> {
  const { cert, key, clientCa } = files;
  const pair = await readPair(cert, key);
  if (pair === undefined) {
    if (clientCa !== undefined) throw new UsageError("--tls-client-ca goes with --tls-cert and --tls-key");
    return undefined;
  }
  const authorities = clientCa === undefined ? null : await readCertificates(clientCa);
  const ends = new Map([["server", endOf(pair.cert_chain)]]);
  if (authorities !== null) ends.set("client-ca", endOf(authorities));
  return { credentials: grpc.ServerCredentials.createSsl(authorities, [pair], authorities !== null), ends };
}

/** A server's certificate chain and key, where it has one. Throws as `serverTls`. */
export function serverPair({ cert, key }: TlsFiles): Promise<grpc.KeyCertPair | undefined> {
  return readPair(cert, key);
}

/** When the first of some certificates ends, in milliseconds since the epoch. */
function endOf(pem: Buffer): number {
  return Math.min(...certificatesIn(pem).map((one) => Date.parse(new X509Certificate(one).validTo)));
}

/** A certificate chain and the key of its first certificate; undefined if neither is given. */
async function readPair(
  cert: string | undefined,
  key: string | undefined,
): Promise<grpc.KeyCertPair | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError("--tls-cert and --tls-key go together");
  const pair = { cert_chain: await readCertificates(cert), private_key: await readKey(key) };
  try {
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
  } catch (error) {
    throw new CommandError(
      `${cert} and ${key} can't be used together: ${(error as Error).message.split(":").at(-1)}`,
      "the key must belong to the first certificate in the file",
    );
  }
  return pair;
}

async function readCertificates(file: string): Promise<Buffer> {
  const pem = Buffer.from(
    await readPublicFile(file).catch((error: unknown) => {
      if (error instanceof PrivateFileError) throw error;
      throw new CommandError(`${file}: ${systemErrorText(error)}`, "give a file of certificates");
    }),
  );
  const certificates = certificatesIn(pem);
  if (certificates.length === 0)
    throw new CommandError(
      `${file}: ${pem.length === 0 ? "is empty" : "holds no certificate in PEM"}`,
      "a certificate in PEM begins with -----BEGIN CERTIFICATE-----",
    );
  certificates.forEach((certificate, i) => {
    try {
      new X509Certificate(certificate);
    } catch {
      throw new CommandError(
        `${file}: certificate ${i + 1} of ${certificates.length} is damaged`,
        "get the file again",
      );
    }
  });
  return pem;
}

function certificatesIn(pem: Buffer): string[] {
  return pem.toString("latin1").match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
}

async function readKey(file: string): Promise<Buffer> {
  // Where a program renews certificates, the key's name is a link to the newest one.
  const key = Buffer.from(await readSecret(await realpath(file).catch(() => file)));
  try {
    createPrivateKey(key);
  } catch {
    throw new CommandError(
      `${file}: holds no private key in PEM, or one that needs a passphrase`,
      `to remove a passphrase: openssl pkey -in ${file} -out NEW`,
    );
  }
  return key;
}
