/**
 * Where a guard's keys come from. Asked at each call, so that a new keytab needs no restart; a keytab that
 * can't be read refuses calls with KDC_ERR_SVC_UNAVAILABLE until it can.
 */
import { filePathOf } from "../../files/file-name.js";
import { KrbError } from "../../protocol/krb-error.js";
import { parsePrincipal } from "../../protocol/principal.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Clock } from "../clock.js";
import { KeytabFile } from "../keytab-file.js";

/**
 * A keytab: the path of its file (`FILE:` may stand before it), a `KeytabFile`, or a function that gives the
 * service's keys.
 */
export type Keytab = string | Pick<KeytabFile, "serviceKeys"> | (() => ServiceKeys);

/** Gives the keys of the moment. */
export type KeySource = () => ServiceKeys;

/** Told of what is wrong with a keytab's file: that it can't be used, or which entries were passed over. */
export interface KeytabReport {
  readonly onError: (error: Error) => void;
  readonly onSkipped: (text: string) => void;
}

/** Told of what the caller learns nothing of: a keytab or a replay cache that fails. */
export interface FailureListener {
  onFailure(error: unknown): void;
}

/**
 * The source of a service's keys.
 * @param service its principal, where a file holds the keys of several.
 * @param report told at once, and later, of what is wrong with a file.
 * @throws TypeError for anything but a keytab, and for a `service` beside a function, which would go unheard;
 *   RangeError for the name of a keytab that is not in a file; KrbError KRB_ERR_GENERIC for a `service`
 *   outside the grammar of principals.
 */
export function keySource(
  keytab: Keytab,
  service: string | undefined,
  clock: Clock,
  report: KeytabReport,
): KeySource {
  if (typeof keytab === "function") {
    if (service === undefined) return keytab;
    throw new TypeError("service: a function that gives the keys gives the service's principal with them");
  }
  const principal = service === undefined ? undefined : parsePrincipal(service, "service");
  if (typeof keytab === "string") {
    const open = opener(keytab, clock, report);
    return () => open().serviceKeys(principal);
  }
  if (typeof keytab?.serviceKeys === "function") return () => keytab.serviceKeys(principal);
  throw new TypeError("keytab: expected a path, a KeytabFile or a function that gives the service's keys");
}

/**
 * The keys of the moment, as their source gives them.
 * @param listener told why there are none.
 * @throws KrbError KDC_ERR_SVC_UNAVAILABLE whatever the cause.
 */
export function currentKeys(source: KeySource, listener: FailureListener): ServiceKeys {
  try {
    return source();
  } catch (error) {
    listener.onFailure(error);
    throw new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the service can't read its keytab; try again");
  }
}

/**
 * Opens a keytab at once and says what is wrong with it; where it could not, tries again whenever it is
 * asked.
 */
function opener(name: string, clock: Clock, report: KeytabReport): () => KeytabFile {
  filePathOf(name, "keytab"); // throws for a name that can never be opened
  const open = () =>
    KeytabFile.openNow(name, { clock, onError: report.onError, onSkipped: report.onSkipped });
  let opened: KeytabFile | undefined;
  try {
    opened = open();
  } catch (error) {
    report.onError(error as Error);
  }
  return () => {
    opened ??= open();
    return opened;
  };
}
