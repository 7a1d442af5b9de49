/** What a Kerberos client is told: when it is made, and for each login and call. */
import type * as grpc from "@grpc/grpc-js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import type { Principal } from "../protocol/principal.js";
import type { Transport } from "../rpc/transport.js";
import type { AdviceMemory } from "./advice-file.js";
import type { ClientEtypes } from "./client-etypes.js";
import type { CredentialCache } from "./credential-cache.js";
import type { KdcAddresses } from "./kdc/addresses.js";
import type { KdcSource } from "./kdc/exchanges.js";
import type { TraceSink } from "./trace/trace-event.js";

/** What a client is built from; everything has a default. */
export interface KerberosClientOptions {
  /**
   * Where the KDC is; 127.0.0.1:8801 and :8802 by default. Of several, the next is asked when one fails, or
   * is slow; `kdcsByDns()` finds them in DNS.
   */
  readonly kdc?: KdcSource | undefined;
  /** TLS to KDC and services; plaintext by default, which Kerberos is made for. */
  readonly credentials?: grpc.ChannelCredentials | undefined;
  /**
   * Makes what carries the calls to an address, `host:port`; a channel of grpc-js by default, to which
   * `credentials` and `interceptors` belong.
   */
  readonly transport?: ((address: string) => Transport) | undefined;
  /** Where a login is kept; in memory by default. */
  readonly cache?: CredentialCache | undefined;
  /**
   * The keytab of a program that is to stay logged in: its path; `FILE:` may stand before it. The client logs
   * in when it first needs to, again in the last fifth of the login's life and when the KDC refuses its TGT,
   * and reads the file each time. None by default: `login` and its like are then the program's to call.
   */
  readonly keytab?: string | undefined;
  /** Who logs in with the keytab; its first principal by default. The realm may be left out. */
  readonly principal?: string | undefined;
  /**
   * Told why a login with the keytab failed, once until one succeeds; emits a warning of the process by
   * default. Whoever needs a ticket meanwhile gets the error as well.
   */
  readonly onLoginFailed?: ((error: Error) => void) | undefined;
  /**
   * Encryption types accepted, wherever the KDC is; by default those of `standard`, so that no KDC is given
   * a proof of the password under DES. For a realm of the other profile: `profileEtypes("textbook")`.
   */
  readonly etypes?: ClientEtypes | undefined;
  /**
   * Remembers, between programs, with which encryption type, salt and iterations a principal's password
   * logged in: the next login then takes one round trip. `adviceFile` keeps it in a file; nothing by default.
   */
  readonly advice?: AdviceMemory | undefined;
  /**
   * Time for one RPC, however many KDCs are asked, and for making a key from a password, in milliseconds; 10
   * s by default.
   */
  readonly timeoutMs?: number | undefined;
  /** The present in milliseconds since the epoch; the system's clock by default. */
  readonly clock?: (() => number) | undefined;
  /**
   * Told, once for each login, why its cache can't take a new ticket, which is used all the same; emits a
   * warning of the process by default.
   */
  readonly onUnkept?: ((error: Error) => void) | undefined;
  /**
   * Told of what the client's calls do on the wire, those of its `ticketInterceptor`s too; by default what
   * the variable TESSERA_TRACE asks for, which may be nothing. Goes with grpc-js, not with another transport.
   */
  readonly trace?: TraceSink | undefined;
  /** Interceptors of every call, outermost first; they see each message as the Buffer that travels. */
  readonly interceptors?: readonly grpc.Interceptor[] | undefined;
}

/** What may be asked of a ticket. */
export interface TicketOptions {
  /** Wanted life, in milliseconds. */
  readonly life?: number | undefined;
  /** Wanted renewable life, in milliseconds; absent: not renewable. */
  readonly renewableLife?: number | undefined;
}

/** Where a service is and who it must prove to be. */
export interface ServiceTarget {
  readonly principal: Principal;
  /** `host:port`; 127.0.0.1:8803 by default. */
  readonly address?: string | undefined;
}

const OPTIONS: OptionNames<KerberosClientOptions> = {
  kdc: true,
  credentials: true,
  transport: true,
  cache: true,
  keytab: true,
  principal: true,
  onLoginFailed: true,
  etypes: true,
  advice: true,
  timeoutMs: true,
  clock: true,
  onUnkept: true,
  trace: true,
  interceptors: true,
};
const KDC_NAMES: OptionNames<KdcAddresses> = { as: true, tgs: true };
const TICKET_OPTIONS: OptionNames<TicketOptions> = { life: true, renewableLife: true };
const TARGET_NAMES: OptionNames<ServiceTarget> = { principal: true, address: true };

/** Throws TypeError naming an option that there is not, or that needs another. */
export function checkClientOptions(options: KerberosClientOptions): void {
  checkOptionNames("KerberosClient", options, OPTIONS);
  if (options.kdc !== undefined) checkKdc(options.kdc);
  const { keytab, principal, onLoginFailed, transport, credentials, interceptors } = options;
  if (keytab === undefined && (principal !== undefined || onLoginFailed !== undefined))
    throw new TypeError("KerberosClient: principal and onLoginFailed go with keytab");
  if (transport !== undefined && (credentials !== undefined || interceptors !== undefined))
    throw new TypeError("KerberosClient: credentials and interceptors go with grpc-js, not with a transport");
}

function checkKdc(kdc: KdcSource): void {
  if (typeof kdc === "function") return;
  const kdcs: readonly KdcAddresses[] = Array.isArray(kdc) ? kdc : [kdc];
  if (kdcs.length === 0) throw new TypeError("kdc: expected at least one KDC, got an empty list");
  for (const one of kdcs) checkOptionNames("kdc", one, KDC_NAMES);
}

/** Throws TypeError naming an option that there is not. */
export function checkTicketOptions(what: string, options: TicketOptions): void {
  checkOptionNames(what, options, TICKET_OPTIONS);
}

/** Throws TypeError naming an option that there is not. */
export function checkTarget(target: ServiceTarget): void {
  checkOptionNames("access", target, TARGET_NAMES);
}
