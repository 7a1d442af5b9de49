/** The order in which the servers of SRV records are asked (RFC 2782). */

/** A record of type SRV: where a server is, and when it is its turn. */
export interface SrvRecord {
  /** The server's name in DNS. */
  readonly name: string;
  readonly port: number;
  /** Servers of a lower priority are asked first. */
  readonly priority: number;
  /** Among servers of one priority, the chance to be asked first. */
  readonly weight: number;
}

/**
 * Orders records by priority and, within one, at random by weight: the running sum of RFC 2782, "Usage
 * rules", in which records of weight 0 come first, so that they have a small chance.
 * @param random a number from 0 up to but not including 1.
 */
export function inSrvOrder(records: readonly SrvRecord[], random: () => number = Math.random): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    byWeight(
      records.filter((record) => record.priority === priority),
      random,
    ),
  );
}

function byWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = records.toSorted((a, b) => Math.sign(a.weight) - Math.sign(b.weight));
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = Math.floor(random() * (total + 1));
    let sum = 0;
    const index = left.findIndex(({ weight }) => {
      sum += weight;
      return sum >= drawn;
    });
    ordered.push(...left.splice(index, 1));
  }
  return ordered;
}
