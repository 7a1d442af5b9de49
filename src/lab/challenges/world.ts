/** What a learner is told of a realm that runs. */
import type { KdcAddresses } from "../../client/index.js";
import { etypeOf } from "../../protocol/etypes.js";
import type { LabRealm, LabUser } from "../realm/lab-realm.js";
import { SCENES } from "../realm/scene.js";
import type { ChallengeFiles } from "./challenge.js";

/** Where everything is, and who one is oneself. */
export interface World {
  readonly realm: string;
  readonly kdc: KdcAddresses;
  readonly v: { readonly principal: string; readonly address: string };
  /** What a client of this realm accepts, by their numbers. */
  readonly etypes: { readonly permitted: readonly number[]; readonly first: number };
  /** The learner's own login; undefined: there is none. */
  readonly you?: { readonly principal: string; readonly password: string } | undefined;
}

/** The file that scripts read. */
const WORLD_FILE = "realm.json";
/** The file that a shell reads. */
const SHELL_FILE = "realm.env";

/** Tells of a lab's realm and of V at an address: for scripts, and as variables of the `tessera` command. */
export function worldFiles(lab: LabRealm, address: string, you?: LabUser, tgs = lab.kdc.tgs): ChallengeFiles {
  const etypes = SCENES[lab.scene].clientEtypes;
  const world: World = {
    realm: lab.realm,
    kdc: { as: lab.kdc.as, tgs },
    v: { principal: lab.service, address },
    etypes,
    ...(you && { you: { principal: you.principal, password: you.password } }),
  };
  const names = etypes.permitted.map((etype) => etypeOf(etype).name);
  const variables = [
    "# In this folder: . ./realm.env",
    `export TESSERA_KDC=${world.kdc.as},${world.kdc.tgs}`,
    `export TESSERA_ETYPES=${names.join(",")}`,
    'export TESSERA_CCACHE="FILE:$PWD/ccache"',
    `# tessera call --service ${world.v.principal} --address ${address} who-am-i`,
  ];
  return {
    [WORLD_FILE]: `${JSON.stringify(world, undefined, 2)}\n`,
    [SHELL_FILE]: `${variables.join("\n")}\n`,
  };
}
