/** What the kadmin commands share: names and encryption types as typed, and the limits of a principal. */
import type { Principal } from "../../protocol/principal.js";
import { localPrincipal, type PrincipalLimits } from "../../realm/principals.js";
import type { Realm } from "../../realm/realm.js";
import { type OptionSpecs, UsageError } from "../frame/command.js";
import { parseExpiry, parseLifetime } from "../screen/times.js";
import { parseEtypes } from "./etype-argument.js";
import { parsePrincipalArgument } from "./principal-argument.js";

/** The option that chooses encryption types of new keys; `otherwise` says what they are without it. */
export function etypesOption(otherwise: string) {
  return {
    etypes: {
      short: "e",
      value: "ETYPE,…",
      multiple: true,
      help: `encryption types of the keys, such as aes256,aes128; otherwise ${otherwise}`,
    },
  } as const satisfies OptionSpecs;
}

/** What new keys of a principal that has keys are otherwise, in the help. */
export const PRESENT_ETYPES = "those it has that the realm permits";
/** The options that say what a principal may. */
export const LIMIT_OPTIONS = {
  disable: { help: "issue no ticket to it or for it" },
  enable: { help: "the opposite of --disable" },
  expire: { value: "WHEN", help: "from then on it is no principal: 2027-01-31, 30d, or none" },
  "pw-expire": {
    value: "WHEN",
    help: "from then on its password must be changed; none: never",
    aliases: ["pwexpire"],
  },
  "max-life": {
    value: "TIME",
    help: "its longest ticket, never more than the realm's; none: the realm's",
    aliases: ["maxlife"],
  },
  "max-renewable-life": {
    value: "TIME",
    help: "its longest renewable life; none: the realm's",
    aliases: ["maxrenewlife"],
  },
} as const satisfies OptionSpecs;

/** What was chosen of them. */
export interface LimitChoice {
  readonly disable: boolean;
  readonly enable: boolean;
  readonly expire: string | undefined;
  readonly "pw-expire": string | undefined;
  readonly "max-life": string | undefined;
  readonly "max-renewable-life": string | undefined;
}

/** The changes to an entry that the limits come to. Throws UsageError. */
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

/** The principal of this realm that was typed. Throws UsageError; RealmError for one of another realm. */
export function typedPrincipal(text: string, realm: Realm): Principal {
  return localPrincipal(realm, parsePrincipalArgument(text, realm.settings.realm, "principal"));
}

/** The encryption types that were typed, none where none were. Throws UsageError. */
export function typedEtypes(words: readonly string[]): readonly number[] {
  return parseEtypes(words, "-e");
}
