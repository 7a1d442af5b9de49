/** What a credential cache holds, for klist: our tickets, and what other programs keep beside them. */
import { readCacheFile } from "../../client/file-credential-cache.js";
import { isCredentials, isSkipped, type SkippedCredential } from "../../formats/ccache-credential.js";
import type { Credentials } from "../../protocol/credentials.js";
import { etypeName } from "../../protocol/etypes.js";
import { beginsAsTicket } from "../../protocol/ticket-bytes.js";
import { flagsFromBits } from "../../protocol/ticket-flags.js";
import { CommandError } from "../frame/command.js";

/** A ticket in a cache. Times are milliseconds since the epoch. */
export interface ListedTicket extends Pick<Credentials, "starttime" | "endtime" | "renewTill" | "flags"> {
  readonly client: string;
  readonly server: string;
  /** The session key's encryption type. */
  readonly etype: string;
  /** Length of the ticket in bytes. */
  readonly bytes: number;
  /** The credentials, if they can be used here. */
  readonly own: Credentials | undefined;
  /** Why they can't, in words; empty if they can. */
  readonly unusable: string;
}

/** A cache, as it is listed. */
export interface ListedCache {
  readonly client: string;
  /** The KDC's clock less ours, in milliseconds. */
  readonly kdcOffset: number;
  readonly tickets: readonly ListedTicket[];
  /** Whether the end of the file cuts its last credential short. */
  readonly cutShort: boolean;
}

/** Lists the cache in a file. Throws CommandError if there is none, and as `readCacheFile`. */
export async function listCache(path: string): Promise<ListedCache> {
  const parsed = await readCacheFile(path);
  if (parsed === undefined)
    throw new CommandError(
      `nobody is logged in: there is no FILE:${path}`,
      "run `tessera kinit`",
      "not-logged-in",
    );
  const held = parsed.entries.map((entry) => entry.held);
  const skipped = held.filter(isSkipped);
  return {
    client: parsed.defaultName,
    kdcOffset: parsed.kdcOffset ?? 0,
    tickets: held.flatMap((one) => {
      if (isCredentials(one)) return [listed(one, parsed.defaultName)];
      return isSkipped(one) && one.name !== "" && one.reason !== "removed" ? [passedOver(one)] : [];
    }),
    cutShort: skipped.some(({ reason }) => reason === "cut-short"),
  };
}

function listed(credentials: Credentials, owner: string): ListedTicket {
  const { client, server, starttime, endtime, renewTill, flags, key, ticket } = credentials;
  const unusable =
    client !== owner ? `a ticket of ${client}` : beginsAsTicket(ticket) ? "" : "a ticket of another system";
  const own = unusable === "" ? credentials : undefined;
  const times = { starttime, endtime, renewTill };
  return { client, server, ...times, flags, etype: key.etype.name, bytes: ticket.length, own, unusable };
}

function passedOver(skipped: SkippedCredential): ListedTicket {
  const { client, name, starttime, endtime, renewTill, flags, bytes, reason } = skipped;
  const etype = etypeName(skipped.etype);
  const reasons: Partial<Record<SkippedCredential["reason"], string>> = {
    etype: `${etype} is not supported here`,
    name: "its name is not allowed here",
    malformed: `its key is none of ${etype}`,
  };
  return {
    client,
    server: name,
    starttime,
    endtime,
    renewTill: renewTill === 0 ? undefined : renewTill,
    flags: flagsFromBits(flags),
    etype,
    bytes,
    own: undefined,
    unusable: reasons[reason] ?? "",
  };
}
