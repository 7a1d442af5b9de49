/**
 * Logs in, gets a ticket and calls V in a running realm; prints each message with what the known keys open.
 */
import { memoryCache } from "../../client/credential-cache.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { type CapturedCall, captureCalls } from "../../lab/capture.js";
import { explainCall, lastProof } from "../../lab/explain.js";
import type { KeyRings } from "../../lab/key-rings.js";
import { tryOpen } from "../../lab/open-part.js";
import type { KeySymbol } from "../../lab/parties.js";
import { etypeOf } from "../../protocol/etypes.js";
import { KeyUsage } from "../../protocol/key-usage.js";
import { defaultStringToKey, type Key, keyFromPassword, type StringToKey } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { passwordForms } from "../../protocol/passwords.js";
import { type Principal, realmOf } from "../../protocol/principal.js";
import type { CommandSurroundings } from "../frame/command.js";
import type { ClientChoice } from "../options/client-options.js";
import { type PasswordChoice, readPassword } from "../options/password.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { keysFor } from "../session/keytab.js";
import { defaultRealm } from "../session/realm.js";
import { openSession } from "../session/session.js";
import { messageLines, printableMessage } from "./render.js";

/** What `tessera trace` was asked for. */
export interface TraceChoice extends ClientChoice, PasswordChoice {
  readonly principal: string;
  readonly service: string | undefined;
  readonly address: string | undefined;
  readonly keytab: string | undefined;
  readonly full: boolean;
  readonly "show-keys": boolean;
  readonly json: boolean;
}

/**
 * Logs in, gets a ticket, asks V who is calling, and prints what travelled, even if that ended in a refusal.
 */
export async function trace(choice: TraceChoice, around: CommandSurroundings): Promise<void> {
  const { screen, env, stdin } = around;
  const principal = parsePrincipalArgument(choice.principal, await defaultRealm(env), "principal");
  const service = parsePrincipalArgument(choice.service ?? "v/localhost", realmOf(principal), "--service");
  const password = await readPassword(choice, principal, stdin);
  const { interceptor, calls } = captureCalls();
  using session = await openSession(choice, around, {
    cache: memoryCache(),
    principal,
    interceptors: [interceptor],
  });
  let failure: unknown;
  try {
    await session.client.login(principal, password);
    await session.client.serviceTicket(service);
    const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
    await session.client.access({ principal: service, address: choice.address }, whoAmI, {});
  } catch (error) {
    // The messages up to the refusal are shown first.
    failure = error;
  }
  const rings: KeyRings = new Map([["C", await ringOf(principal, password, calls)]]);
  if (choice.keytab !== undefined) {
    const { keys } = await keysFor(choice.keytab, service, screen);
    rings.set("V", new Map([["K_v", keys[0]!]]));
  }
  const messages = calls
    .flatMap((call) => explainCall(call, rings, { showKeys: choice["show-keys"] }))
    .map((message) => printableMessage(message, choice.full));
  if (choice.json && failure === undefined) screen.printJson({ client: principal, service, messages });
  if (!choice.json)
    for (const message of messages)
      screen.printStyled(messageLines(message, { colour: screen.hasColour, full: choice.full }));
  if (failure !== undefined) throw failure;
}

/**
 * The client's own key: of the encryption type and from the form of the password that it proved to the KDC
 * last; nothing if it proved none.
 */
async function ringOf(
  principal: Principal,
  password: string,
  calls: readonly CapturedCall[],
): Promise<Map<KeySymbol, Key>> {
  const proof = lastProof(calls);
  if (proof === undefined) return new Map();
  const made = stringToKey(principal, proof.etype, calls);
  for (const form of passwordForms(password)) {
    const key = await keyFromPassword(etypeOf(proof.etype), form, made);
    if (tryOpen(key, "encTimestamp", KeyUsage.PA_ENC_TIMESTAMP, proof) !== undefined)
      return new Map([["K_c", key]]);
  }
  return new Map();
}

/** How the client made its key: as the KDC advised with a refusal, or else in the usual way. */
function stringToKey(principal: Principal, etype: number, calls: readonly CapturedCall[]): StringToKey {
  const advice = calls
    .flatMap(({ refusal }) => (refusal instanceof KrbError ? (refusal.etypeInfo?.entries ?? []) : []))
    .findLast((entry) => entry.etype === etype);
  return advice === undefined
    ? defaultStringToKey(principal)
    : { salt: advice.salt, params: advice.s2kparams };
}
