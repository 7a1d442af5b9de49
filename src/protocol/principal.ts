/**
 * Principals (RFC 4120 §5.2.2, §6): `primary/instance@REALM`, one strict grammar and one canonical form.
 *
 *   principal = component 0*3( "/" component ) "@" realm        at most 255 characters
 *   component = alnum 0*62( alnum / "." / "-" / "_" / "$" )
 *   realm     = label *( "." label )                            at most 63 characters, as a component of krbtgt's
 *   label     = upper-case letters, digits and, inside, "-"
 *
 * ASCII only: RFC 4120 §5.2.1 recommends it, and it leaves no look-alikes, normalisation forms or invalid
 * UTF-8 to disagree about. Case matters in components; realms are upper case. The canonical form is the text
 * itself, so two principals are the same if, and only if, their texts are.
 */
import { malformed, tooLong } from "./krb-error.js";

declare const principalBrand: unique symbol;

/** A principal in its canonical form. Only `parsePrincipal` makes one. */
export type Principal = string & { readonly [principalBrand]: true };

/**
 * The realm of principals without a KDC, whose tickets are made under one key that client and service share.
 * No realm named after a domain has this name.
 */
export const SHARED_KEY_REALM = "SHARED-KEY";

const MAX_LENGTH = 255;
const COMPONENT = "[A-Za-z0-9][A-Za-z0-9._$-]{0,62}";
const REALM_LABEL = "[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?";
const COMPONENTS = new RegExp(`^${COMPONENT}(?:/${COMPONENT}){0,3}$`);
const REALM = new RegExp(`^${REALM_LABEL}(?:\\.${REALM_LABEL})*$`);
const MAX_REALM = 63;

/** Whether `text` is a realm by the grammar above. */
export function isRealm(text: string): boolean {
  return text.length <= MAX_REALM && REALM.test(text);
}

/**
 * Reads a principal in canonical form.
 * @param text as it was received.
 * @param field name of the field or argument, for the refusal.
 * @throws KrbError KRB_ERR_GENERIC for anything outside the grammar; KRB_ERR_FIELD_TOOLONG beyond 255
 *   characters.
 */
export function parsePrincipal(text: string, field: string): Principal {
  // A caller in JavaScript may pass anything.
  const given = typeof text === "string" ? text : "";
  if (given.length > MAX_LENGTH)
    throw tooLong(field, given.length, MAX_LENGTH, `a principal has at most ${MAX_LENGTH} characters`);
  const at = given.indexOf("@");
  const valid = at > 0 && COMPONENTS.test(given.slice(0, at)) && isRealm(given.slice(at + 1));
  if (!valid) throw malformed(field, "not a principal of the form primary/instance@REALM");
  return given as Principal;
}

/**
 * Reads a principal as a person types it, perhaps without its realm.
 * @throws KrbError as `parsePrincipal`.
 */
export function principalInRealm(text: string, realm: string, field = "principal"): Principal {
  return parsePrincipal(typeof text !== "string" || text.includes("@") ? text : `${text}@${realm}`, field);
}

/** The realm of a principal. */
export function realmOf(principal: Principal): string {
  return principal.slice(principal.indexOf("@") + 1);
}

/** The components of a principal: the primary, then its instances. */
export function componentsOf(principal: Principal): string[] {
  return principal.slice(0, principal.indexOf("@")).split("/");
}

/** The principal of a realm's TGS, `krbtgt/REALM@REALM` (RFC 4120 §7.3). Throws as `parsePrincipal`. */
export function krbtgtOf(realm: string): Principal {
  // A KDC asks several times in a request, always for its own realm.
  if (realm !== lastKrbtgt?.realm)
    lastKrbtgt = { realm, principal: parsePrincipal(`krbtgt/${realm}@${realm}`, "realm") };
  return lastKrbtgt.principal;
}

let lastKrbtgt: { readonly realm: string; readonly principal: Principal } | undefined;

/** The customary salt: the realm followed by the components, with nothing in between (RFC 4120 §4). */
export function defaultSalt(principal: Principal): string {
  return realmOf(principal) + componentsOf(principal).join("");
}
