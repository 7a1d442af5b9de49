/** Principals as a person types them. */
import { KrbError } from "../../protocol/krb-error.js";
import { type Principal, principalInRealm } from "../../protocol/principal.js";
import { UsageError } from "../frame/command.js";

/**
 * Reads a principal; its realm may be left out.
 * @param argument what it was typed as, for the text of the error.
 * @throws UsageError that states the grammar and does not repeat the text, which may be a password.
 */
export function parsePrincipalArgument(text: string, realm: string, argument: string): Principal {
  try {
    return principalInRealm(text, realm, argument);
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    throw new UsageError(`${error.message}\n${GRAMMAR}`);
  }
}

const GRAMMAR =
  "up to four components with / between, each of at most 63 letters, digits and . - _ $, beginning with a " +
  "letter or digit; then @REALM in upper case, or nothing: alice, notes/db.example.org, " +
  "alice@EXAMPLE.TEST";
