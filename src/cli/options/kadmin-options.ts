/**
 * What the kadmin commands share: names, encryption types and limits of principals, as a person types them.
 */
import type { Principal } from "../../protocol/principal.js";
import { localPrincipal, type PrincipalLimits } from "../../realm/principals.js";
import type { Realm } from "../../realm/realm.js";
import { type OptionSpecs, UsageError } from "../frame/command.js";
import { parseExpiry, parseLifetime } from "../screen/times.js";
import { parseEtypes } from "./etype-argument.js";
import { parsePrincipalArgument } from "./principal-argument.js";

/** The option that chooses the encryption types of new keys; `otherwise` says which they are without it. */
export function etypesOption(otherwise: string) {
  return {
    etypes: {
      short: "e",
      value: "ETYPE,…",
      multiple: true,
      help: `encryption types of the keys, such as aes256,aes128; by default ${otherwise}`,
    },
  } as const satisfies OptionSpecs;
}

/** The default for a principal that has keys, in the help. */
export const PRESENT_ETYPES = "those of its present keys that the realm permits";
/** The options that limit what a principal may do. */
export const LIMIT_OPTIONS = {
  disable: { help: "issue no tickets to it or for it" },
  enable: { help: "undo --disable" },
  expire: { value: "WHEN", help: "when it expires: 2027-01-31, 30d, or none" },
  "pw-expire": {
    value: "WHEN",
    help: "when its password must be changed; none: never",
    aliases: ["pwexpire"],
  },
  "max-life": {
    value: "TIME",
    help: "longest life of its tickets, at most the realm's; none: the realm's",
    aliases: ["maxlife"],
  },
  "max-renewable-life": {
    value: "TIME",
    help: "how long its tickets can be renewed; none: the realm's limit",
    aliases: ["maxrenewlife"],
  },
} as const satisfies OptionSpecs;

/** The values of the limit options. */
export interface LimitChoice {
  readonly disable: boolean;
  readonly enable: boolean;
  readonly expire: string | undefined;
  readonly "pw-expire": string | undefined;
  readonly "max-life": string | undefined;
  readonly "max-renewable-life": string | undefined;
}

/** The changes to an entry that the options ask for. Throws UsageError. */
export function chosenLimits(choice: LimitChoice, now: number): PrincipalLimits {
  if (choice.disable && choice.enable) throw new UsageError("--disable and --enable: choose one");
  const life = (text: string, option: string) => (text === "none" ? undefined : parseLifetime(text, option));
  return {
    ...(choice.disable && { disabled: true }),
    ...(choice.enable && { disabled: false }),
    ...(choice.expire !== undefined && { expiresAt: parseExpiry(choice.expire, "--expire", now) }),
    ...(choice["pw-expire"] !== undefined && {
      passwordExpiresAt: parseExpiry(choice["pw-expire"], "--pw-expire", now),
    }),
    ...(choice["max-life"] !== undefined && { maxLife: life(choice["max-life"], "--max-life") }),
    ...(choice["max-renewable-life"] !== undefined && {
      maxRenewableLife: life(choice["max-renewable-life"], "--max-renewable-life"),
    }),
  };
}

/** Reads a principal of this realm. Throws UsageError; RealmError for a principal of another realm. */
export function typedPrincipal(text: string, realm: Realm): Principal {
  return localPrincipal(realm, parsePrincipalArgument(text, realm.settings.realm, "principal"));
}

/** Reads the encryption types; none were typed: none. Throws UsageError. */
export function typedEtypes(words: readonly string[]): readonly number[] {
  return parseEtypes(words, "-e");
}
