/** The options of what a teacher does. */
import { type OptionSpecs, UsageError } from "../frame/command.js";

/** The class, and its seed. */
export const CLASS_OPTIONS = {
  class: { value: "NAME", help: "the class: 1 to 32 letters, digits, dots, hyphens and underscores" },
  seed: { value: "FILE", help: "the file of the class's seed, which only the teacher reads" },
} as const satisfies OptionSpecs;

/** Class and seed, which must both be given. Throws UsageError. */
export function classChoice(options: {
  readonly class: string | undefined;
  readonly seed: string | undefined;
}) {
  if (options.class === undefined) throw new UsageError("which class? --class NAME");
  if (options.seed === undefined) throw new UsageError("--seed FILE: the class's flags are made from it");
  return { className: options.class, seedFile: options.seed };
}
