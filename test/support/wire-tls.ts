/** Certificates for `localhost`, made by the openssl command if it is installed. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";

/** Whether certificates can be made on this machine. */
export const HAS_OPENSSL = works();

/** A self-signed certificate: what its server and a client that trusts it need. */
export function makeTls(): { server: grpc.ServerCredentials; client: grpc.ChannelCredentials; ca: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "tessera-tls-"));
  try {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    makeCertificate(key, certificate);
    const ca = readFileSync(certificate);
    const pair = { private_key: readFileSync(key), cert_chain: ca };
    return {
      server: grpc.ServerCredentials.createSsl(null, [pair]),
      client: grpc.credentials.createSsl(ca),
      ca,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Writes a new key, mode 0600, and its certificate for `localhost`, or for other names: `IP:127.0.0.1`.
 */
export function makeCertificate(key: string, certificate: string, names = "DNS:localhost"): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key];
  const subject = ["-subj", "/CN=localhost", "-addext", `subjectAltName=${names}`, "-days", "2"];
  openssl(["req", "-x509", ...curve, "-out", certificate, ...subject]);
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}

function works(): boolean {
  try {
    openssl(["version"]);
    return true;
  } catch {
    return false;
  }
}
