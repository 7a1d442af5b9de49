/**
 * Where a command finds the realm's KDCs. Nothing here loads gRPC: help must not wait for it.
 */
import { type KdcAddresses, parseKdcList } from "../../client/kdc/addresses.js";
import { type OptionSpecs, UsageError } from "../frame/command.js";
import { kdcText } from "../frame/environment.js";
import type { Environment } from "../frame/surroundings.js";

/** The option of every command that asks a KDC. */
export const KDC_OPTIONS = {
  kdc: {
    value: "AS[,TGS]",
    multiple: true,
    help:
      "HOST[:PORT] of the AS and of the TGS; 8801 and 8802, and the TGS is on the AS's next port unless it " +
      "is given. Several KDCs, which are asked in turn: separate them by spaces, or repeat it. dns: ask " +
      "DNS for them. TESSERA_KDC",
  },
} as const satisfies OptionSpecs;

/** Some KDCs, or those that DNS knows. */
export type KdcChoice = readonly KdcAddresses[] | "dns";

/**
 * The KDCs that were named by options, or by `TESSERA_KDC`; undefined: none. `dns` alone is no
 * host.
 * @throws UsageError for what is no address.
 */
export function chosenKdc(env: Environment, given: readonly string[]): KdcChoice | undefined {
  const text = kdcText(env, given);
  if (text === undefined) return undefined;
  if (text.trim() === "dns") return "dns";
  try {
    return parseKdcList(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
