/** The option of every command on challenges. */
import type { OptionSpecs } from "../frame/command.js";

/** The learner's folder. */
export const CHALLENGE_OPTIONS = {
  dir: { value: "DIR", help: "the learner's folder; ./tessera-challenges" },
} as const satisfies OptionSpecs;

/** The learner's folder, as it was typed or by default. */
export function challengeDir(dir: string | undefined): string {
  return dir ?? "tessera-challenges";
}
