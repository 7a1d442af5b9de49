/** Why a realm refuses what its administrator asks for. */
import { ReadableError } from "../errors/readable-error.js";

/**
 * - `exists`: there is a principal of that name already
 * - `missing`: there is no such principal
 * - `foreign`: the name belongs to another realm
 * - `protected`: it would take the realm's own TGS away, or its keys out of the database
 * - `etype`: the profile does not permit the encryption type
 * - `password-keyed`: keys made from a password never go into a keytab, and random keys end no password
 *   unasked
 * - `version`: no key of that version or later
 * - `changed`: somebody else changed the principal in the meantime
 * - `keytab`: the keytab can't be written
 */
export type RealmErrorReason =
  | "exists"
  | "missing"
  | "foreign"
  | "protected"
  | "etype"
  | "password-keyed"
  | "version"
  | "changed"
  | "keytab";

/** A realm's refusal of an administrative request; nothing was changed. */
export class RealmError extends ReadableError {
  override readonly name = "RealmError";
  readonly reason: RealmErrorReason;

  constructor(reason: RealmErrorReason, text: string, hint?: string, options?: ErrorOptions) {
    super(text, { hint, ...options });
    this.reason = reason;
  }

  override get facts() {
    return { reason: this.reason };
  }
}
