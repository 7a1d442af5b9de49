/** What the configuration says of a realm, where neither options nor environment say it. */
import type { Configuration } from "../config/configuration.js";
import type { Environment } from "../frame/surroundings.js";
import type { ClientChoice, TlsChoice } from "./client-options.js";

/** The choices that the configuration of a realm completes. */
export type RealmChoice = Pick<ClientChoice, "kdc"> & TlsChoice & { readonly etype?: readonly string[] };

/** A choice completed for a realm; undefined stands for a realm that nothing is known of. */
export function inRealm<Choice extends RealmChoice>(
  choice: Choice,
  realm: string | undefined,
  configuration: Configuration | undefined,
  env: Environment,
): Choice {
  const known = realm === undefined ? undefined : configuration?.realms.get(realm);
  if (known === undefined) return choice;
  const isNamed = choice.kdc.length > 0 || (env.TESSERA_KDC ?? "").trim() !== "";
  const kdc = known.dns?.[0] === "true" ? ["dns"] : (known.kdc ?? []);
  // A certificate goes with the authorities that it was typed beside.
  const tls =
    choice["tls-ca"] === undefined && known.ca !== undefined
      ? { "tls-ca": known.ca[0], "tls-cert": known.cert?.[0], "tls-key": known.key?.[0] }
      : {};
  return {
    ...choice,
    ...tls,
    kdc: isNamed ? choice.kdc : kdc,
    ...(choice.etype?.length === 0 && { etype: known.etypes ?? [] }),
  };
}
