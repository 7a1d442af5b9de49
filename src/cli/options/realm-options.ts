/** The option of the commands that work on a realm's folder. */
import type { OptionSpecs } from "../frame/command.js";

/** The option of every command that works on a realm's folder. */
export const REALM_OPTIONS = {
  dir: { value: "DIR", help: "the realm's folder; TESSERA_REALM_DIR" },
} as const satisfies OptionSpecs;
