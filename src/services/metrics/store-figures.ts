/** Whether the realm's database answers, and what it says of the TGS's keys. */
import { keyRetention, type RealmPolicy } from "../../protocol/policy.js";
import { krbtgtOf } from "../../protocol/principal.js";
import type { PrincipalEntry } from "../../protocol/principal-entry.js";
import type { PrincipalStore } from "../../store/principal-store.js";
import { cacheFigures, keyFigures } from "./figures.js";
import type { Figure, Look } from "./metrics.js";

/** How long a read may take until the store counts as away, in milliseconds. */
const READ_MS = 500;

/** The figures of a realm's principals: each look reads the TGS's entry, from the database itself. */
export function principalsLook(
  principals: Pick<PrincipalStore, "getAnew" | "load">,
  policy: () => RealmPolicy,
  clock: () => number,
): Look {
  let reading: Promise<PrincipalEntry | undefined> | undefined;
  return async () => {
    const current = policy();
    // A read that hangs is not joined by another at each look.
    reading ??= principals.getAnew(krbtgtOf(current.realm)).finally(() => {
      reading = undefined;
    });
    const entry = await inTime(reading);
    const up: Figure = {
      name: "tessera_store_up",
      labels: { store: "principals" },
      value: entry === "away" ? 0 : 1,
    };
    const keys = typeof entry === "object" ? keyFigures("krbtgt", entry, keyRetention(current), clock()) : [];
    return [up, ...keys, ...cacheFigures("principals", principals.load)];
  };
}

/** What a read gives; `away` where it fails, or takes too long. */
async function inTime(
  reading: Promise<PrincipalEntry | undefined>,
): Promise<PrincipalEntry | undefined | "away"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"away">((resolve) => {
    timer = setTimeout(resolve, READ_MS, "away");
  });
  try {
    return await Promise.race([reading, late]);
  } catch {
    return "away";
  } finally {
    clearTimeout(timer);
  }
}
