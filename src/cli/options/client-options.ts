/**
 * The options of commands that use a login or call servers. Nothing here loads gRPC: help must not wait for
 * it.
 */

import type { ClientEtypes } from "../../client/client-etypes.js";
import type { OptionSpecs } from "../frame/command.js";
import type { Environment } from "../frame/surroundings.js";
import { parseLifetime } from "../screen/times.js";
import { parseEtypes } from "./etype-argument.js";
import { chosenKdc, KDC_OPTIONS, type KdcChoice } from "./kdc-choice.js";

/** The options of every command that uses the credential cache. */
export const CACHE_OPTIONS = {
  cache: { short: "c", value: "FILE", help: "credential cache; TESSERA_CCACHE, or /tmp/tesseracc_UID" },
} as const satisfies OptionSpecs;

/** The TLS options of every command that talks to servers. */
export const TLS_OPTIONS = {
  "tls-ca": {
    key: "realms.ca",
    variable: "TESSERA_TLS_CA",
    value: "FILE",
    help: "use TLS, and trust these certificates (PEM)",
  },
  "tls-cert": {
    key: "realms.cert",
    variable: "TESSERA_TLS_CERT",
    value: "FILE",
    help: "with TLS: our own certificate (PEM)",
  },
  "tls-key": {
    key: "realms.key",
    variable: "TESSERA_TLS_KEY",
    value: "FILE",
    help: "with TLS: the key of our certificate (PEM), a file that only you can read",
  },
} as const satisfies OptionSpecs;

/** The values of the TLS options. */
export interface TlsChoice {
  readonly "tls-ca": string | undefined;
  readonly "tls-cert": string | undefined;
  readonly "tls-key": string | undefined;
}

/** Whether TLS was chosen. */
export function choosesTls(choice: TlsChoice): boolean {
  return Object.keys(TLS_OPTIONS).some((name) => choice[name as keyof TlsChoice] !== undefined);
}

/** The options of every command that talks to servers as a client. */
export const CLIENT_OPTIONS = {
  ...CACHE_OPTIONS,
  ...KDC_OPTIONS,
  etype: {
    key: "realms.etypes",
    variable: "TESSERA_ETYPES",
    short: "e",
    value: "ETYPE",
    multiple: true,
    help: "encryption types accepted, best first; repeat it, or separate them by commas",
  },
  ...TLS_OPTIONS,
  timeout: {
    key: "client.timeout",
    variable: "TESSERA_TIMEOUT",
    value: "TIME",
    help: "how long one call may take; 10s",
    otherwise: "10s",
  },
} as const satisfies OptionSpecs;

/** The values of the client options. */
export interface ClientChoice extends TlsChoice {
  readonly cache: string | undefined;
  readonly kdc: readonly string[];
  readonly etype: readonly string[];
  readonly timeout: string | undefined;
}

/** What the client options mean; undefined stands for the client's own default. */
export interface ClientSettings {
  readonly kdc: KdcChoice | undefined;
  readonly etypes: ClientEtypes | undefined;
  /** Milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** Reads the client options that name no file. Throws UsageError for values that make no sense. */
export function clientSettings({ kdc, etype, timeout }: ClientChoice, env: Environment): ClientSettings {
  return {
    kdc: chosenKdc(env, kdc),
    etypes: chosenEtypes(etype),
    timeoutMs: timeout === undefined ? undefined : parseLifetime(timeout, "--timeout"),
  };
}

function chosenEtypes(words: readonly string[]): ClientEtypes | undefined {
  const permitted = parseEtypes(words, "--etype");
  return permitted[0] === undefined ? undefined : { permitted, first: permitted[0] };
}
