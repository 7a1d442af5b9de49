/** The table of a realm, `tessera.principals_ID`, by the number that the realm has in its database. */

/** The format that this release reads and writes: the number of the last step in `migrations/`. */
export const FORMAT = 1;

/** The table of a realm. */
export interface RealmTable {
  /** Its name, to be put into a statement as it is. */
  readonly table: string;
  /** Where its changes are told: the key, or nothing for "all of it". */
  readonly channel: string;
}

/** The table of the realm with this number. */
export function tableOf(id: number): RealmTable {
  return { table: `principals_${id}`, channel: `tessera_${id}` };
}
