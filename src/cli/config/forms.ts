/**
 * What values may be, by the word that stands for them in an option's help: one row for each word. Flags,
 * variables and `tessera.toml` are held to the same.
 */
import { parseKdcList, splitAddress } from "../../client/kdc/addresses.js";
import { visible } from "../../errors/visible-text.js";
import { isRealm } from "../../protocol/principal.js";
import { isProfileName } from "../../protocol/profile.js";
import { UsageError } from "../frame/command.js";
import { parseEtypes } from "../options/etype-argument.js";
import { pageAddress, portNumber } from "../options/listen-addresses.js";
import { logLevelOf, samplingOf } from "../options/log-options.js";
import { countsOf, ipAddress, sizesOf } from "../options/server-limits.js";
import { replayCacheSize } from "../options/sizes.js";
import { parseLifetime } from "../screen/times.js";

/** How values of one kind are written. */
interface Form {
  /** Throws UsageError or RangeError where a text is none; `label` says whose value it is. */
  readonly check?: (text: string, label: string) => unknown;
  /** Whether a number may stand in the file without quotes. */
  readonly isNumber?: boolean;
  /** Whether it is a path, or ends in one: it then begins at the folder of the file that names it. */
  readonly isPath?: boolean;
  /** One, for a key without a default. */
  readonly example?: string;
}

const FORMS: Readonly<Record<string, Form>> = {
  PORT: { check: portNumber, isNumber: true },
  "[HOST:]PORT": { check: pageAddress, isNumber: true, example: "9464" },
  "HOST:PORT": { check: splitAddress },
  "AS[,TGS]": { check: parseKdcList, example: "kdc1.example.org kdc2.example.org" },
  COUNT: {
    check: (text, label) => {
      if (!/^\d{1,3}$/.test(text)) throw new UsageError(`${label}: expected a number from 0 to 999`);
    },
    isNumber: true,
    example: "2",
  },
  ADDRESS: { check: ipAddress, example: "192.0.2.10" },
  TIME: { check: parseLifetime, isNumber: true },
  SIZE: { check: replayCacheSize, isNumber: true },
  "SIZE[/SIZE]": { check: sizesOf, isNumber: true },
  "COUNT[/COUNT]": { check: countsOf, isNumber: true },
  ETYPE: { check: (text, label) => parseEtypes([text], label), example: "aes256" },
  PROFILE: {
    check: (text, label) => {
      if (!isProfileName(text)) throw new UsageError(`${label}: expected textbook or standard`);
    },
  },
  REALM: {
    check: (text, label) => {
      if (!isRealm(text))
        throw new UsageError(`${label}: expected the name of a realm, got ${visible(text)}`);
    },
    example: "EXAMPLE.ORG",
  },
  STORE: {
    check: (text, label) => {
      if (!/^[a-z]+:/.test(text)) throw new UsageError(`${label}: expected TYPE:REST, such as lmdb:DIR`);
    },
    isPath: true,
    example: "lmdb:/path/to/DIR",
  },
  LEVEL: { check: logLevelOf },
  "on|off": { check: samplingOf },
  FILE: { isPath: true, example: "/path/to/FILE" },
  KEYTAB: { isPath: true, example: "/path/to/KEYTAB" },
  DIR: { isPath: true, example: "/path/to/DIR" },
  PRINCIPAL: { example: "v/localhost" },
};

/** The form of a word; any text for one that has no row. */
export function formOf(word: string): Form {
  return Object.hasOwn(FORMS, word) ? FORMS[word]! : {};
}

/** Checks texts by the word that stands for them. Throws UsageError, whose text begins with the label. */
export function checkTexts(texts: readonly string[], word: string, label: string): void {
  const { check } = formOf(word);
  for (const text of texts)
    try {
      check?.(text, label);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`${label}: ${error.message}`);
    }
}

/** A switch in words. Throws UsageError for any others. */
export function switchOf(text: string, label: string): boolean {
  if (/^(?:true|yes|on|1)$/i.test(text)) return true;
  if (/^(?:false|no|off|0)$/i.test(text)) return false;
  throw new UsageError(`${label}: expected true or false, got ${visible(text)}`);
}

/** The words of a value that has several. */
export function wordsIn(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
