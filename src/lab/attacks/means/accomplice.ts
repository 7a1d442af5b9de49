/** Users whom mallory signs up under names of her choice. */
import type { Credentials } from "../../../protocol/credentials.js";
import { RealmError } from "../../../realm/realm-error.js";
import type { LabRealm, LabUser } from "../../realm/lab-realm.js";

/** Adds the user with the first of these names that nobody has. */
export async function signUp(realm: LabRealm, names: Iterable<string>, password?: string): Promise<LabUser> {
  for (const name of names) {
    try {
      return await realm.addUser(name, password);
    } catch (error) {
      if (!(error instanceof RealmError && error.reason === "exists")) throw error;
    }
  }
  throw new Error("every one of the names is taken");
}

/** A ticket for V of a user with the first of these names that nobody has. */
export async function ticketOfNewUser(realm: LabRealm, names: Iterable<string>): Promise<Credentials> {
  const { principal, password } = await signUp(realm, names);
  const client = realm.client();
  await client.login(principal, password);
  return client.serviceTicket(realm.service);
}

/** The name, then the name with a number after it. */
export function* numbered(name: string): Generator<string> {
  yield name;
  for (let i = 2; i < 1000; i++) yield `${name}${i}`;
}

/** Names of five letters that begin as alice does: alvin, then alaaa, alaab … */
export function* likeAlice(): Generator<string> {
  yield "alvin";
  for (const letters of lettersOf(3)) if (letters !== "ice") yield `al${letters}`;
}

/** Names of five letters that end as alice does: price, then aaice, abice … */
export function* endingAsAlice(): Generator<string> {
  yield "price";
  for (const letters of lettersOf(2)) if (letters !== "al") yield `${letters}ice`;
}

/** All words of so many letters. */
function* lettersOf(count: number): Generator<string> {
  for (let i = 0; i < 26 ** count; i++) {
    const digits = Array.from(
      { length: count },
      (_, place) => Math.floor(i / 26 ** (count - 1 - place)) % 26,
    );
    yield String.fromCharCode(...digits.map((digit) => 97 + digit));
  }
}
