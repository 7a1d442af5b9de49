/**
 * Passwords as text: the OpaqueString profile (RFC 8265 §4.2), so that a password typed on another keyboard
 * is the same password.
 *
 * New keys are made from the prepared text alone. A login forbids nothing and tries at most two forms: keys
 * made from text as it was typed, by an older version or another program, still open.
 */
import { KrbError, malformed, tooLong } from "./krb-error.js";

/** The longest password, in bytes of UTF-8: longer ones would only keep the processor busy. */
const MAX_PASSWORD_BYTES = 1024;

/**
 * What the FreeformClass forbids (RFC 8264 §4.3): control characters, code points that are not assigned, old
 * Hangul Jamo, what is usually not shown, and seven exceptions (§9.6). Where ZWJ, ZWNJ and the other
 * characters that depend on their neighbours stand is not looked at.
 */
const FORBIDDEN = new RegExp(
  "[\\p{Cc}\\p{Cn}\\u1100-\\u11ff\\ua960-\\ua97f\\ud7b0-\\ud7ff" +
    "\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b]|(?![\\u200c\\u200d])\\p{Default_Ignorable_Code_Point}",
  "u",
);

/**
 * Checks that a text can be a password at all: well-formed, 1 to 1024 bytes of UTF-8.
 * @throws KrbError KRB_ERR_GENERIC, or KRB_ERR_FIELD_TOOLONG for an enormous one.
 */
export function checkPassword(password: string): void {
  if (typeof password !== "string" || password === "" || !password.isWellFormed())
    throw malformed("password", "expected well-formed text of at least one character");
  const length = Buffer.byteLength(password);
  if (length > MAX_PASSWORD_BYTES)
    throw tooLong("password", length, MAX_PASSWORD_BYTES, `at most ${MAX_PASSWORD_BYTES} bytes`);
}

/**
 * A password as new keys are made from it: every space is U+0020, in Unicode's normal form C.
 * @throws KrbError KRB_ERR_GENERIC for a control character, or another that RFC 8265 §4.2 does not allow; it
 *   names that character alone. As `checkPassword`.
 */
export function preparedPassword(password: string): string {
  checkPassword(password);
  const prepared = normalized(password);
  const forbidden = FORBIDDEN.exec(prepared)?.[0].codePointAt(0);
  if (forbidden === undefined) return prepared;
  const character = `U+${forbidden.toString(16).toUpperCase().padStart(4, "0")}`;
  const text = "password: it holds a character that passwords may not have (RFC 8265 §4.2)";
  throw new KrbError("KRB_ERR_GENERIC", text, { character });
}

/**
 * The forms of a password that a login tries, one or two: the one that new keys are made from, then the text
 * as it was typed. Throws as `checkPassword`.
 */
export function passwordForms(password: string): readonly [string, ...string[]] {
  checkPassword(password);
  const prepared = normalized(password);
  // A longer form makes no key; the text as typed may have made one.
  if (prepared === password || Buffer.byteLength(prepared) > MAX_PASSWORD_BYTES) return [password];
  return [prepared, password];
}

/** RFC 8265 §4.2.2: spaces first, then the normal form. */
function normalized(password: string): string {
  return password.replace(/\p{Zs}/gu, " ").normalize("NFC");
}
