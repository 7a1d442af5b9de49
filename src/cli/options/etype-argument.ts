/** Encryption types as a person types them. */
import { etypeByName, etypesWithIntegrity } from "../../protocol/etypes.js";
import { UsageError } from "../frame/command.js";

/**
 * The numbers of encryption types typed as names or numbers, one by one or with commas. Throws UsageError.
 */
export function parseEtypes(words: readonly string[], option: string): number[] {
  return words
    .flatMap((word) => word.split(","))
    .filter((word) => word !== "")
    .map((word) => {
      // MIT writes `aes256-cts:normal`: the salt is always the normal one here.
      const row = etypeByName(word.toLowerCase().replace(/:normal$/, ""));
      if (row !== undefined) return row.etype;
      const names = etypesWithIntegrity().map(({ name }) => name);
      throw new UsageError(`${option}: no encryption type ${word}; there are ${names.join(", ")}`);
    });
}
