/** What code overwrites with zeros, for the tests of SECURITY.md's promise that keys are wiped. */

/** A stretch of bytes, or of a key schedule's numbers, as it was before it was overwritten. */
export type Contents = number[];

/** Every `fill(0)` of what is called here, the calls that it awaits included: what stood there before. */
export async function wipedBy(act: () => unknown): Promise<Contents[]> {
  const wiped: Contents[] = [];
  const owners = [Object.getPrototypeOf(Uint8Array.prototype), Buffer.prototype, Array.prototype];
  const restore = owners.map((owner) => {
    const { fill } = owner;
    owner.fill = function (this: Contents, value: unknown, start?: number, end?: number) {
      if (value === 0) wiped.push(Array.from(this.slice(start, end)));
      return fill.call(this, value, start, end);
    };
    return () => {
      owner.fill = fill;
    };
  });
  try {
    await act();
  } finally {
    for (const back of restore) back();
  }
  return wiped;
}
