/**
 * Logs in, gets a ticket and calls V in a running realm; prints each message with what the known keys open.
 */
import { memoryCache } from "../../client/credential-cache.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { captureCalls } from "../../lab/capture.js";
import { clientKey } from "../../lab/client-key.js";
import { explainCall } from "../../lab/explain.js";
import type { KeyRings } from "../../lab/key-rings.js";
import { realmOf } from "../../protocol/principal.js";
import type { CommandSurroundings } from "../frame/command.js";
import { writeTracePage } from "../lab/trace-page.js";
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
  readonly page: string | undefined;
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
  const own = await clientKey(principal, password, calls);
  const keysOfV =
    choice.keytab === undefined ? undefined : (await keysFor(choice.keytab, service, screen)).keys;
  const startingRings = (): KeyRings => {
    const rings: KeyRings = new Map([["C", new Map(own === undefined ? [] : [["K_c", own] as const])]]);
    if (keysOfV !== undefined) rings.set("V", new Map([["K_v", keysOfV[0]!]]));
    return rings;
  };
  const rings = startingRings();
  const messages = calls
    .flatMap((call) => explainCall(call, rings, { showKeys: choice["show-keys"] }))
    .map((message) => printableMessage(message, choice.full));
  if (choice.json && failure === undefined) screen.printJson({ client: principal, service, messages });
  if (!choice.json)
    for (const message of messages)
      screen.printStyled(messageLines(message, { colour: screen.hasColour, full: choice.full }));
  if (choice.page !== undefined) {
    const page = { path: choice.page, title: `${principal} and ${service}`, showKeys: choice["show-keys"] };
    await writeTracePage(calls, startingRings(), page, screen);
  }
  if (failure !== undefined) throw failure;
}
