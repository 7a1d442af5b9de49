/** A login of the probe: with its keytab, at the servers of this process, over their own port. */
import * as grpc from "@grpc/grpc-js";
import { profileEtypes } from "../../client/client-etypes.js";
import { memoryCache } from "../../client/credential-cache.js";
import { KerberosClient } from "../../client/kerberos-client.js";
import { readKeytabKeys } from "../../client/keytab.js";
import { withoutAddressAsServerName } from "../../rpc/grpc-js-internals.js";
import type { RunningRealm } from "../../services/run-realm.js";
import { CommandError } from "../frame/command.js";
import { serverPair, type TlsFiles } from "../session/tls.js";
import type { ProbeSteps } from "./probe.js";

/** How long one exchange may take, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** Where the probe logs in, and as whom. */
export interface ProbeLogin {
  /** The path of its keytab, which is read for each login. */
  readonly keytab: string;
  readonly running: Pick<RunningRealm, "address">;
  /** The servers' TLS; plaintext if it has no certificate. */
  readonly tls: TlsFiles;
  /** How far clocks may differ, in milliseconds. */
  readonly clockSkew: number;
  readonly now: () => number;
}

/**
 * Begins a login.
 * @throws PrivateFileError and KeytabError for its keytab; as `serverPair`.
 */
export async function beginProbeLogin(parts: ProbeLogin): Promise<ProbeSteps> {
  const { running, now, clockSkew } = parts;
  const keys = await readKeytabKeys(parts.keytab, undefined);
  const cache = memoryCache();
  const client = new KerberosClient({
    kdc: { as: reachable(running.address("as")), tgs: reachable(running.address("tgs")) },
    credentials: await credentialsTo(parts.tls),
    // Whatever the realm permits: the profile may change while the servers run.
    etypes: profileEtypes("textbook"),
    cache,
    clock: now,
    timeoutMs: TIMEOUT_MS,
  });
  return {
    as: async () => {
      await client.loginWithKeytab(keys);
      const offset = (await cache.load())?.kdcOffset ?? 0;
      if (Math.abs(offset) > clockSkew)
        throw new CommandError(`the AS's clock is ${Math.round(offset / 1000)} s off this machine's`);
    },
    tgs: async () => void (await client.serviceTicket(keys.principal)),
    close: () => {
      for (const key of [...keys.keys, ...keys.before]) key.wipe();
      client.close();
    },
  };
}

/** An address to connect to, of one that listens: a server on all addresses is on loopback as well. */
function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

/**
 * TLS without a look at the names of the certificate: the server is this process, and the sealed reply proves
 * it. Where clients need certificates, the server's own is shown.
 */
async function credentialsTo(tls: TlsFiles): Promise<grpc.ChannelCredentials> {
  if (tls.cert === undefined) return grpc.credentials.createInsecure();
  const pair = tls.clientCa === undefined ? undefined : await serverPair(tls);
  const { private_key: key = null, cert_chain: chain = null } = pair ?? {};
  const credentials = grpc.credentials.createSsl(null, key, chain, { rejectUnauthorized: false });
  return withoutAddressAsServerName(credentials);
}
