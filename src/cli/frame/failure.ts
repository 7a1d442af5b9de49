/**
 * A failure in words: what failed, the refusal's name and number, what was compared, and a hint.
 *
 * Invariant: the texts of errors hold no key, password or contents of tickets, and nothing is added to them
 * here.
 */
import type { NoKdcError } from "../../client/kdc/no-kdc-error.js";
import { ReadableError } from "../../errors/readable-error.js";
import { systemErrorText } from "../../files/system-error.js";
import { KrbError, type KrbErrorName } from "../../protocol/krb-error.js";
import { clockFault } from "./clock-fault.js";

/** A failure in words and as facts. */
export interface Failure {
  /** What failed, with the refusal's name and number. */
  readonly text: string;
  /** What was compared. */
  readonly compared: string | undefined;
  readonly hint: string | undefined;
  /** The same for JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
}

type Hint = (compared: Readonly<Record<string, string>>) => string | undefined;

const SET_CLOCK: Hint = ({ offset_ms, server_time, limit_ms, kept_offset_ms }) => {
  // What was refused is our clock with the offset that the login measured.
  if (kept_offset_ms !== undefined)
    return (
      `the clock offset kept since the login, ${Number(kept_offset_ms) / 1000} s, is wrong by now: ` +
      "log in again (tessera kinit)"
    );
  const server = Date.parse(server_time ?? "");
  const offset = Number(offset_ms);
  if (Number.isNaN(server) || Number.isNaN(offset)) return "set the clocks of both machines (NTP)";
  const ours = server + offset;
  const fault = clockFault(ours);
  if (fault !== undefined) return fault;
  const limit = Number(limit_ms) / 1000;
  const here = new Date(ours).toISOString();
  return `set the clock: here it was ${here}, at the server ${server_time}; ${limit} s are permitted`;
};

const KINIT: Hint = () => "run `tessera kinit`";
const KTADD: Hint = ({ server }) =>
  `write the service's keytab again: tessera kadmin ktadd -k FILE -norandkey ${server ?? "SERVICE"}`;

/** What a clock that is years off makes of any ticket. */
const OUT_OF_TIME: ReadonlySet<KrbErrorName> = new Set<KrbErrorName>([
  "KRB_AP_ERR_TKT_EXPIRED",
  "KRB_AP_ERR_TKT_NYV",
  "KDC_ERR_NEVER_VALID",
]);

/** What grpc-js says where it was given no error: of a proxy, or of another channel's recent attempt. */
const NOTHING: readonly string[] = ["", "undefined", "null"];

/** What OpenSSL says of a certificate whose time is not now. */
const CERTIFICATE_TIMES = /certificate (?:has expired|is not yet valid)/;
/** What it says of a certificate that no authority at hand has signed. */
const UNKNOWN_AUTHORITY =
  /self-signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/;
/** What Node says of a certificate for other names. */
const OTHER_NAME = /does not match certificate's altnames/;

/** A row for each refusal that the user can do something about. */
const HINTS: Partial<Record<KrbErrorName, Hint>> = {
  KDC_ERR_NAME_EXP: () => "the operator extends it: tessera kadmin modprinc --expire never PRINCIPAL",
  KDC_ERR_SERVICE_EXP: () => "the operator extends it: tessera kadmin modprinc --expire never SERVICE",
  KDC_ERR_PREAUTH_FAILED: () => "check the name and the password; the KDC does not say which is wrong",
  KDC_ERR_C_PRINCIPAL_UNKNOWN: () => "check the principal's name (operator: tessera kadmin listprincs)",
  KDC_ERR_S_PRINCIPAL_UNKNOWN: () =>
    "check the service's name: tessera kadmin listprincs; " +
    "add it with: tessera kadmin addprinc -randkey SERVICE",
  KDC_ERR_MUST_USE_USER2USER: () =>
    "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
  KDC_ERR_CLIENT_REVOKED: () => "the operator enables it: tessera kadmin modprinc --enable PRINCIPAL",
  KDC_ERR_TGT_REVOKED: () => "log in again: tessera kinit",
  KDC_ERR_SERVICE_REVOKED: () => "the operator enables it: tessera kadmin modprinc --enable SERVICE",
  KDC_ERR_KEY_EXPIRED: () => "the operator sets a new password: tessera kadmin cpw PRINCIPAL",
  KDC_ERR_ETYPE_NOSUPP: ({ field, server }) => {
    if (!field?.startsWith("ticket"))
      return (
        "compare the encryption types: tessera kadmin getprinc PRINCIPAL, tessera realm show; or choose " +
        "with --etype; DES is used only there, or where TESSERA_REALM_DIR names the folder of a textbook " +
        "realm"
      );
    if (server?.startsWith("krbtgt/")) return "log in again: tessera kinit";
    return "give the service keys that it accepts, or let it accept these: profile of guard, or of tessera serve v";
  },
  // The other rules say in their text what to do.
  KDC_ERR_POLICY: ({ rule }) =>
    rule?.startsWith("allow: ")
      ? "the service's operator permits it (allow of guard); or log in as somebody who may: tessera kinit"
      : undefined,
  KDC_ERR_NEVER_VALID: () => "ask for a ticket that ends in the future (-l), and check the clock",
  KDC_ERR_BADOPTION: () =>
    "only a renewable ticket is renewed (klist -f shows the flag R): kinit -r 7d, then kinit -R",
  KDC_ERR_WRONG_REALM: ({ realm }) =>
    `use a principal of realm ${realm ?? "served here"}, or --kdc for the other one`,
  KDC_ERR_SVC_UNAVAILABLE: () => "look at the server's log, and try again",
  KRB_AP_ERR_SKEW: SET_CLOCK,
  KRB_AP_ERR_TKT_EXPIRED: KINIT,
  KRB_AP_ERR_TKT_NYV: SET_CLOCK,
  KRB_AP_ERR_REPEAT: () => "an authenticator is good for one request only: make the call again",
  KRB_AP_ERR_BADKEYVER: (compared) =>
    Number(compared.ticket_kvno) < Number(compared.held_kvno?.split(" ")[0])
      ? KINIT(compared)
      : KTADD(compared),
  KRB_AP_ERR_NOKEY: KTADD,
  KRB_AP_ERR_NOT_US: () => "the address belongs to another service: check --service and --address",
  KRB_AP_ERR_BAD_INTEGRITY: ({ part }) =>
    part === "reply"
      ? "check the password: it does not open the KDC's answer"
      : "the keys differ: get a new ticket (tessera kinit); " +
        "if that does not help, write the service's keytab again (ktadd)",
  KRB_AP_ERR_MODIFIED: ({ authorities }) =>
    authorities === ""
      ? "the service's operator names the hosts that it is called at: authorities of guard"
      : "something between client and server changed the message, or the keys differ",
  KRB_AP_ERR_MUT_FAIL: () => "the server could not prove itself: check the address",
};

/**
 * Describes anything a command may have thrown.
 * @param now what the clock of this machine shows, in milliseconds since the epoch.
 */
export function describeFailure(error: unknown, now = Date.now()): Failure {
  if (error instanceof ReadableError) return describeReadable(error, now);
  const { name, message, code, errno, path } = (
    error instanceof Error ? error : new Error(String(error))
  ) as NodeJS.ErrnoException;
  // Errors of the system, and of an argument out of range, say what is wrong; any other is a defect.
  const plain = code !== undefined || error instanceof RangeError;
  const told = errno === undefined || path === undefined ? message : `${path}: ${systemErrorText(error)}`;
  const text = plain ? told : `${name}: ${message}`;
  return {
    text,
    compared: undefined,
    hint: undefined,
    facts: { ...(code !== undefined && { reason: code }), text },
  };
}

function describeReadable(error: ReadableError, now: number): Failure {
  if (isOfSeveralKdcs(error)) return describeKdcs(error, now);
  const connection = connectionFailure(error, now);
  const message = connection?.text ?? error.message;
  const hint = connection?.hint ?? (error instanceof KrbError ? hintFor(error, now) : error.hint);
  const compared = Object.entries(error instanceof KrbError ? error.details : {});
  return {
    text: error.text.replace(error.message, () => message),
    compared:
      compared.length > 0 ? compared.map(([name, value]) => `${name}=${value}`).join(", ") : undefined,
    hint,
    facts: { ...error.facts, text: message, ...(hint !== undefined && { hint }) },
  };
}

function isOfSeveralKdcs(error: ReadableError): error is NoKdcError {
  return "failures" in error;
}

/** How each of several KDCs failed, each as if it had been the only one. */
function describeKdcs({ failures, hint, facts }: NoKdcError, now: number): Failure {
  const kdcs = failures.map(({ address, error }) => ({ address, ...describeReadable(error, now) }));
  const told = kdcs.map(({ address, text }) => `${address}: ${text}`).join("; ");
  const text = `none of the ${kdcs.length} KDCs answered: ${told}`;
  const inEach = kdcs.map((kdc) => ({ address: kdc.address, ...kdc.facts }));
  return {
    text,
    compared: undefined,
    hint,
    facts: { ...facts, text, kdcs: inEach, ...(hint !== undefined && { hint }) },
  };
}

function hintFor({ reason, details }: KrbError, now: number): string | undefined {
  return (OUT_OF_TIME.has(reason) ? clockFault(now) : undefined) ?? HINTS[reason]?.(details);
}

/**
 * A connection that could not be made, in plainer words than grpc-js has; undefined for any other failure.
 */
function connectionFailure(
  { message, facts }: ReadableError,
  now: number,
): { text: string; hint?: string } | undefined {
  const unavailable = facts.reason === "UNAVAILABLE";
  const refused = /(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND) (\S+?)\.?(?:\s|$)/.exec(message)?.[1];
  if (refused !== undefined) {
    const address = withBrackets(refused);
    return {
      text: `no server answers at ${address}`,
      ...(unavailable && {
        hint:
          `is the server up at ${address}? A realm's own start with: tessera serve; ` +
          "--kdc and --address name others",
      }),
    };
  }
  const host = /^Name resolution failed for target (?:dns:)?(\S+?)(?::\d+)?$/.exec(message)?.[1];
  if (host !== undefined)
    return {
      text: `the name ${host} leads to no address`,
      hint: "check the name, and whether this machine can look up others",
    };
  if (!unavailable || !message.startsWith("No connection established")) return undefined;
  const last = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-|\. Resolution note|$)/.exec(message)?.[1];
  const cause = last === undefined || NOTHING.includes(last) ? "no answer" : last;
  if (CERTIFICATE_TIMES.test(cause)) {
    const shown = new Date(now).toISOString();
    return {
      text: `no connection to the server: ${cause}`,
      hint:
        clockFault(now) ??
        `by the clock of this machine, which shows ${shown}: set it, or renew the certificate`,
    };
  }
  if (UNKNOWN_AUTHORITY.test(cause))
    return {
      text: `no connection to the server: ${cause}`,
      hint: "no authority in the file of --tls-ca has signed the server's certificate: give the one that did",
    };
  if (OTHER_NAME.test(cause))
    return {
      text: `no connection to the server: ${cause}`,
      hint: "call the server by a name that stands in its certificate",
    };
  return {
    text: `no connection to the server: ${cause}`,
    hint: "check the address; a server with TLS needs --tls-ca FILE, one without does not take it",
  };
}

/** Node writes an IPv6 address and its port with nothing around the address. */
function withBrackets(address: string): string {
  return address.replace(/^([^[\]]*:[^[\]]*):(\d+)$/, "[$1]:$2");
}
