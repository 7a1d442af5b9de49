/**
 * Where a guard's keys come from. Asked at each call, so that a new keytab needs no restart; a keytab that can't be read
 * refuses calls with KDC_ERR_SVC_UNAVAILABLE until it can.
 */
import { KrbError } from "../../protocol/krb-error.js";
import { parsePrincipal } from "../../protocol/principal.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Clock } from "../clock.js";
import { KeytabFile } from "../keytab-file.js";

/** A keytab: the path of its file, a `KeytabFile`, or a function that gives the service's keys. */
export type Keytab = string | Pick<KeytabFile, "serviceKeys"> | (() => ServiceKeys);

/** Gives the keys of the moment; a promise only while a file is opened. */
export type KeySource = () => ServiceKeys | Promise<ServiceKeys>;

/** Told of what the caller learns nothing of: a keytab or a replay cache that fails. */
export interface FailureListener {
  onFailure(error: unknown): void;
}

/**
 * The source of a service's keys.
 * @param service its principal, where the keytab holds the keys of several.
 * @param onError told of a file that can't be used.
 * @throws TypeError for what is no keytab; KrbError for what is no principal.
 */
export function keySource(
  keytab: Keytab,
  service: string | undefined,
  clock: Clock,
  onError: (error: unknown) => void,
): KeySource {
  if (typeof keytab === "function") return keytab;
  const principal = service === undefined ? undefined : parsePrincipal(service, "service");
  if (typeof keytab === "string") {
    const open = opener(() => KeytabFile.open(keytab, { clock, onError }), onError);
    return () => {
      const file = open();
      return file instanceof KeytabFile
        ? file.serviceKeys(principal)
        : file.then((opened) => opened.serviceKeys(principal));
    };
  }
  if (typeof keytab?.serviceKeys === "function") return () => keytab.serviceKeys(principal);
  throw new TypeError("keytab: expected a path, a KeytabFile or a function that gives the service's keys");
}

/** The keys of the moment, as their source gives them. Throws or rejects with KDC_ERR_SVC_UNAVAILABLE, whatever the cause. */
export function currentKeys(
  source: KeySource,
  listener: FailureListener,
): ServiceKeys | Promise<ServiceKeys> {
  try {
    const keys = source();
    return keys instanceof Promise ? keys.catch((error) => unreadable(error, listener)) : keys;
  } catch (error) {
    return unreadable(error, listener);
  }
}

function unreadable(error: unknown, listener: FailureListener): never {
  listener.onFailure(error);
  throw new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the service can't read its keytab; try again");
}

/** Opens once, at once; after a failure again when asked. */
function opener<T extends object>(
  open: () => Promise<T>,
  onError: (error: unknown) => void,
): () => T | Promise<T> {
  let opened: T | undefined;
  let opening: Promise<T> | undefined;
  const start = () => {
    opening = open().then((result) => {
      opened = result;
      return result;
    });
    opening.catch((error: unknown) => {
      opening = undefined;
      onError(error);
    });
    return opening;
  };
  start().catch(() => {}); // told to onError; asked for again at the first call
  return () => opened ?? opening ?? start();
}
