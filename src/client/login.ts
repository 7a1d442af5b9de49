/**
 * A login (RFC 4120 §3.1): one round trip where the client guesses encryption type and salt right and its
 * clock is right; one more for each that is not, and for a password whose text has a second form.
 */
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq, openAsRep } from "../protocol/as-exchange.js";
import type { Credentials } from "../protocol/credentials.js";
import type { TicketWish } from "../protocol/kdc-request.js";
import { leastOffset } from "../protocol/kerberos-time.js";
import { defaultStringToKey, Key } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { type Principal, realmOf } from "../protocol/principal.js";
import { type ClientEtypes, followAdvice, isAcceptable, type KeyGuess } from "./client-etypes.js";
import { hintedOffset } from "./clock-offset.js";
import type { KdcTry } from "./kdc/exchanges.js";
import { inTime, type KeyMaker } from "./key-pace.js";

/** The guess, the KDC's advice, and once more with the KDC's clock; one more for each further key maker. */
const MAX_TRIES = 3;

/** What a login works with. */
export interface LoginParts {
  /** Tries to send message (1), at one KDC or at several. */
  readonly authenticate: <Result>(
    attempt: KdcTry<AuthenticateRequest, AuthenticateResponse, Result>,
  ) => Promise<Result>;
  /**
   * Make the client's long-term key by a guess; it is wiped after the try. Each further one is used where the
   * KDC has no advice left and still refuses what the one before it made.
   */
  readonly keyMakers: readonly [KeyMaker, ...KeyMaker[]];
  /** What is asked of the ticket; `now` is the time of asking, in milliseconds since the epoch. */
  readonly wish: (now: number) => TicketWish;
  readonly etypes: ClientEtypes;
  /** What the last login was made with: the first guess, where it is no worse and the key can be made. */
  readonly remembered?: KeyGuess | undefined;
  readonly clock: () => number;
  /** How long making a key may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What a login gives. */
export interface ObtainedTgt {
  readonly credentials: Credentials;
  /** The KDC's clock minus ours, in milliseconds. */
  readonly kdcOffset: number;
  /** How the key was made that opened the reply. */
  readonly guess: KeyGuess;
}

/**
 * Gets a TGT.
 * @throws KrbError as the AS refuses, or as `openAsRep`; RpcError where the call fails.
 */
export async function obtainTgt(
  client: Principal,
  { authenticate, keyMakers, wish, etypes, remembered, clock, timeoutMs }: LoginParts,
): Promise<ObtainedTgt> {
  let guess: KeyGuess = { etype: etypes.first, stringToKey: defaultStringToKey(client) };
  let maker = 0;
  const makeKey = inTime((asked) => keyMakers[maker]!(asked), timeoutMs);
  const limits = { permitted: etypes.permitted, realm: realmOf(client) };
  let first: Key | undefined;
  if (remembered !== undefined && isAcceptable(remembered, etypes, limits.realm)) {
    // Parameters that no key can be made by, or not in time, are no reason to fail.
    first = await makeKey(remembered).catch(() => undefined);
    if (first !== undefined) guess = remembered;
  }
  let offset = 0;
  for (let tries = 1; ; tries++) {
    const key: Key = first ?? (await makeKey(guess));
    first = undefined;
    const now = clock() + offset;
    try {
      const request = makeAsReq(client, wish(now), key, now);
      // One proof, at whichever KDC: where several share their counts, a wrong one counts once.
      const { response, sentAt, receivedAt } = await authenticate(async (send) => {
        const sentAt = clock();
        const response = await send(request);
        return { response, sentAt, receivedAt: clock() };
      });
      const { credentials, kdcOffset } = openAsRep(response, request, key, receivedAt);
      return { credentials, kdcOffset: leastOffset(kdcOffset, receivedAt - sentAt), guess };
    } catch (error) {
      if (!(error instanceof KrbError) || tries >= MAX_TRIES + maker) throw error;
      const hinted = offset === 0 ? hintedOffset(error, offset) : undefined;
      const next = error.etypeInfo && followAdvice(error.etypeInfo, guess, limits);
      if (hinted !== undefined) offset = hinted;
      else if (next !== undefined) guess = next;
      else if (error.reason === "KDC_ERR_PREAUTH_FAILED" && maker + 1 < keyMakers.length) maker++;
      else throw error;
    } finally {
      key.wipe();
    }
  }
}

/**
 * Long-term keys at hand, such as a keytab's, as a login takes them: copies, in the client's order of
 * preference.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP when the client accepts none of their encryption types.
 */
export function keysAtHand(
  keys: readonly Key[],
  { permitted }: ClientEtypes,
): Pick<LoginParts, "keyMakers" | "etypes"> {
  const held = keys.map(({ etype }) => etype.etype);
  const first = permitted.find((etype) => held.includes(etype));
  if (first === undefined)
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "no key of an encryption type this client accepts", {
      held: held.join(" "),
      accepted: permitted.join(" "),
    });
  const keyOf: KeyMaker = async ({ etype }) => {
    const key = keys.find((candidate) => candidate.etype.etype === etype);
    if (key !== undefined) return new Key(key.etype, key.exportBytes());
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", `no key of encryption type ${etype} at hand`, {
      etype: String(etype),
    });
  };
  return { keyMakers: [keyOf], etypes: { permitted, first } };
}
