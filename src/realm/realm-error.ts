/** What a realm refuses to whoever administers it. */
import { ReadableError } from "../errors/readable-error.js";

/**
 * - `exists`: there is a principal of that name
 * - `missing`: there is none
 * - `foreign`: the name belongs to another realm
 * - `protected`: the realm's own TGS must stay as it is
 * - `etype`: the profile does not permit the encryption type
 * - `password-keyed`: keys made from a password go into no keytab
 * - `changed`: somebody else changed the principal meanwhile
 * - `keytab`: the keytab can't be written
 */
export type RealmErrorReason =
  | "exists"
  | "missing"
  | "foreign"
  | "protected"
  | "etype"
  | "password-keyed"
  | "changed"
  | "keytab";

/** A refusal of what an administrator asked for. Nothing was changed. */
export class RealmError extends ReadableError {
  override readonly name = "RealmError";
  readonly reason: RealmErrorReason;

  constructor(reason: RealmErrorReason, text: string, hint?: string) {
    super(text, { hint });
    this.reason = reason;
  }

  override get facts() {
    return { reason: this.reason };
  }
}
