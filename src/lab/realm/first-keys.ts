/** The keys that each party of a lab's realm begins with. */
import type { Key } from "../../protocol/keys.js";
import type { KeyRings } from "../key-rings.js";
import type { KeySymbol, Party } from "../parties.js";
import type { LabRealm } from "./lab-realm.js";

/** The rings of alice, AS, TGS and V. AS and TGS share a database; here each has the keys that it uses. */
export function firstKeysOf({ users: { alice }, keys: { krbtgt, service } }: LabRealm): KeyRings {
  const ring = (...keys: [KeySymbol, Key][]) => new Map(keys);
  return new Map<Party, Map<KeySymbol, Key>>([
    ["C", ring(["K_c", alice.key.key])],
    ["AS", ring(["K_c", alice.key.key], ["K_tgs", krbtgt.key])],
    ["TGS", ring(["K_tgs", krbtgt.key], ["K_v", service.key])],
    ["V", ring(["K_v", service.key])],
  ]);
}
