/**
 * What a service says of a ticket that it can't use: what was compared, in numbers and names that the KDC
 * tells everybody, and what mends it. Of what is sealed, and of files and keys, it says nothing.
 */
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { etypeText, knownEtype } from "./etypes.js";
import { KrbError } from "./krb-error.js";
import { krbtgtOf, type Principal, parsePrincipal, realmOf } from "./principal.js";

/** The ticket names another service, in clear. */
export function notUs(service: Principal, named: string): KrbError {
  const other = principalOf(named);
  if (other === undefined)
    return new KrbError("KRB_AP_ERR_NOT_US", `the ticket is not for ${service}`, { server: service });
  const what = realmOf(other) === realmOf(service) ? other : `${other}, of another realm`;
  return new KrbError(
    "KRB_AP_ERR_NOT_US",
    `the ticket is for ${what}, and this is ${service}: call with a ticket for it, or at the other's address`,
    { server: service, ticket_server: other },
  );
}

/** The ticket is under an encryption type that the service does not accept. */
export function ticketEtypeRefused(
  etype: number,
  service: Principal,
  permitted: readonly number[],
): KrbError {
  return new KrbError(
    "KDC_ERR_ETYPE_NOSUPP",
    `the ticket is under ${etypeText(etype)}, accepted here: ${names(permitted)}; ${remedy()}`,
    { field: "ticket", server: service, etype: String(etype), permitted: permitted.join(" ") },
  );

  function remedy(): string {
    if (service === krbtgtOf(realmOf(service))) return "log in again: tessera kinit";
    const newKeys = `give the service such keys: tessera kadmin ktadd -k FILE -e ${short(permitted)} ${service}`;
    return knownEtype(etype)?.weak === true
      ? `${newKeys}; weak ones are accepted from loopback only, by the profile textbook`
      : newKeys;
  }
}

/** The ticket's session key is of an encryption type that the service does not accept. */
export function sessionKeyRefused(etype: number, permitted: readonly number[]): KrbError {
  return new KrbError(
    "KDC_ERR_ETYPE_NOSUPP",
    `the ticket's session key is of type ${etypeText(etype)}, accepted here: ${names(permitted)}; ` +
      `get one of these: tessera kinit -e ${short(permitted)}`,
    { field: "ticket.key", etype: String(etype), permitted: permitted.join(" ") },
  );
}

/** The service has no key, of any version, of the ticket's encryption type. */
export function noKey(etype: number, principal: Principal, held: readonly number[]): KrbError {
  return new KrbError(
    "KRB_AP_ERR_NOKEY",
    `the ticket is under ${etypeText(etype)}, and the keys of ${principal} held here are ` +
      `${names(held) || "none"}; write its keytab again: ${ktadd(principal)}`,
    { server: principal, etype: String(etype), held: held.join(" ") },
  );
}

/** The service has keys of the ticket's encryption type, and none of its version. */
export function badKeyVersion(
  { etype, kvno }: Pick<EncryptedData, "etype" | "kvno">,
  principal: Principal,
  held: readonly number[],
): KrbError {
  const isNewer = kvno > Math.max(...held);
  return new KrbError(
    "KRB_AP_ERR_BADKEYVER",
    `the ticket was made with key version ${kvno} of ${principal}, held here: ${held.join(" ")}; ` +
      (isNewer
        ? `write its keytab again: ${ktadd(principal)}; or, if the service was made anew, get a new ticket`
        : "that version is over: get a new ticket: tessera kinit"),
    { server: principal, etype: String(etype), ticket_kvno: String(kvno), held_kvno: held.join(" ") },
  );
}

function ktadd(service: Principal): string {
  return `tessera kadmin ktadd -k FILE -norandkey ${service}`;
}

function names(etypes: readonly number[]): string {
  return etypes.map(etypeText).join(", ");
}

/** The best of some encryption types, as commands take it. */
function short([etype = 0]: readonly number[]): string {
  return knownEtype(etype)?.alias ?? String(etype);
}

function principalOf(text: string): Principal | undefined {
  try {
    return parsePrincipal(text, "ticket.server");
  } catch (error) {
    if (error instanceof KrbError) return undefined;
    throw error;
  }
}
