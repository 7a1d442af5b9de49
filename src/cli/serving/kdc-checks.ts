/**
 * `tessera doctor --realm` looks at every KDC by itself: a login and a ticket at each, its clock as the sealed
 * reply has it, its certificate; and compares the clocks.
 */
import { connect } from "node:tls";
import type * as grpc from "@grpc/grpc-js";
import type { ClientEtypes } from "../../client/client-etypes.js";
import { memoryCache } from "../../client/credential-cache.js";
import { type KdcAddresses, splitAddress } from "../../client/kdc/addresses.js";
import { KerberosClient } from "../../client/kerberos-client.js";
import { type KeytabKeys, readKeytabKeys } from "../../client/keytab.js";
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { describeFailure } from "../frame/failure.js";
import { type Finding, stateUntil, timeLeft } from "./finding.js";

/** What the KDCs are looked at with. */
export interface KdcChecks {
  readonly kdcs: readonly KdcAddresses[];
  readonly credentials: grpc.ChannelCredentials;
  /** Whether there are certificates to look at. */
  readonly withTls: boolean;
  /** The path of the keytab to log in with; undefined: none is at hand. */
  readonly keytab: string | undefined;
  readonly etypes: ClientEtypes;
  /** How far clocks may differ, in milliseconds. */
  readonly clockSkew: number;
  /** The present, in milliseconds since the epoch. */
  readonly now: () => number;
}

const TIMEOUT_MS = 3_000;

/** Looks at every KDC. Does not throw. */
export async function checkKdcs(checks: KdcChecks): Promise<Finding[]> {
  const certificates = checks.withTls
    ? await Promise.all(addresses(checks.kdcs).map(certificateAt(checks)))
    : [];
  return [...(await checkLogins(checks)), ...certificates];
}

async function checkLogins(checks: KdcChecks): Promise<Finding[]> {
  const { keytab, kdcs } = checks;
  if (keytab === undefined)
    return [
      {
        check: "logins",
        state: "note",
        text: "not tried, and clocks not compared: there is no keytab to log in with",
        hint: "tessera doctor --realm --keytab FILE, of a principal of its own",
      },
    ];
  let keys: KeytabKeys;
  try {
    keys = await readKeytabKeys(keytab, undefined);
  } catch (error) {
    return [{ check: "logins", state: "bad", ...describeFailure(error) }];
  }
  try {
    const looked = await Promise.all(kdcs.map((kdc) => loginAt(kdc, keys, checks)));
    return [...looked.map(({ finding }) => finding), ...compareClocks(looked, checks)];
  } finally {
    for (const key of [...keys.keys, ...keys.before]) key.wipe();
  }
}

/** A KDC that was looked at. */
interface LookedKdc {
  readonly address: string;
  readonly finding: Finding;
  /** Its clock minus ours, in milliseconds; undefined where there was no login. */
  readonly offset: number | undefined;
}

async function loginAt(
  kdc: KdcAddresses,
  keys: KeytabKeys,
  { credentials, etypes, now }: KdcChecks,
): Promise<LookedKdc> {
  const cache = memoryCache();
  const began = performance.now();
  using client = new KerberosClient({ kdc, credentials, etypes, cache, clock: now, timeoutMs: TIMEOUT_MS });
  let offset: number | undefined;
  let step = `login at ${kdc.as}`;
  const check = "login";
  try {
    await client.loginWithKeytab(keys);
    offset = (await cache.load())?.kdcOffset;
    step = `ticket from ${kdc.tgs}`;
    await client.serviceTicket(keys.principal);
    const ms = Math.round(performance.now() - began);
    const text = `${keys.principal} at ${kdc.as}, ticket from ${kdc.tgs}: ${ms} ms`;
    return { address: kdc.as, offset, finding: { check, state: "ok", text } };
  } catch (error) {
    const { text, hint } = describeFailure(error);
    return { address: kdc.as, offset, finding: { check, state: "bad", text: `${step}: ${text}`, hint } };
  }
}

/** The clocks beside each other and ours, which is one of them. */
function compareClocks(looked: readonly LookedKdc[], { clockSkew }: KdcChecks): Finding[] {
  const known = looked.filter((kdc): kdc is LookedKdc & { offset: number } => kdc.offset !== undefined);
  if (known.length === 0) return [];
  const offsets = [0, ...known.map(({ offset }) => offset)];
  const apart = Math.max(...offsets) - Math.min(...offsets);
  const each = known.map(({ address, offset }) => `${address} ${shown(offset)}`).join(", ");
  const state = apart > clockSkew ? "bad" : apart > clockSkew / 5 ? "note" : "ok";
  return [
    {
      check: "clocks",
      state,
      text: `${each} against ours: ${Math.round(apart)} ms apart, limit ${formatDuration(clockSkew)}`,
      hint: state === "ok" ? undefined : "set the clock that is off (NTP), then look again",
    },
  ];
}

function shown(offset: number): string {
  return offset === 0 ? "+0 ms" : `${offset > 0 ? "+" : ""}${Math.round(offset)} ms`;
}

function addresses(kdcs: readonly KdcAddresses[]): string[] {
  return [...new Set(kdcs.flatMap(({ as, tgs }) => [as, tgs]))];
}

/** Whoever signed it: whether it is trusted is the login's to say. */
function certificateAt({ now }: KdcChecks): (address: string) => Promise<Finding> {
  return async (address) => {
    const check = "certificate";
    try {
      const end = await certificateEnd(address);
      const text = `${address}: ${timeLeft(end, now())}, until ${isoTime(end)}`;
      const state = stateUntil(end, now());
      const hint = state === "ok" ? undefined : "renew it: servers take a changed file over by themselves";
      return { check, state, text, hint };
    } catch (error) {
      return { check, state: "bad", text: `${address}: ${(error as Error).message}` };
    }
  };
}

function certificateEnd(address: string): Promise<number> {
  const { host, port } = splitAddress(address);
  const at = { host: host.replace(/^\[|\]$/g, ""), port, ALPNProtocols: ["h2"], rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const socket = connect(at, () => {
      const { valid_to } = socket.getPeerCertificate();
      socket.destroy();
      if (valid_to === undefined) reject(new Error("it showed no certificate"));
      else resolve(Date.parse(valid_to));
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
    socket.once("error", reject);
  });
}
