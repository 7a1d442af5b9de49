/** `tessera trace`: a login, a ticket and a call against a running realm, with each message explained. */
import { memoryCache, WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../client/index.js";
import { type CapturedCall, captureCalls } from "../../lab/capture.js";
import type { KeySymbol, Party } from "../../lab/dialogue.js";
import { explainCall, type KeyRings, provenEtype } from "../../lab/explain.js";
import { etypeOf } from "../../protocol/etypes.js";
import { defaultStringToKey, type Key, keyFromPassword, type StringToKey } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { type Principal, realmOf } from "../../protocol/principal.js";
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand } from "../command.js";
import { messageLines, printableMessage, wantsColour } from "../dialogue/render.js";
import { PASSWORD_OPTIONS, readPassword } from "../password.js";
import { parsePrincipalArgument } from "../principal-argument.js";
import { defaultRealm } from "../realm.js";
import { printJson, printLine } from "../screen/output.js";
import { CLIENT_OPTIONS, openSession } from "../session.js";

export const command = defineCommand({
  name: "trace",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Logs in, gets a ticket and asks V who is calling, against a running realm, and prints each message as `tessera demo` " +
    "does: what travelled, and what the client's keys open. With V's keytab it shows what V opens too. The credential " +
    "cache stays as it is.",
  examples: ["tessera trace alice", "tessera trace --keytab v.keytab --full alice"],
  options: {
    service: { value: "PRINCIPAL", help: "the service; v/localhost" },
    address: { value: "HOST:PORT", help: `where it listens; ${DEFAULT_ADDRESSES.v}` },
    keytab: { value: "FILE", help: "V's keytab: shows what V opens" },
    full: { help: "print all bytes" },
    "show-keys": { help: "print the session keys: whoever sees them can act as the client" },
    ...PASSWORD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json }) => {
    const principal = parsePrincipalArgument(positionals[0]!, await defaultRealm(), "principal");
    const service = parsePrincipalArgument(options.service ?? "v/localhost", realmOf(principal), "--service");
    const password = await readPassword(options, principal);
    const { interceptor, calls } = captureCalls();
    using session = await openSession(options, [interceptor], memoryCache());
    let failure: unknown;
    try {
      await session.client.login(principal, password);
      await session.client.serviceTicket(service);
      const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
      await session.client.access({ principal: service, address: options.address }, whoAmI, {});
    } catch (error) {
      // What travelled up to the refusal is shown first.
      failure = error;
    }
    const rings = await ringsOf(principal, password, service, options.keytab, calls);
    const messages = calls
      .flatMap((call) => explainCall(call, rings, { showKeys: options["show-keys"] }))
      .map((message) => printableMessage(message, options.full));
    if (json && failure === undefined) printJson({ client: principal, service, messages });
    if (!json)
      for (const message of messages)
        for (const line of messageLines(message, { colour: wantsColour(), full: options.full }))
          printLine(line);
    if (failure !== undefined) throw failure;
    return undefined;
  },
});

/** The keys of the parties whose keys we have: the client's, and V's where its keytab is at hand. */
async function ringsOf(
  principal: Principal,
  password: string,
  service: Principal,
  keytab: string | undefined,
  calls: readonly CapturedCall[],
): Promise<KeyRings> {
  const rings: KeyRings = new Map<Party, Map<KeySymbol, Key>>();
  const etype = provenEtype(calls);
  const own = new Map<KeySymbol, Key>();
  if (etype !== undefined)
    own.set("K_c", await keyFromPassword(etypeOf(etype), password, stringToKey(principal, etype, calls)));
  rings.set("C", own);
  if (keytab === undefined) return rings;
  const { keysFor } = await import("../keytab.js");
  const { keys } = await keysFor(keytab, service);
  rings.set("V", new Map<KeySymbol, Key>([["K_v", keys[0]!]]));
  return rings;
}

/** How the client made its key: as the KDC told it with a refusal, else by custom. */
function stringToKey(principal: Principal, etype: number, calls: readonly CapturedCall[]): StringToKey {
  const advice = calls
    .flatMap(({ refusal }) => (refusal instanceof KrbError ? (refusal.etypeInfo?.entries ?? []) : []))
    .findLast((entry) => entry.etype === etype);
  return advice === undefined
    ? defaultStringToKey(principal)
    : { salt: advice.salt, params: advice.s2kparams };
}
