/** The option of the commands that work on a realm's folder. */
import type { OptionSpecs } from "../frame/command.js";

/** The option of every command that works on a realm's folder. */
export const REALM_OPTIONS = {
  // Its variable is read where the folder is looked for: a folder that was typed means more to some commands.
  dir: { value: "DIR", help: "the realm's folder; TESSERA_REALM_DIR", key: false },
} as const satisfies OptionSpecs;
