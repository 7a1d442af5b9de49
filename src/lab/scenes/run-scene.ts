/** Runs a scene: the dialogue between real servers, then the attack that shows its hole. */
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../client/index.js";
import type { Told } from "../attacks/attack.js";
import type { AttackName } from "../attacks/names.js";
import { type AttackReport, attackRealm } from "../attacks/run-attack.js";
import { attackNamed } from "../attacks/table.js";
import { captureCalls } from "../capture.js";
import { type ExplainedMessage, explainCall } from "../explain.js";
import { firstKeysOf } from "../realm/first-keys.js";
import { startLabRealm } from "../realm/lab-realm.js";
import type { Scene } from "../realm/scene.js";

/** What happened in a scene. */
export interface ScenePlayed {
  readonly messages: readonly ExplainedMessage[];
  readonly report: AttackReport;
}

/**
 * Starts a realm of a scene; logs alice in, gets a ticket and calls V; then attacks.
 * @param onMessages told of the six messages before the attack begins.
 * @param told of each step of the attack.
 */
export async function runScene(
  scene: Scene,
  attackName: AttackName,
  onMessages: (messages: readonly ExplainedMessage[]) => void,
  told: Told,
): Promise<ScenePlayed> {
  await using realm = await startLabRealm({ scene });
  const { interceptor, calls } = captureCalls();
  const client = realm.client({ interceptors: [interceptor] });
  const { principal, password } = realm.users.alice;
  await client.login(principal, password);
  const v = { principal: realm.service, address: realm.address };
  await client.access(v, { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema }, {});
  const rings = firstKeysOf(realm);
  const messages = calls.flatMap((call) => explainCall(call, rings, { showKeys: false }));
  onMessages(messages);
  return { messages, report: await attackRealm(attackNamed(attackName), realm, told) };
}
