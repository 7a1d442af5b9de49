/** What a learner is told of a realm that runs: `realm.json`. */
import type { KdcAddresses } from "../../client/index.js";
import type { LabRealm, LabUser } from "../realm/lab-realm.js";
import { SCENES } from "../realm/scene.js";

/** Where everything is, and who one is oneself. */
export interface World {
  readonly realm: string;
  readonly kdc: KdcAddresses;
  readonly v: { readonly principal: string; readonly address: string };
  /** What a client of this realm accepts, by their numbers. */
  readonly etypes: { readonly permitted: readonly number[]; readonly first: number };
  /** The learner's own login; undefined: there is none. */
  readonly you?: { readonly principal: string; readonly password: string } | undefined;
}

/** The name of the file that holds it. */
export const WORLD_FILE = "realm.json";

/** Tells of a lab's realm. */
export function worldOf({ realm, kdc, service, scene }: LabRealm, address: string, you?: LabUser): World {
  return {
    realm,
    kdc,
    v: { principal: service, address },
    etypes: SCENES[scene].clientEtypes,
    ...(you && { you: { principal: you.principal, password: you.password } }),
  };
}

/** The same as the contents of a file. */
export function worldFile(world: World): string {
  return `${JSON.stringify(world, undefined, 2)}\n`;
}
