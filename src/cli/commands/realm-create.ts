/** `tessera realm create`: makes a realm. */
import { formatDuration } from "../../protocol/duration.js";
import { ITERATIONS, isIterationCount } from "../../protocol/etypes.js";
import { isRealm } from "../../protocol/principal.js";
import { isProfileName } from "../../protocol/profile.js";
import { createRealm, FIRST_SERVICE } from "../../realm/create-realm.js";
import { DEFAULT_REALM, DEFAULT_SETTINGS } from "../../realm/realm-settings.js";
import { postgresNameOf, shownPostgresName } from "../../store/postgres/place.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { parseLifetime } from "../screen/times.js";
import { weakNames } from "../screen/weakness.js";

export const command = defineCommand({
  name: "realm create",
  usage: ["[OPTION…]"],
  description:
    "Makes a realm: a folder with its settings, a master key, the random keys of its TGS, and the service " +
    "v/localhost with its keytab. The profile textbook makes DES keys, for learning; standard makes AES " +
    "keys, for real use.",
  examples: [
    "tessera realm create",
    "tessera realm create --realm EXAMPLE.ORG --profile standard --dir ./realm",
    "tessera realm create --realm EXAMPLE.ORG --database postgres://kdc@db1,db2/tessera",
  ],
  options: {
    realm: { value: "REALM", help: `its name, in upper case; ${DEFAULT_REALM}` },
    profile: { value: "PROFILE", help: "textbook or standard; textbook" },
    ...REALM_OPTIONS,
    "max-life": { value: "TIME", help: "longest ticket; 10h", aliases: ["maxlife"] },
    "max-renewable-life": { value: "TIME", help: "longest renewable life; 7d", aliases: ["maxrenewlife"] },
    "clock-skew": { value: "TIME", help: "permitted difference between clocks; 5m" },
    database: {
      value: "URL",
      help: "keep the principals in PostgreSQL: postgres://[USER@]HOST[:PORT][,HOST…]/DATABASE",
    },
    iterations: { value: "COUNT", help: "iterations of PBKDF2 for AES keys made from passwords; 32768" },
  },
  arguments: [0, 0],
  run: async ({ options, json, screen, env, now }) => {
    const { realm = DEFAULT_SETTINGS.realm, profile = DEFAULT_SETTINGS.profile } = options;
    if (!isRealm(realm)) throw new UsageError("--realm: expected a name in upper case such as EXAMPLE.TEST");
    if (!isProfileName(profile)) throw new UsageError("--profile: expected textbook or standard");
    const time = (name: "max-life" | "max-renewable-life" | "clock-skew", otherwise: number) =>
      options[name] === undefined ? otherwise : parseLifetime(options[name], `--${name}`);
    const settings = {
      realm,
      profile,
      maxLife: time("max-life", DEFAULT_SETTINGS.maxLife),
      maxRenewableLife: time("max-renewable-life", DEFAULT_SETTINGS.maxRenewableLife),
      clockSkew: time("clock-skew", DEFAULT_SETTINGS.clockSkew),
      ...(options.database === undefined ? {} : { database: checkDatabase(options.database, realm) }),
      ...(options.iterations === undefined ? {} : { iterations: parseIterations(options.iterations) }),
    };
    const made = await createRealm(realmDir(env, options.dir), settings, now());
    if (json) {
      screen.printJson({
        realm,
        profile,
        dir: made.dir,
        keytab: made.keytabFile,
        service: `${FIRST_SERVICE}@${realm}`,
        ...(settings.database !== undefined && { database: shownPostgresName(settings.database) }),
      });
      return undefined;
    }
    screen.print(`realm ${realm} (${profile}) made in ${made.dir}`);
    screen.print(
      `  tickets live ${formatDuration(settings.maxLife)} at most; ` +
        `clocks may differ by ${formatDuration(settings.clockSkew)}`,
    );
    if (settings.database !== undefined)
      screen.print(`  principals in ${shownPostgresName(settings.database)}`);
    screen.print(`  service ${FIRST_SERVICE}@${realm}, its keys in ${made.keytabFile}`);
    screen.print();
    screen.print("next:");
    const usual = realmDir(env);
    if (usual !== made.dir && usual !== options.dir) screen.print(`  export TESSERA_REALM_DIR=${made.dir}`);
    screen.print("  tessera kadmin addprinc alice");
    screen.print("  tessera serve");
    screen.print("  tessera kinit alice");
    const weak = weakNames(profile);
    if (weak !== "")
      screen.notice(`the profile ${profile} permits weak encryption (${weak}): for learning, on loopback`);
    return undefined;
  },
});

function checkDatabase(text: string, realm: string): string {
  try {
    postgresNameOf(text, realm);
    return text;
  } catch (error) {
    throw new UsageError(`--database: ${(error as Error).message.replace(/^store: postgres: /, "")}`);
  }
}

function parseIterations(text: string): number {
  const count = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (isIterationCount(count)) return count;
  const { least, most } = ITERATIONS;
  throw new UsageError(`--iterations: expected ${least} to ${most}, got ${text.slice(0, 80)}`);
}
