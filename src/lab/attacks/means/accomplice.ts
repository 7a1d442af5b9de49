/** A user whom mallory signs up under a name of her choice. */
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

/** The name, then the name with a number after it. */
export function* numbered(name: string): Generator<string> {
  yield name;
  for (let i = 2; i < 1000; i++) yield `${name}${i}`;
}
